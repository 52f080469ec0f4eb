using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>Says whom each endpoint should serve: its own zone or node (KEP-4444, KEP-3015), or as many zones as their processors are worth (KEP-2433).</summary>
static class Hints
{
    const string Disabled = "TopologyAwareHintsDisabled";

    /// <summary>An annotation has endpoints dealt out to zones; it goes before <c>trafficDistribution</c>, and the older name before the newer.</summary>
    public static bool AreDealtOut(Service service) =>
        (service.Metadata.Annotations["service.kubernetes.io/topology-aware-hints"] ?? service.Metadata.Annotations["service.kubernetes.io/topology-mode"]) is "Auto" or "auto";

    /// <summary>What follows from <c>trafficDistribution</c> alone.</summary>
    public static void Near(SliceSet slices, string? distribution)
    {
        if (distribution is not ("PreferClose" or "PreferSameZone" or "PreferSameNode")) { slices.Clear(); return; }
        slices.Set(endpoint =>
        {
            if (!SliceSet.IsReady(endpoint)) return null;
            Seq<ForZone> zones = endpoint.Zone is { } zone ? [new() { Name = zone }] : [];
            Seq<ForNode> nodes = endpoint.NodeName is { } node && distribution == "PreferSameNode" ? [new() { Name = node }] : [];
            return zones.IsEmpty && nodes.IsEmpty ? null : new() { ForZones = zones, ForNodes = nodes };
        });
    }

    /// <summary>Deals the endpoints out to the zones, leaving slices as they are whose hints will do.</summary>
    /// <returns>How many each zone got; or why there are no hints.</returns>
    public static (Dictionary<string, int>? Dealt, HintEvent? Trouble) DealOut(SliceSet slices, string family, ImmutableSortedDictionary<string, double>? shares)
    {
        (Dictionary<string, int>?, HintEvent?) None(string why)
        {
            slices.Clear();
            return (null, new("Warning", Disabled, $"{why}, addressType: {family}"));
        }
        if (shares is null) return None("Insufficient Node information: allocatable CPU or zone not specified on one or more nodes");
        int ready = slices.Ready;
        if (shares.Count > ready) return None($"Insufficient number of endpoints ({ready} endpoints, {shares.Count} zones)");
        var least = shares.ToDictionary(s => s.Key, s => ZoneShares.Least(s.Value, ready));
        int spare = ready - least.Values.Sum();
        if (spare < 0) return None($"Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ({ready} endpoints, {shares.Count} zones)");

        Dictionary<string, int> dealt = [];
        for (int i = slices.Unchanged.Count - 1; i >= 0; i--)
            if (Known(slices.Unchanged[i], dealt, zone => least.TryGetValue(zone, out int n) ? n + spare : -1) is { } known)
                foreach (var (zone, count) in known) dealt[zone] = dealt.GetValueOrDefault(zone) + count;
            else
            {
                slices.Update.Add(slices.Unchanged[i]);
                slices.Unchanged.RemoveAt(i);
            }

        // First everybody serves his own zone.
        var open = slices.Create.Concat(slices.Update).SelectMany(s => s.Endpoints).Where(SliceSet.IsReady).ToList();
        foreach (var endpoint in open)
        {
            if (endpoint.Zone is not { Length: > 0 } zone) return None("One or more endpoints do not have a zone specified");
            dealt[zone] = dealt.GetValueOrDefault(zone) + 1;
        }
        var moves = Moves(shares.ToDictionary(s => s.Key, s => Math.Max(s.Value * ready, least[s.Key])), dealt);
        Dictionary<Endpoint, string> elsewhere = new(ReferenceEqualityComparer.Instance);
        foreach (var endpoint in open)
            if (moves.TryGetValue(endpoint.Zone!, out var to) && to.TryDequeue(out string? zone))
            {
                elsewhere.Add(endpoint, zone);
                dealt[endpoint.Zone!]--;
                dealt[zone] = dealt.GetValueOrDefault(zone) + 1;
            }
        if (dealt.Count == 0) return None("No hints allocated for zones");

        EndpointHints? Of(Endpoint e) => SliceSet.IsReady(e) ? new() { ForZones = [new() { Name = elsewhere.GetValueOrDefault(e) ?? e.Zone! }] } : null;
        for (int i = 0; i < slices.Create.Count; i++) slices.Create[i] = slices.Create[i] with { Endpoints = [.. slices.Create[i].Endpoints.Select(e => e with { Hints = Of(e) })] };
        for (int i = 0; i < slices.Update.Count; i++) slices.Update[i] = slices.Update[i] with { Endpoints = [.. slices.Update[i].Endpoints.Select(e => e with { Hints = Of(e) })] };
        return (dealt, null);
    }

    public static HintEvent Begun(string family) => new("Normal", "TopologyAwareHintsEnabled", $"Topology Aware Hints has been enabled, addressType: {family}");
    public static HintEvent Over(string family) => new("Warning", Disabled, $"Topology Aware Hints has been disabled, addressType: {family}");

    /// <summary>What a slice's hints give each zone; null when they will not do.</summary>
    static Dictionary<string, int>? Known(EndpointSlice slice, Dictionary<string, int> dealt, Func<string, int> most)
    {
        Dictionary<string, int> zones = [];
        foreach (var endpoint in slice.Endpoints)
        {
            if (!SliceSet.IsReady(endpoint)) continue;
            if (endpoint.Hints is not { ForZones.IsEmpty: false } hints) return null;
            foreach (var zone in hints.ForZones)
            {
                if (most(zone.Name) < 0) return null;
                zones[zone.Name] = zones.GetValueOrDefault(zone.Name) + 1;
            }
        }
        foreach (var (zone, count) in zones) if (count + dealt.GetValueOrDefault(zone) > most(zone)) return null;
        return zones;
    }

    /// <summary>From zones with more than they are due to those with less, one at a time, from whom has most to who lacks most.</summary>
    static Dictionary<string, Queue<string>> Moves(Dictionary<string, double> due, Dictionary<string, int> dealt)
    {
        Dictionary<string, double> give = [], take = [];
        foreach (var (zone, wanted) in due)
            if (dealt.GetValueOrDefault(zone) - wanted is var more && more > 0) give[zone] = more;
            else if (more < 0) take[zone] = -more;
        Dictionary<string, int> giving = [];
        List<string> taking = [];
        while (give.Count > 0 && take.Count > 0)
        {
            var (from, have) = Most(give);
            var (to, lacks) = Most(take);
            // Less than half an endpoint is nobody's loss.
            if (have < 1 && lacks < 1 || have < 0.5 || lacks < 0.5) break;
            give[from]--;
            take[to]--;
            giving[from] = giving.GetValueOrDefault(from) + 1;
            taking.Add(to);
        }
        var left = new Queue<string>(taking.Order(StringComparer.Ordinal));
        return giving.OrderBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => new Queue<string>(Enumerable.Range(0, g.Value).Select(_ => left.Dequeue())));
    }

    static (string Zone, double Amount) Most(Dictionary<string, double> zones) =>
        zones.OrderByDescending(z => z.Value).ThenBy(z => z.Key, StringComparer.Ordinal).Select(z => (z.Key, z.Value)).First();
}

/// <summary>What is to be told of a Service's hints.</summary>
readonly record struct HintEvent(string Type, string Reason, string Message);
