using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Nodes.Shutdown;

/// <summary>Ends a node's Pods in order before the machine goes down: those of low priority first, each group within its time (KEP-2000, KEP-2712).</summary>
sealed class NodeShutdown(PodContext context, PodWorkers workers)
{
    const string Message = "Pod was terminated in response to imminent node shutdown.";
    const int SystemCritical = 2_000_000_000;
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    volatile bool _begun;
    ShutdownRecord _record = new(null, null);

    /// <summary>No Pod is let in any more, and the node is not ready.</summary>
    public bool Begun => _begun;

    /// <summary>The priorities with the time that each has, the lowest first; empty when nobody is given any.</summary>
    public static Seq<(int Priority, TimeSpan Grace)> Times(KubeletOptions options) =>
        !options.ShutdownGraceByPriority.IsEmpty ? options.ShutdownGraceByPriority.OrderBy(p => p.Priority).ToSeq()
        : options.ShutdownGrace <= TimeSpan.Zero ? default
        : [(0, options.ShutdownGrace - options.ShutdownGraceCritical), (SystemCritical, options.ShutdownGraceCritical)];

    /// <summary>The groups, in the order in which they go: a Pod is in that of the highest priority that it reaches, or in the lowest.</summary>
    public static IReadOnlyList<(int Priority, TimeSpan Grace, IReadOnlyList<T> Pods)> Groups<T>(IEnumerable<T> pods, Func<T, Pod> podOf, KubeletOptions options)
    {
        var times = Times(options);
        if (times.IsEmpty) return [];
        var sorted = pods.ToLookup(p => times.Where(t => t.Priority <= (podOf(p).Spec.Priority ?? 0)).Select(t => t.Priority).DefaultIfEmpty(times[0].Priority).Max());
        return [.. times.Select(t => (t.Priority, t.Grace, (IReadOnlyList<T>)[.. sorted[t.Priority]]))];
    }

    /// <summary>From now on the node takes no Pod.</summary>
    public void Begin() => _begun = true;

    /// <summary>The machine stays up: the node takes Pods again.</summary>
    public void CallOff() => _begun = false;

    /// <summary>Returns when all Pods have ended, or their time has.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        Begin();
        Keep(new(context.Time.GetUtcNow(), null));
        foreach (var (priority, grace, group) in Groups(workers.All.Where(w => !w.Ended), w => w.Pod, context.Options))
        {
            if (group.Count == 0) continue;
            context.Log.ShuttingDown(group.Count, priority, grace.TotalSeconds);
            foreach (var worker in group) worker.Fail(new("Terminated", Message), Message, Math.Min(worker.Pod.Spec.TerminationGracePeriodSeconds ?? long.MaxValue, (long)grace.TotalSeconds));
            long began = context.Time.GetTimestamp();
            while (context.Time.GetElapsedTime(began) < grace && group.Any(w => !HasEnded(w))) await Task.Delay(s_look, context.Time, ct).ConfigureAwait(false);
        }
        Keep(_record with { Ended = context.Time.GetUtcNow() });
    }

    /// <summary>Nothing of it runs, and it has been told so.</summary>
    static bool HasEnded(PodWorker worker) => worker.Done || worker.Runtime?.Containers.Any(c => c.State == RuntimeState.Running) != true && (worker.Status?.IsFinished() ?? false);

    void Keep(ShutdownRecord record)
    {
        _record = record;
        try { record.Save(context.Options.Folders.Data); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { context.Log.ShutdownNotKept(e.Message); }
    }

    /// <summary>Tells of the last shutdown, also after the machine has come up again.</summary>
    public static void Render(PrometheusText text, KubeletOptions options)
    {
        var record = ShutdownRecord.Load(options.Folders.Data);
        foreach (var (name, help, at) in (ReadOnlySpan<(string, string, DateTimeOffset?)>)
        [
            ("kubelet_graceful_shutdown_start_time_seconds", "When the last shutdown of the machine began or ended, in Unix time.", record.Started),
            ("kubelet_graceful_shutdown_end_time_seconds", "When the last shutdown of the machine began or ended, in Unix time.", record.Ended),
        ])
            if (at is { } time) text.Plain(name, "gauge", "[ALPHA] " + help, time.ToUnixTimeMilliseconds() / 1e3);
    }
}
