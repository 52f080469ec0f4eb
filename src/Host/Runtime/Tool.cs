using System.Diagnostics;

namespace Hanbae.Host.Runtime;

/// <summary>Runs the programs of the distribution: ip, nft, ctr, apt-get.</summary>
public static class Tool
{
    // A user's PATH often lacks the sbin folders although root's tools live there.
    static readonly string[] Sbin = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>PATH with the folders of root's tools at its end.</summary>
    public static string SearchPath { get; } = string.Join(':', (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(Sbin).Where(p => p.Length > 0).Distinct());

    /// <returns>The full path of a program, or null when it is not installed.</returns>
    public static string? Find(string program) => SearchPath.Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <param name="input">Written to the program's standard input, which is empty without it.</param>
    public static async Task<ToolResult> RunAsync(
        string program, IReadOnlyList<string> arguments, Func<Stream, Task>? input = null, IReadOnlyDictionary<string, string>? environment = null, CancellationToken ct = default)
    {
        string path = Path.IsPathRooted(program) ? program : Find(program) ?? throw new RuntimeException($"the program {program} is not installed");
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = SearchPath;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var errors = process.StandardError.ReadToEndAsync(ct);
            await FeedAsync(process, input);
            await process.WaitForExitAsync(ct);
            return new(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    static async Task FeedAsync(Process process, Func<Stream, Task>? input)
    {
        try
        {
            if (input is not null) await input(process.StandardInput.BaseStream);
            process.StandardInput.Close();
        }
        catch (IOException) when (process.HasExited || process.WaitForExit(1000))
        {
            // It refused its input: its exit code and standard error say why, better than a broken pipe does.
        }
    }
}

/// <summary>How a program ended and what it said.</summary>
public sealed record ToolResult(int ExitCode, string Output, string Error)
{
    public bool Succeeded => ExitCode == 0;
    /// <summary>What to show a person: its last words, or its exit code when it had none.</summary>
    public string Complaint => Error.Trim() is { Length: > 0 } said ? said : Output.Trim() is { Length: > 0 } other ? other : $"exit code {ExitCode}";
}
