using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>What every node says to Pods of one shape that fitted nowhere, and what it would take to make room: the next such Pod asks only the nodes that have changed since.</summary>
/// <remarks>Bound: a verdict and a candidate for each node. Upstream calls the same idea opportunistic batching (KEP-5598).</remarks>
internal sealed class Impasse
{
    /// <summary>Of a dry run: who would have to go, or why nobody's going helps.</summary>
    /// <param name="Guarded">A disruption budget covers one of those who might go.</param>
    public readonly record struct DryRun(DefaultPreemption.Candidate? Candidate, string Refusal, bool Guarded);

    readonly long _arrangement, _classes;
    readonly Verdict[] _verdicts;
    readonly DryRun?[] _dryRuns;
    readonly int[] _plugins = new int[64];
    readonly Dictionary<string, int> _reasons = [];
    readonly List<NodeInfo> _fits = [];
    /// <summary>Their last answer was to a Pod that is promised room there: it goes for no other.</summary>
    readonly HashSet<NodeInfo> _again = [];
    NodeInfo[]? _open;
    long _read, _rules, _states;

    public PodShape Shape { get; }

    public Impasse(PodShape shape, PodInfo pod, Snapshot snapshot, List<(NodeInfo Node, Verdict Verdict)> refused)
    {
        Shape = shape;
        (_arrangement, _classes, _read) = (snapshot.Arrangement, snapshot.Devices.ClassChanges, snapshot.Changes.Count);
        (_verdicts, _dryRuns) = (new Verdict[snapshot.Width], new DryRun?[snapshot.Width]);
        foreach (var (node, verdict) in refused)
        {
            _verdicts[node.Index] = verdict;
            Count(verdict, 1);
            if (IsPromised(node, pod)) _again.Add(node);
        }
    }

    /// <summary>When it was last asked; the longest unasked goes when there are too many.</summary>
    public long Used { get; set; }
    /// <summary>Nodes that a Pod of the shape fits on by now.</summary>
    public List<NodeInfo> Fits => _fits;
    /// <summary>Who refuses, as bits.</summary>
    public ulong Plugins
    {
        get
        {
            ulong bits = 0;
            for (int i = 0; i < _plugins.Length; i++) if (_plugins[i] > 0) bits |= 1UL << i;
            return bits;
        }
    }
    /// <summary>How many nodes say what.</summary>
    public IEnumerable<KeyValuePair<string, int>> Reasons => _reasons;

    /// <summary>Nodes on which others could make room, in the snapshot's order.</summary>
    public ReadOnlySpan<NodeInfo> Open(Snapshot snapshot)
    {
        if (_open is not null) return _open;
        List<NodeInfo> open = [];
        foreach (var node in snapshot.Nodes) if (_verdicts[node.Index] is { Ok: false, Hopeless: false }) open.Add(node);
        return _open = [.. open];
    }

    public bool IsHopeless(NodeInfo node) => node.Index >= 0 && _verdicts[node.Index].Hopeless;

    /// <summary>Asks the nodes that have changed, of the Pod that was last opened.</summary>
    /// <returns>False when too much has: all nodes have to be asked.</returns>
    public bool TryCatchUp(PodInfo pod, Profile profile, Snapshot snapshot)
    {
        if (snapshot.Arrangement != _arrangement || snapshot.Devices.ClassChanges != _classes || !snapshot.Changes.Keeps(_read)) return false;
        if (_again.Count > 0) foreach (var node in _again.ToArray()) Ask(node, pod, profile, snapshot);
        for (; _read < snapshot.Changes.Count; _read++) if (snapshot.Changes[_read] is { Index: >= 0 } node) Ask(node, pod, profile, snapshot);
        return true;
    }

    void Ask(NodeInfo node, PodInfo pod, Profile profile, Snapshot snapshot)
    {
        _dryRuns[node.Index] = null;
        if (IsPromised(node, pod)) _again.Add(node); else _again.Remove(node);
        var (before, now) = (_verdicts[node.Index], profile.FilterWithNominated(pod, node, snapshot));
        if (before == now) return;
        _verdicts[node.Index] = now;
        Count(before, -1);
        Count(now, 1);
        if (before.Ok) _fits.Remove(node);
        if (now.Ok) _fits.Add(node);
        if (before.Ok != now.Ok || before.Hopeless != now.Hopeless) _open = null;
    }

    void Count(Verdict verdict, int by)
    {
        if (verdict.Reason is not { } reason) return;
        _plugins[verdict.Plugin] += by;
        int left = _reasons.GetValueOrDefault(reason) + by;
        if (left == 0) _reasons.Remove(reason); else _reasons[reason] = left;
    }

    static bool IsPromised(NodeInfo node, PodInfo pod)
    {
        if (node.Nominated is { } nominated) foreach (var n in nominated) if (n.Uid == pod.Uid) return true;
        return false;
    }

    /// <summary>Forgets what disruption budgets have changed since.</summary>
    public void Heed(BudgetBook budgets)
    {
        if ((budgets.Rules, budgets.States) == (_rules, _states)) return;
        bool all = budgets.Rules != _rules;
        (_rules, _states) = (budgets.Rules, budgets.States);
        for (int i = 0; i < _dryRuns.Length; i++) if (all || _dryRuns[i] is { Guarded: true }) _dryRuns[i] = null;
    }

    /// <summary>What came of making room on the node the last time; null when that is to be tried.</summary>
    public DryRun? Recall(NodeInfo node) => _dryRuns[node.Index];

    public void Keep(NodeInfo node, PodInfo pod, DryRun result)
    {
        if (!IsPromised(node, pod)) _dryRuns[node.Index] = result;
    }
}
