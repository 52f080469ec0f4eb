using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Volumes.Clouds;

/// <summary>Where a disk can be reached from, in its driver's terms: volumes of old say it by Kubernetes' own labels.</summary>
static class Zones
{
    const string Zone = "topology.kubernetes.io/zone", Region = "topology.kubernetes.io/region";
    const string BetaZone = "failure-domain.beta.kubernetes.io/zone", BetaRegion = "failure-domain.beta.kubernetes.io/region";
    /// <summary>Between the zones of one label.</summary>
    public const string Several = "__";

    /// <summary>The label that the volume has, of those that say zones.</summary>
    public static string LabelOf(PersistentVolume volume) =>
        Has(volume, Zone) ? Zone : Has(volume, BetaZone) ? BetaZone : volume.Metadata.Labels.ContainsKey(Zone) ? Zone : volume.Metadata.Labels.ContainsKey(BetaZone) ? BetaZone : Zone;

    /// <summary>Zones that the volume's node affinity names become the driver's; where it names none, those of its label are added.</summary>
    public static PersistentVolume Translate(PersistentVolume volume, string key)
    {
        string zone = LabelOf(volume);
        var terms = volume.Spec.NodeAffinity?.Required?.NodeSelectorTerms ?? default;
        if (Has(volume, zone)) terms = Renamed(terms, zone, key);
        else if (volume.Metadata.Labels.TryGet(zone, out string? label) && Split(label) is { IsEmpty: false } zones)
            terms = (terms.IsEmpty ? [new()] : terms).Select(t => t with { MatchExpressions = [.. t.MatchExpressions, new() { Key = key, Operator = "In", Values = zones }] }).ToSeq();
        if (zone == BetaZone) terms = Renamed(terms, BetaRegion, Region);
        return terms.IsEmpty ? volume : volume with { Spec = volume.Spec with { NodeAffinity = new() { Required = new() { NodeSelectorTerms = terms } } } };
    }

    public static Seq<string> Split(string label) => label.Split(Several).Select(z => z.Trim()).Where(z => z.Length > 0).Distinct().Order(StringComparer.Ordinal).ToSeq();

    static Seq<NodeSelectorTerm> Renamed(Seq<NodeSelectorTerm> terms, string from, string to) =>
        terms.Select(t => t with { MatchExpressions = t.MatchExpressions.Select(e => e.Key == from ? e with { Key = to } : e).ToSeq() }).ToSeq();

    static bool Has(PersistentVolume volume, string key) => (volume.Spec.NodeAffinity?.Required?.NodeSelectorTerms ?? default).Exists(t => t.MatchExpressions.Exists(e => e.Key == key));
}
