using System.Runtime.InteropServices;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>One decision: the node for a Pod, or why there is none and who would have to go. No I/O, no clock.</summary>
/// <remarks>Buffers are kept from one decision to the next: an ordinary decision allocates next to nothing.</remarks>
internal sealed class Cycle(Profile profile, Random random, int percentage = 0)
{
    /// <summary>Nodes that are looked at in any case; beyond that a share of them is enough, as upstream's adaptive percentage.</summary>
    const int FewNodes = 100;
    /// <summary>Shapes of Pods that fitted nowhere, of which it is remembered why: more workloads than that seldom wait for room in turn.</summary>
    const int MostImpasses = 16;

    readonly List<NodeInfo> _fits = [], _open = [];
    readonly List<(NodeInfo Node, Verdict Verdict)> _refused = [];
    long[] _totals = [], _raw = [];
    int _start;
    string _narrowers = "";
    readonly Dictionary<PodShape, Impasse> _impasses = [];
    long _clock;

    public Profile Profile => profile;
    public Random Random => random;
    public Snapshot Snapshot { get; private set; } = new();
    /// <summary>What is known from Pods like the one that is decided about; null when nothing is.</summary>
    public Impasse? Impasse { get; private set; }

    /// <summary>Of the last decision without a node: those where others could make room.</summary>
    public ReadOnlySpan<NodeInfo> Open()
    {
        if (Impasse is not null) return Impasse.Open(Snapshot);
        _open.Clear();
        foreach (var (node, verdict) in _refused) if (!verdict.Hopeless) _open.Add(node);
        return CollectionsMarshal.AsSpan(_open);
    }

    /// <summary>Whether no eviction would help on the node, by what it said last.</summary>
    public bool IsHopeless(NodeInfo node)
    {
        if (Impasse is not null) return Impasse.IsHopeless(node);
        foreach (var (refused, verdict) in _refused) if (ReferenceEquals(refused, node)) return verdict.Hopeless;
        return false;
    }

    /// <summary>The outcome of a decision.</summary>
    /// <param name="Node">Null when no node fits.</param>
    /// <param name="Message">Why not, in upstream's words: <c>0/3 nodes are available: …</c>.</param>
    /// <param name="Plugins">Who refused, as bits by their place in the profile: what may change their minds may help.</param>
    public readonly record struct Decision(string? Node, string Message, ulong Plugins)
    {
        /// <summary>The node that will fit once the <see cref="Victims"/> have gone; empty when none will.</summary>
        public string Nominated { get; init; } = "";
        public IReadOnlyList<PodInfo> Victims { get; init; } = [];
        /// <summary>Room was made before, and is still being made: the nomination stands.</summary>
        public bool Waits { get; init; }
        /// <summary>A claim as it is to be written: its devices are of no use to the Pod where they are.</summary>
        public Api.Resource.V1.ResourceClaim? Frees { get; init; }
        /// <summary>Ways to make room, of which others have yet to choose.</summary>
        public List<DefaultPreemption.Candidate>? Candidates { get; init; }
        /// <summary>Something went wrong: the Pod is tried again after a pause, whatever changes.</summary>
        public bool Error { get; init; }
    }

    public Decision Decide(PodInfo pod, Snapshot snapshot)
    {
        if (Find(pod, snapshot, remember: true) is { } refused) return refused;
        if (_fits.Count == 1) return new(_fits[0].Name, "", 0);
        if (_fits.Count > 1) return new(_fits[Best(Score(pod, snapshot, CollectionsMarshal.AsSpan(_fits)))].Name, "", 0);
        return None(pod, []);
    }

    /// <summary>The nodes that fit, of the last Pod that was looked at.</summary>
    public IReadOnlyList<NodeInfo> Fits => _fits;
    /// <summary>Others have a say in how room is made: it is offered, not chosen.</summary>
    public bool Offers { get; private set; }

    /// <summary>Looks for nodes.</summary>
    /// <param name="remember">Nobody else is asked: what nodes say to this Pod goes for the next of its shape.</param>
    /// <returns>Why none was looked at; null when they were.</returns>
    public Decision? Find(PodInfo pod, Snapshot snapshot, bool remember)
    {
        Offers = false;
        Impasse = null;
        Snapshot = snapshot;
        _refused.Clear();
        _fits.Clear();
        var nodes = snapshot.Nodes;
        if (nodes.Length == 0) return new(null, "no nodes available to schedule pods", 0);
        var opening = profile.Open(pod, snapshot);
        if (!opening.Refusal.Ok)
        {
            ulong refused = 1UL << opening.Refusal.Plugin;
            return Refuse(pod, $"0/{nodes.Length} nodes are available: {opening.Refusal.Reason}.", refused);
        }
        var shape = remember && opening.Only is null && profile.GoesByShape ? pod.Shape : null;
        FindFits(pod, snapshot, nodes, opening.Only, shape);
        _narrowers = opening.Narrowers;
        foreach (var (_, verdict) in _refused) if (verdict.Broken) return new(null, $"running \"{profile.NameOf(verdict.Plugin)}\" filter plugin: {verdict.Reason}", 0) { Error = true };
        return null;
    }

    /// <summary>What is known of the shape, if that is still of use.</summary>
    Impasse? Recall(PodShape shape, PodInfo pod, Snapshot snapshot)
    {
        if (!_impasses.TryGetValue(shape, out var known)) return null;
        known.Used = ++_clock;
        pod.Shape = known.Shape;
        // Where many fit, some of them are enough: then it is no impasse.
        if (known.TryCatchUp(pod, profile, snapshot) && known.Fits.Count <= Enough(snapshot.Nodes.Length)) return known;
        _impasses.Remove(shape);
        return null;
    }

    Impasse Remember(PodShape shape, PodInfo pod, Snapshot snapshot)
    {
        if (_impasses.Count >= MostImpasses) _impasses.Remove(_impasses.MinBy(i => i.Value.Used).Key);
        return _impasses[shape] = new(shape, pod, snapshot, _refused) { Used = ++_clock };
    }

    /// <summary>No node is left: why, and what would make room.</summary>
    /// <param name="others">What others say of nodes that would fit.</param>
    public Decision None(PodInfo pod, IReadOnlyList<(NodeInfo Node, Verdict Verdict)> others, bool offer = false)
    {
        var nodes = Snapshot.Nodes;
        Offers = offer;
        ulong plugins = 0;
        if (Impasse is { } known)
            return Refuse(pod, Reasons.Say(nodes.Length, Reasons.Of(known.Reasons, 0, "")), known.Plugins);
        // A node may have gone while others were asked.
        _refused.RemoveAll(static r => r.Node.Node is null);
        foreach (var (_, verdict) in _refused) plugins |= 1UL << verdict.Plugin;
        _refused.AddRange(others);
        int absent = nodes.Length - _refused.Count;
        if (absent > 0) plugins |= profile.BitOf("NodeAffinity");
        // Nobody knows what would change the minds of others: anything may.
        if (others.Count > 0) plugins = 0;
        var reasons = Reasons.Of(_refused.Select(r => r.Verdict.Reason!), absent, $"node(s) didn't satisfy plugin(s) [{_narrowers}]");
        return Refuse(pod, Reasons.Say(nodes.Length, reasons), plugins);
    }

    void FindFits(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> nodes, IReadOnlySet<string>? only, PodShape? shape)
    {
        // Where room was made for the Pod it goes, if it still can: others may be promised the rest.
        string nominated = snapshot.NominatedNode(pod.Uid);
        if (nominated.Length > 0 && snapshot.Find(nominated) is { } chosen && (only is null || only.Contains(nominated)) && profile.FilterWithNominated(pod, chosen, snapshot).Ok)
        {
            _fits.Add(chosen);
            return;
        }
        if (only is not null)
        {
            foreach (string name in only) if (snapshot.Find(name) is { } node) Look(node);
            return;
        }
        if (shape is not null && Recall(shape, pod, snapshot) is { } known)
        {
            _fits.AddRange(known.Fits);
            Impasse = known;
            return;
        }
        int enough = Enough(nodes.Length), seen = 0;
        for (int at = _start % nodes.Length; seen < nodes.Length && _fits.Count < enough; seen++)
        {
            Look(nodes[at]);
            if (++at == nodes.Length) at = 0;
        }
        _start = (_start + seen) % nodes.Length;
        if (shape is not null && _fits.Count == 0) Impasse = Remember(shape, pod, snapshot);

        void Look(NodeInfo node)
        {
            var verdict = node.Nominated is null ? profile.Filter(pod, node) : profile.FilterWithNominated(pod, node, snapshot);
            if (verdict.Ok) _fits.Add(node); else _refused.Add((node, verdict));
        }
    }

    Decision Refuse(PodInfo pod, string message, ulong plugins)
    {
        Api.Resource.V1.ResourceClaim? frees = null;
        string told = message;
        foreach (var plugin in profile.PostFilters)
        {
            var outcome = plugin.PostFilter(pod, this);
            var (said, node, victims, waits) = outcome;
            frees ??= outcome.Frees;
            // Where room is made nothing is said of what else was tried.
            if (outcome.Candidates is { } offered) return new(null, message, plugins) { Candidates = offered, Frees = frees };
            if (node.Length > 0) return new(null, message, plugins) { Nominated = node, Victims = victims ?? [], Frees = frees };
            if (said.Length > 0) told += (told.Length == message.Length ? " " : ", ") + said;
            if (waits) return new(null, told, plugins) { Waits = true, Frees = frees };
        }
        return new(null, told, plugins) { Frees = frees };
    }

    int Enough(int nodes)
    {
        if (nodes <= FewNodes || percentage >= 100) return nodes;
        int percent = percentage > 0 ? percentage : Math.Max(5, 50 - nodes / 125);
        return Math.Max(FewNodes, nodes * percent / 100);
    }

    /// <summary>The place of the highest.</summary>
    public int Best(ReadOnlySpan<long> totals)
    {
        // Among equals any will do, but not always the same one.
        int best = 0, equals = 1;
        for (int i = 1; i < totals.Length; i++)
            if (totals[i] > totals[best]) { best = i; equals = 1; }
            else if (totals[i] == totals[best] && random.Next(++equals) == 0) best = i;
        return best;
    }

    /// <summary>What nodes that fit are worth to the Pod that was last opened.</summary>
    public ReadOnlySpan<long> Score(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits)
    {
        if (_totals.Length < fits.Length) (_totals, _raw) = (new long[fits.Length * 2], new long[fits.Length * 2]);
        Span<long> totals = _totals.AsSpan(0, fits.Length), raw = _raw.AsSpan(0, fits.Length);
        totals.Clear();
        foreach (var (plugin, weight) in profile.Scorers)
        {
            if (!plugin.PreScore(pod, snapshot, fits)) continue;
            for (int i = 0; i < raw.Length; i++) raw[i] = plugin.Score(pod, fits[i]);
            plugin.Normalize(pod, fits, raw);
            for (int i = 0; i < raw.Length; i++) totals[i] += weight * raw[i];
        }
        return totals;
    }
}
