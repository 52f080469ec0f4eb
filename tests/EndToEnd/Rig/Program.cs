using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Hanbae.EndToEnd.Rig;

/// <summary>Runs programs as a person would: with arguments, input and a limit on patience, after which the program is killed.</summary>
public static class Program
{
    /// <summary>Nothing these tests call takes as long as this, even on a machine that does many other things.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    public static async Task<Ran> RunAsync(string program, IEnumerable<string> arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var process = Start(program, arguments, environment);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            if (input is not null) await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all of its input: its exit code tells why.
        }
        using var limit = new CancellationTokenSource(Limit);
        string late = "";
        try { await process.WaitForExitAsync(limit.Token); }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            late = $"(killed after {Limit.TotalSeconds} s)\n";
        }
        return new($"{program} {string.Join(' ', arguments)}", late.Length > 0 ? -1 : process.ExitCode, await output, late + await error);
    }

    /// <summary>A program that goes on until it is disposed of.</summary>
    public static Background InBackground(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        new(Start(program, arguments, environment));

    static Process Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            StandardOutputEncoding = new UTF8Encoding(false), StandardInputEncoding = new UTF8Encoding(false),
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <returns>The program's path, or null when it is not in PATH.</returns>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/sbin").Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
}

/// <summary>A program that runs beside the test.</summary>
public sealed class Background : IDisposable
{
    readonly Process _process;
    readonly StringBuilder _text = new();

    internal Background(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Add(e.Data);
        process.ErrorDataReceived += (_, e) => Add(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>All it said so far, errors too.</summary>
    public string Text { get { lock (_text) return _text.ToString(); } }

    public bool HasExited => _process.HasExited;

    /// <summary>Asks it to end, as Ctrl-C does.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> InterruptAsync()
    {
        // Not SIGINT: whoever is started behind something else may have to ignore that.
        (await Program.RunAsync("kill", ["-TERM", $"{_process.Id}"])).Ok();
        using var limit = new CancellationTokenSource(Program.Limit);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    void Add(string? line)
    {
        if (line is null) return;
        lock (_text) _text.Append(line).Append('\n');
    }

    public void Dispose()
    {
        try { _process.Kill(entireProcessTree: true); }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It ended by itself.
        }
        _process.Dispose();
    }
}
