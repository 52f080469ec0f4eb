using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Cri.Csi;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Where a volume has to be reached from, as a driver is asked it; no client.</summary>
static class Places
{
    /// <summary>The places of all nodes that have the driver, each once.</summary>
    public static IReadOnlyList<Map<string>> Of(string driver, IEnumerable<CSINode> nodes, Func<string, Node?> node) =>
        [.. nodes.Select(n => Of(driver, n, node(n.Metadata.Name))).OfType<Map<string>>().Distinct().OrderBy(Text, StringComparer.Ordinal)];

    /// <summary>Null when the driver is not there, knows no places, or the node lacks its labels.</summary>
    public static Map<string>? Of(string driver, CSINode? there, Node? node)
    {
        if (there?.Spec.Drivers.Find(d => d.Name == driver) is not { TopologyKeys.IsEmpty: false } found || node is null) return null;
        Map<string> place = default;
        foreach (string key in found.TopologyKeys)
        {
            if (!node.Metadata.Labels.TryGet(key, out string? value)) return null;
            place = place.Set(key, value);
        }
        return place;
    }

    /// <param name="all">Of the driver's nodes.</param>
    /// <param name="allowed">Of the class; empty allows all.</param>
    /// <param name="chosen">Of the node that the scheduler chose; null when it did not.</param>
    /// <param name="claim">Spreads volumes that nobody chose a place for.</param>
    /// <returns>Null when there is no such place.</returns>
    public static TopologyRequirement? Required(IReadOnlyList<Map<string>> all, Seq<TopologySelectorTerm> allowed, Map<string>? chosen, string claim)
    {
        var fit = all.Where(p => allowed.IsEmpty || allowed.Exists(t => t.MatchLabelExpressions.All(e => p.TryGet(e.Key, out string? value) && e.Values.Contains(value)))).ToList();
        // Allowed places without a node yet are asked for all the same.
        if (fit.Count == 0 && chosen is null) foreach (var term in allowed) fit.AddRange(Each(term));
        if (fit.Count == 0) return null;
        int first = chosen is { } place ? fit.IndexOf(place) : (int)(Hash(claim) % (uint)fit.Count);
        if (first < 0) return null;
        var made = new TopologyRequirement();
        made.Requisite.Add(fit.Select(Told));
        made.Preferred.Add(fit.Skip(first).Concat(fit.Take(first)).Select(Told));
        return made;
    }

    /// <summary>Every place that a term describes.</summary>
    static IEnumerable<Map<string>> Each(TopologySelectorTerm term)
    {
        IEnumerable<Map<string>> places = [default];
        foreach (var e in term.MatchLabelExpressions) places = [.. places.SelectMany(p => e.Values.Select(v => p.Set(e.Key, v)))];
        return term.MatchLabelExpressions.IsEmpty ? [] : places;
    }

    public static Topology Told(Map<string> place)
    {
        var made = new Topology();
        foreach (var (key, value) in place) made.Segments[key] = value;
        return made;
    }

    /// <summary>The nodes from which a volume can be reached.</summary>
    public static VolumeNodeAffinity? Affinity(IEnumerable<Topology> places)
    {
        var terms = places.Where(p => p.Segments.Count > 0).Select(p => new NodeSelectorTerm
        {
            MatchExpressions = p.Segments.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => new NodeSelectorRequirement { Key = s.Key, Operator = "In", Values = [s.Value] }).ToSeq(),
        }).ToSeq();
        return terms.IsEmpty ? null : new() { Required = new() { NodeSelectorTerms = terms } };
    }

    public static string Text(Map<string> place) => string.Join(",", place.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Key + "=" + p.Value));

    /// <summary>The same in every process: FNV-1a.</summary>
    static uint Hash(string text) => text.Aggregate(2166136261, (hash, c) => unchecked((hash ^ c) * 16777619));
}
