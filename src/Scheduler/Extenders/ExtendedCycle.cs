using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Extenders;

/// <summary>One decision in which others have a say: the cycle's own steps under the scheduler's lock, the questions outside it.</summary>
/// <remarks>Only the loop decides, so nothing is decided in between; nodes and Pods may change meanwhile, as they may after any decision.</remarks>
internal sealed class ExtendedCycle(Lock gate, Snapshot snapshot, IReadOnlyList<Extender> extenders)
{
    /// <exception cref="ExtenderException">One that is not ignorable does not answer.</exception>
    public async Task<Cycle.Decision> DecideAsync(PodInfo pod, Cycle cycle, CancellationToken ct)
    {
        var concerned = extenders.Where(e => e.Concerns(pod.Pod)).ToList();
        List<NodeInfo> fits;
        lock (gate)
        {
            if (cycle.Find(pod, snapshot, remember: false) is { } refused) return refused;
            fits = [.. cycle.Fits];
        }
        List<(NodeInfo, Verdict)> others = [];
        foreach (var extender in concerned.Where(e => e.Filters))
        {
            byte[] question;
            lock (gate)
            {
                fits.RemoveAll(IsGone);
                question = extender.Question(pod, fits);
            }
            if (fits.Count == 0) break;
            try
            {
                var (left, out_) = await extender.FilterAsync(question, fits, ct);
                fits = left;
                others.AddRange(out_);
            }
            catch (ExtenderException) when (extender.Ignorable) { }
        }
        if (fits.Count == 0) return await NoneAsync(pod, cycle, others, concerned, ct);
        if (fits.Count == 1) return new(fits[0].Name, "", 0);
        (Extender By, byte[] Question)[] questions;
        long[] totals;
        lock (gate)
        {
            fits.RemoveAll(IsGone);
            if (fits.Count == 0) return new(null, "no nodes available to schedule pods", 0);
            questions = [.. concerned.Where(e => e.Prioritizes).Select(e => (e, e.Question(pod, fits)))];
            totals = cycle.Score(pod, snapshot, fits.ToArray()).ToArray();
        }
        foreach (var points in await Task.WhenAll(questions.Select(q => PointsAsync(q.By, q.Question, ct))))
            for (int i = 0; i < fits.Count; i++) totals[i] += points.GetValueOrDefault(fits[i].Name);
        return new(fits[cycle.Best(totals)].Name, "", 0);
    }

    /// <summary>As upstream: who cannot say what it prefers, prefers nothing.</summary>
    static async Task<Dictionary<string, long>> PointsAsync(Extender extender, byte[] question, CancellationToken ct)
    {
        try { return await extender.ScoreAsync(question, ct); }
        catch (ExtenderException) { return []; }
    }

    async Task<Cycle.Decision> NoneAsync(PodInfo pod, Cycle cycle, List<(NodeInfo, Verdict)> others, List<Extender> concerned, CancellationToken ct)
    {
        var preempting = concerned.Where(e => e.Preempts).ToList();
        Cycle.Decision decision;
        Dictionary<(string, string), PodInfo> there = [];
        lock (gate)
        {
            decision = cycle.None(pod, [.. others.Where(o => !IsGone(o.Item1))], offer: preempting.Count > 0);
            foreach (var candidate in decision.Candidates ?? []) foreach (var p in candidate.Node.Pods) there.TryAdd((candidate.Node.Name, p.Uid), p);
        }
        if (decision.Candidates is not { Count: > 0 } candidates) return decision;
        foreach (var extender in preempting)
        {
            try { candidates = await extender.PreemptAsync(pod, candidates, there, ct); }
            catch (ExtenderException) when (extender.Ignorable) { }
            if (candidates.Count == 0) return decision with { Candidates = null };
        }
        return DefaultPreemption.Pick(candidates) is { } best ? decision with { Candidates = null, Nominated = best.Node.Name, Victims = best.Victims } : decision;
    }

    static bool IsGone(NodeInfo node) => node.Node is null;
}
