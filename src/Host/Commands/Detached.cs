using System.Diagnostics;
using Hanbae.Host.Progress;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Commands;

/// <summary><c>up --detach</c>: the same command again in a session of its own, its output shown until it says that it is ready.</summary>
static class Detached
{
    /// <summary>The last line of a start, in the log.</summary>
    public const string Ready = "ready in ";

    /// <summary>Set for the process that is started: it has the same arguments and must not detach again.</summary>
    const string Mark = "HANBAE_DETACHED";

    /// <summary>This is the process that was detached.</summary>
    public static bool IsChild => Environment.GetEnvironmentVariable(Mark) is not null;

    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    public static async Task<int> StartAsync(string folder, CancellationToken ct)
    {
        DataFolder.Claim(NodePaths.Of(folder));
        string log = Path.Combine(folder, Up.LogFile);
        LogFile.Prepare(log);
        long from = new FileInfo(log).Length;
        string[] arguments = Environment.GetCommandLineArgs()[1..];
        // A new session: closing the terminal ends nothing. The shell only opens the log and becomes the program.
        var start = new ProcessStartInfo("setsid", ["sh", "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", log, Environment.ProcessPath!, .. arguments]);
        start.Environment[Mark] = "1";
        using var child = Process.Start(start) ?? throw new RuntimeException("setsid cannot be started");
        using var reader = new StreamReader(new FileStream(log, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite));
        reader.BaseStream.Seek(from, SeekOrigin.Begin);
        while (true)
        {
            bool ended = child.HasExited;
            while (await reader.ReadLineAsync(ct) is { } line)
            {
                Console.WriteLine(line);
                if (line.StartsWith(Ready, StringComparison.Ordinal)) return await RestAsync(reader, ct);
            }
            if (ended) return child.ExitCode == 0 ? Shared.Failed : child.ExitCode;
            await Task.Delay(Glance, ct);
        }
    }

    /// <summary>What to type next stands behind the ready line, up to an empty one.</summary>
    static async Task<int> RestAsync(StreamReader reader, CancellationToken ct)
    {
        while (true)
        {
            string? line = await reader.ReadLineAsync(ct);
            if (line is { Length: 0 }) return Shared.Ok;
            if (line is null) await Task.Delay(Glance, ct);
            else Console.WriteLine(line);
        }
    }
}
