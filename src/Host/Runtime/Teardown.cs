namespace Hanbae.Host.Runtime;

/// <summary>Ends the pods of a node through its container runtime, so that CNI gives addresses and ports back.</summary>
public sealed class Teardown(NodePaths paths, TimeProvider time)
{
    static readonly TimeSpan HanbaeGrace = TimeSpan.FromSeconds(30);
    const int AtOnce = 4;

    /// <summary>What <c>down</c> does: ends the process, its pods and its containerd; <c>up</c> brings the same cluster back.</summary>
    /// <param name="endpoint">The runtime the node uses, when it is not its own containerd.</param>
    /// <param name="say">Told of pods that would not end; the rest is stopped all the same.</param>
    /// <returns>Whether anything was running.</returns>
    public async Task<bool> StopAsync(string? endpoint, Action<string> say, CancellationToken ct)
    {
        bool ran = await StopHanbaeAsync(ct);
        var containerd = new Containerd(paths, time);
        if (endpoint is not null || containerd.IsRunning)
        {
            await StopPodsAsync(containerd, endpoint, say, ct);
            ran = true;
        }
        // As after a reboot: no folder of somebody's stays mounted below the data folder, where who deletes that would empty it.
        foreach (var (mount, why) in KubeletFolder.Detach(paths))
            if (why is not null) say($"{mount.Path} stays mounted: {why}");
        return ran;
    }

    async Task StopPodsAsync(Containerd containerd, string? endpoint, Action<string> say, CancellationToken ct)
    {
        using var runtime = new NodeCri(endpoint ?? paths.Endpoint);
        await EachSandboxAsync(runtime, foreign: endpoint is not null, async (id, t) =>
        {
            try
            {
                await runtime.StopSandboxAsync(id, t);
            }
            catch (RuntimeException e)
            {
                say($"pod sandbox {id} did not end: {e.Message}");
            }
        }, ct);
        if (endpoint is null) await containerd.StopAsync(ct);
    }

    /// <summary>Ends the hanbae process of this node, if one runs and it is not this one.</summary>
    internal async Task<bool> StopHanbaeAsync(CancellationToken ct)
    {
        if (ProcessIdentity.Read(paths.HanbaeProcess) is not { } hanbae || hanbae.Pid == Environment.ProcessId) return false;
        bool ran = await hanbae.StopAsync(HanbaeGrace, time, ct);
        File.Delete(paths.HanbaeProcess);
        return ran;
    }

    /// <returns>How many sandboxes there were.</returns>
    internal Task<int> RemoveSandboxesAsync(NodeCri runtime, bool foreign, CancellationToken ct) => EachSandboxAsync(runtime, foreign, async (id, t) =>
    {
        await runtime.StopSandboxAsync(id, t);
        await runtime.RemoveSandboxAsync(id, t);
    }, ct);

    async Task<int> EachSandboxAsync(NodeCri runtime, bool foreign, Func<string, CancellationToken, Task> act, CancellationToken ct)
    {
        // A runtime that was there before us may hold other people's pods: ours are those the kubelet keeps a folder for.
        var mine = (await runtime.SandboxesAsync(ct)).Where(s => !foreign || (s.PodUid is { Length: > 0 } uid && Directory.Exists($"{paths.Kubelet}/pods/{uid}"))).ToList();
        await Parallel.ForEachAsync(mine, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct }, async (s, t) => await act(s.Id, t));
        return mine.Count;
    }
}
