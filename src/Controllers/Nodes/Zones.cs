using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.Nodes;

/// <summary>How much of a zone fails.</summary>
enum ZoneState : byte { Normal, Partial, Full }

/// <summary>Says how fast nodes that fail may be cleared of their Pods: where much fails at once, the fault is rather the network's, or ours.</summary>
/// <remarks>
/// As upstream's node lifecycle controller: a rate for each zone, lower where more than half of it fails, none where that zone is small; and
/// none anywhere while no node of the whole cluster is ready. Counted as nodes change, so that a look costs the same however many there are.
/// </remarks>
sealed class Zones(EvictionRates rates, TimeProvider time)
{
    const string ZoneLabel = "topology.kubernetes.io/zone", RegionLabel = "topology.kubernetes.io/region", Excluded = "node.kubernetes.io/exclude-disruption";

    sealed class Zone
    {
        public int Ready, Failing;
        /// <summary>When the next node may be cleared, and how fast that was counted.</summary>
        public double Rate = double.NaN, Tokens = 1;
        public long At;
    }

    readonly Lock _lock = new();
    readonly Dictionary<string, Zone> _zones = [];
    /// <summary>As they are counted, by name.</summary>
    readonly Dictionary<string, Node> _counted = [];
    bool _allFail;

    /// <summary>When the first node of all came back last: none was heard of before, so that silence is counted from here.</summary>
    public DateTimeOffset? BackSince { get; private set; }

    /// <returns>Whether all nodes have just failed, or the first is back: what that means concerns every node.</returns>
    public bool See(CacheEvent<Node> e)
    {
        lock (_lock)
        {
            if (_counted.Remove(e.Object.Metadata.Name, out var old)) Count(old, -1);
            if (e.New is { } now)
            {
                Count(now, 1);
                _counted.Add(now.Metadata.Name, now);
            }
            bool allFail = _zones.Count > 0 && _zones.Values.All(z => z.Ready == 0);
            if (allFail == _allFail) return false;
            _allFail = allFail;
            if (!allFail && _zones.Count > 0) BackSince = time.GetUtcNow();
            return true;
        }
    }

    /// <summary>The node is counted as this one says: who reads of it before this was told must not decide by what was so before.</summary>
    public bool Counts(Node node) { lock (_lock) return _counted.TryGetValue(node.Metadata.Name, out var known) && known.Metadata.ResourceVersion == node.Metadata.ResourceVersion; }

    void Count(Node node, int by)
    {
        if (node.Metadata.Labels.ContainsKey(Excluded)) return;
        string key = KeyOf(node);
        if (!_zones.TryGetValue(key, out var zone)) _zones.Add(key, zone = new() { At = time.GetTimestamp() });
        if (IsReady(node)) zone.Ready += by; else zone.Failing += by;
        if (zone.Ready + zone.Failing == 0) _zones.Remove(key);
    }

    /// <summary>No node of the cluster is ready.</summary>
    public bool AllFail { get { lock (_lock) return _allFail; } }

    public ZoneState StateOf(Node node) { lock (_lock) return _zones.TryGetValue(KeyOf(node), out var zone) ? State(zone.Ready, zone.Failing, rates) : ZoneState.Normal; }

    /// <summary>Takes the zone's turn to clear a node, when it has one.</summary>
    public bool TryTake(Node node)
    {
        lock (_lock)
        {
            if (_allFail) return false;
            if (!_zones.TryGetValue(KeyOf(node), out var zone)) return true;
            double rate = Rate(State(zone.Ready, zone.Failing, rates), zone.Ready + zone.Failing, rates);
            long now = time.GetTimestamp();
            // One at once, and then so many a second. Another rate does not give a turn that was taken again.
            zone.Tokens = Math.Min(1, zone.Tokens + (double.IsNaN(zone.Rate) ? 1 : zone.Rate * time.GetElapsedTime(zone.At, now).TotalSeconds));
            (zone.Rate, zone.At) = (rate, now);
            // Sums of parts of a turn fall short of it by a hair.
            if (rate == 0 || zone.Tokens < 0.999) return false;
            zone.Tokens--;
            return true;
        }
    }

    internal static ZoneState State(int ready, int failing, EvictionRates rates) =>
        ready == 0 && failing > 0 ? ZoneState.Full : failing > 2 && (double)failing / (failing + ready) >= rates.UnhealthyShare ? ZoneState.Partial : ZoneState.Normal;

    internal static double Rate(ZoneState state, int nodes, EvictionRates rates) =>
        state != ZoneState.Partial ? rates.Normal : nodes > rates.LargeZone ? rates.Reduced : 0;

    static string KeyOf(Node node) => node.Metadata.Labels[RegionLabel] + "\0" + node.Metadata.Labels[ZoneLabel];

    public static bool IsReady(Node node) => node.Status.Conditions.Exists(c => c is { Type: "Ready", Status: "True" });
}
