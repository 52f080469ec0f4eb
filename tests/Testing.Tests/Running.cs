using System.Diagnostics;
using System.Reflection;
using System.Text;

namespace Hanbae.Testing.Tests;

/// <summary>A program of its own, as its user would run it; killed when it is disposed of.</summary>
sealed class Running : IAsyncDisposable
{
    static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    readonly Process _process;
    readonly StringBuilder _said = new();
    readonly Lock _lock = new();
    TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    Running(ProcessStartInfo start)
    {
        _process = new() { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Hear(e.Data);
        _process.ErrorDataReceived += (_, e) => Hear(e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public static string Configuration { get; } = typeof(Running).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "Configuration").Value!;

    /// <summary>One of the samples.</summary>
    public static string Sample(string name) => Path.Combine(Hanbae.Kit.Repository.Root, "samples", name, "bin", Configuration, "net10.0", name + ".dll");

    public static Running Dotnet(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string? folder = null)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "" };
        // What a test host or a build of another has put there is not for it.
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList()) start.Environment.Remove(name);
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new(start);
    }

    /// <summary>All that it said so far.</summary>
    public string Said { get { lock (_lock) return _said.ToString(); } }

    void Hear(string? line)
    {
        if (line is null) return;
        lock (_lock)
        {
            _said.Append(line).Append('\n');
            _more.TrySetResult();
            _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public async Task SayAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Waits until it has said that.</summary>
    public async Task UntilAsync(string text)
    {
        using var limit = new CancellationTokenSource(s_limit);
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (_said.ToString().Contains(text, StringComparison.Ordinal)) return;
                more = _more.Task;
            }
            try { await Task.WhenAny(more, _process.WaitForExitAsync(limit.Token)).Unwrap().WaitAsync(limit.Token); }
            catch (OperationCanceledException) { Assert.Fail($"it never said \"{text}\":\n{Said}"); }
            if (!_process.HasExited || more.IsCompleted) continue;
            // What it said at last may still be on its way.
            await _process.WaitForExitAsync(limit.Token);
            Assert.True(Said.Contains(text, StringComparison.Ordinal), $"it ended ({_process.ExitCode}) without having said \"{text}\":\n{Said}");
        }
    }

    /// <summary>Waits for its end.</summary>
    public async Task<int> EndAsync()
    {
        using var limit = new CancellationTokenSource(s_limit);
        try { await _process.WaitForExitAsync(limit.Token); }
        catch (OperationCanceledException) { Assert.Fail($"it does not end:\n{Said}"); }
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        try { _process.Kill(entireProcessTree: true); }
        catch (InvalidOperationException) { }
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }
}
