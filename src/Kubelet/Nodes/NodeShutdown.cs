using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Nodes;

/// <summary>Ends a node's Pods in order before the machine goes down: ordinary ones first, critical ones last, each group within its time (KEP-2000).</summary>
sealed class NodeShutdown(PodContext context, PodWorkers workers)
{
    const string Message = "Pod was terminated in response to imminent node shutdown.";
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    volatile bool _begun;

    /// <summary>No Pod is let in any more, and the node is not ready.</summary>
    public bool Begun => _begun;

    /// <summary>The groups, in the order in which they go.</summary>
    public static IReadOnlyList<(int Priority, TimeSpan Time, IReadOnlyList<T> Pods)> Groups<T>(IEnumerable<T> pods, Func<T, Pod> podOf, KubeletOptions options)
    {
        var sorted = pods.ToLookup(p => CriticalPods.IsCritical(podOf(p)));
        return [(0, options.ShutdownGrace - options.ShutdownGraceCritical, [.. sorted[false]]), (2_000_000_000, options.ShutdownGraceCritical, [.. sorted[true]])];
    }

    /// <summary>Returns when all Pods have ended, or their time has.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        _begun = true;
        foreach (var (priority, time, group) in Groups(workers.All.Where(w => !w.Ended), w => w.Pod, context.Options))
        {
            if (group.Count == 0) continue;
            context.Log.ShuttingDown(group.Count, priority, time.TotalSeconds);
            foreach (var worker in group) worker.Fail(new("Terminated", Message), Message, Math.Min(worker.Pod.GraceSeconds(), (long)time.TotalSeconds));
            long began = context.Time.GetTimestamp();
            while (context.Time.GetElapsedTime(began) < time && group.Any(w => w.Runtime?.Containers.Any(c => c.State == RuntimeState.Running) == true))
                await Task.Delay(s_look, context.Time, ct).ConfigureAwait(false);
        }
    }
}
