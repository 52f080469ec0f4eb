using System.Diagnostics;
using Hanbae.Cri;
using Hanbae.Grpc;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Runtime;

public enum ContainerdStart { Started, Adopted, Restarted }

/// <summary>The node's own containerd: a process that outlives hanbae, so that pods do.</summary>
/// <remarks>
/// It runs in the host's namespaces. Pods keep running while it is away (their shims hold them), so it may be restarted to read a changed
/// configuration. Who it is, is kept as number and start time: a recycled process number is never signalled.
/// </remarks>
public sealed partial class Containerd(NodePaths paths, TimeProvider time)
{
    static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30), StopGrace = TimeSpan.FromSeconds(10);
    static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    /// <summary>How long it may take to hear of an exit; it gives itself ten seconds for what it then has to do, and shows the exit before.</summary>
    static readonly TimeSpan s_exit = TimeSpan.FromSeconds(5);
    /// <summary>How often it is started again for exits that it missed, one time after the other.</summary>
    const int MostAgain = 3;
    const long LogLimit = 16 << 20;

    /// <summary>Whether there is such a process.</summary>
    internal Func<int, bool> IsAlive { get; init; } = pid => Directory.Exists($"/proc/{pid}");

    public bool IsRunning => ProcessIdentity.Read(paths.ContainerdProcess) is { IsAlive: true };

    /// <summary>Starts it, adopts the one a former hanbae left running, or restarts that when its configuration has changed.</summary>
    /// <exception cref="RuntimeException">It did not come up; the message holds its last words.</exception>
    public async Task<ContainerdStart> EnsureRunningAsync(HostFacts host, string sandboxImage, bool systemdCgroups, CancellationToken ct)
    {
        bool changed = WriteConfig(host, ContainerdConfig.Render(paths, host, sandboxImage, systemdCgroups));
        return await EnsureRunningAsync(host.Containerd, changed, ct);
    }

    /// <summary>Starts it with the configuration it last had, for a reset that needs it once more.</summary>
    internal Task<ContainerdStart> EnsureRunningAsync(CancellationToken ct) => EnsureRunningAsync(Tool.Find("containerd"), changed: false, ct);

    async Task<ContainerdStart> EnsureRunningAsync(string? binary, bool changed, CancellationToken ct)
    {
        if (IsRunning && !changed)
        {
            await WaitUntilReadyAsync(ct);
            return ContainerdStart.Adopted;
        }
        bool restart = await StopAsync(ct);
        Spawn(binary ?? throw new RuntimeException("the program containerd is not installed"));
        await WaitUntilReadyAsync(ct);
        return restart ? ContainerdStart.Restarted : ContainerdStart.Started;
    }

    /// <summary>Starts it again whenever it has ended, until cancelled: its Pods run on meanwhile, and nobody else would.</summary>
    /// <exception cref="RuntimeException">It does not come up any more.</exception>
    public async Task KeepAsync(ILogger logger, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_look, time);
        HashSet<string> suspects = [];
        DateTimeOffset? look = time.GetUtcNow(); // what it has missed, it has missed when it started
        int again = MostAgain;
        while (await timer.WaitForNextTickAsync(ct))
        {
            if (!IsRunning)
            {
                Log.Ended(logger, paths.ContainerdLog);
                await EnsureRunningAsync(ct);
                (suspects, look) = ([], time.GetUtcNow());
            }
            if (look is null || time.GetUtcNow() < look || await LostAsync(ct) is not { } lost) continue;
            if (lost.Overlaps(suspects) && again-- > 0)
            {
                Log.Lost(logger, string.Join(", ", lost.Intersect(suspects)));
                await StopAsync(ct);
                await EnsureRunningAsync(ct);
                (suspects, look) = ([], time.GetUtcNow());
                continue;
            }
            (suspects, look) = (lost, lost.Count > 0 && again > 0 ? time.GetUtcNow() + s_exit : null);
            if (lost.Count == 0) again = MostAgain;
        }
    }

    /// <returns>Null while it cannot say.</returns>
    async Task<HashSet<string>?> LostAsync(CancellationToken ct)
    {
        using var channel = new GrpcChannel(paths.Endpoint);
        try { return await new LostExits(new CriClient(channel), IsAlive).FindAsync(ct); }
        catch (GrpcException) when (!ct.IsCancellationRequested) { return null; } // it is not ready yet, or has ended again
    }

    /// <returns>Whether it was running.</returns>
    public async Task<bool> StopAsync(CancellationToken ct)
    {
        bool ran = ProcessIdentity.Read(paths.ContainerdProcess) is { } process && await process.StopAsync(StopGrace, time, ct);
        if (File.Exists(paths.ContainerdProcess)) File.Delete(paths.ContainerdProcess);
        return ran;
    }

    bool WriteConfig(HostFacts host, string config)
    {
        foreach (string folder in (string[])[paths.ContainerdRoot, paths.Run, paths.RegistryHosts, paths.CniConfig]) Directory.CreateDirectory(folder);
        File.SetUnixFileMode(paths.Run, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (ContainerdConfig.NeedsCrunWrapper(host))
        {
            File.WriteAllText(ContainerdConfig.CrunWrapper(paths), ContainerdConfig.RenderCrunWrapper(host.Crun!));
            File.SetUnixFileMode(ContainerdConfig.CrunWrapper(paths), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        if (File.Exists(paths.ContainerdConfig) && File.ReadAllText(paths.ContainerdConfig) == config) return false;
        File.WriteAllText(paths.ContainerdConfig, config);
        return true;
    }

    void Spawn(string binary)
    {
        if (new FileInfo(paths.ContainerdLog) is { Exists: true, Length: > LogLimit } log) log.MoveTo(log.FullName + ".1", overwrite: true);
        // A session of its own, so that Ctrl-C and a closed terminal stay away from it. The shell and setsid become containerd by exec,
        // which keeps the process number; nothing of our standard streams goes along, or a pipe behind `hanbae up` would never end.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "umask 022; exec setsid \"$0\" --config \"$1\" </dev/null >>\"$2\" 2>&1", binary, paths.ContainerdConfig, paths.ContainerdLog]);
        start.Environment["PATH"] = Tool.SearchPath;
        start.Environment.Remove("NOTIFY_SOCKET");
        using var process = Process.Start(start)!;
        if (ProcessIdentity.Of(process.Id) is { } identity) identity.Write(paths.ContainerdProcess);
    }

    async Task WaitUntilReadyAsync(CancellationToken ct)
    {
        using var runtime = new NodeCri(paths.Endpoint);
        long began = time.GetTimestamp();
        while (true)
        {
            if (!IsRunning) throw new RuntimeException($"containerd ended right after its start; the end of {paths.ContainerdLog} says:\n{LastWords()}");
            try
            {
                await runtime.VersionAsync(ct);
                return;
            }
            catch (RuntimeException e) when (time.GetElapsedTime(began) > StartLimit)
            {
                throw new RuntimeException($"containerd did not answer within {StartLimit.TotalSeconds} s: {e.Message}; the end of {paths.ContainerdLog} says:\n{LastWords()}", e);
            }
            catch (RuntimeException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), time, ct);
            }
        }
    }

    static partial class Log
    {
        [LoggerMessage(1011, LogLevel.Error, "containerd has ended and is started again; its log is {File}")]
        public static partial void Ended(ILogger logger, string file);

        [LoggerMessage(1012, LogLevel.Warning, "containerd has missed the end of {Ids} while it started, and is started again")]
        public static partial void Lost(ILogger logger, string ids);
    }

    string LastWords() => File.Exists(paths.ContainerdLog) ? string.Join('\n', File.ReadLines(paths.ContainerdLog).TakeLast(8)) : "(nothing)";
}
