using System.Collections.Immutable;
using System.Globalization;

namespace Hanbae.Kubelet.Placement;

/// <summary>Decides on which NUMA nodes everything a container (or Pod) is given is to lie, and whether it may run when that cannot be (KEP-693).</summary>
/// <remarks>Upstream's order of preference: what all asked for at its best; else the narrowest; else, of what nobody prefers, as many nodes as the neediest resource needs.</remarks>
sealed record TopologyPolicy
{
    public const string None = "none", BestEffort = "best-effort", Restricted = "restricted", SingleNode = "single-numa-node";
    const int DefaultMostNodes = 8;

    public string Name { get; private init; } = None;
    public bool PodScope { get; private init; }
    /// <summary>Of as many nodes those that are near to each other (KEP-3545).</summary>
    public bool PreferClosest { get; private init; }
    public ImmutableArray<NumaNode> Nodes { get; private init; } = [];

    /// <summary>Pods are refused rather than run badly placed.</summary>
    public bool IsStrict => Name is Restricted or SingleNode;

    NumaMask AllNodes => NumaMask.Of(Nodes.Select(n => n.Id));

    /// <exception cref="PlacementSettingsException"/>
    public static TopologyPolicy Of(KubeletOptions options, Topology topology)
    {
        var policy = new TopologyPolicy { Name = options.TopologyManagerPolicy, PodScope = options.TopologyManagerScope == "pod", Nodes = topology.Nodes };
        if (policy.Name is not (None or BestEffort or Restricted or SingleNode)) throw new PlacementSettingsException($"unknown policy: \"{policy.Name}\"");
        if (options.TopologyManagerScope is not ("container" or "pod")) throw new PlacementSettingsException($"unknown scope: \"{options.TopologyManagerScope}\"");
        int most = DefaultMostNodes;
        foreach (var (name, value) in options.TopologyManagerPolicyOptions)
            switch (name)
            {
                case "prefer-closest-numa-nodes":
                    policy = policy with { PreferClosest = PlacementSettingsException.Bool(name, value) };
                    break;
                case "max-allowable-numa-nodes":
                    if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out most))
                        throw new PlacementSettingsException($"bad value for option \"{name}\": strconv.Atoi: parsing \"{value}\": invalid syntax");
                    if (most < DefaultMostNodes) throw new PlacementSettingsException($"the minimum value of \"{name}\" is {DefaultMostNodes}");
                    break;
                default: throw new PlacementSettingsException($"unknown Topology Manager Policy option: \"{name}\"");
            }
        if (policy.Name != None && topology.Nodes.Length > most) throw new PlacementSettingsException($"unsupported on machines with more than {most} NUMA Nodes");
        return policy;
    }

    /// <returns>Where things are to lie, and whether the Pod may run.</returns>
    public (TopologyHint Hint, bool Admit) Merge(IEnumerable<IReadOnlyList<ResourceHints>> providers)
    {
        if (Name == None) return (TopologyHint.None, true);
        List<ImmutableArray<TopologyHint>> all = [];
        foreach (var hints in providers)
        {
            if (hints.Count == 0) all.Add([TopologyHint.None]);
            foreach (var of in hints) all.Add(of.Hints is not { } some ? [TopologyHint.None] : some.IsEmpty ? [new(null, false)] : some);
        }
        if (Name == SingleNode) all = [.. all.Select(hints => hints.Where(h => h.Preferred && h.Nodes is null or { Count: 1 }).ToImmutableArray())];
        var best = Best(all);
        if (Name == SingleNode && best.Nodes == AllNodes) best = best with { Nodes = null };
        return (best, Name == BestEffort || best.Preferred);
    }

    TopologyHint Best(List<ImmutableArray<TopologyHint>> all)
    {
        int neediest = all.Select(hints => hints.Where(h => h.Nodes is not null).Select(h => h.Nodes!.Value.Count).DefaultIfEmpty(0).Min()).DefaultIfEmpty(0).Max();
        TopologyHint? best = null;
        foreach (var merged in Merged(all, 0, AllNodes, true, null))
            if (merged.Nodes!.Value.Count > 0) best = best is { } before ? Better(before, merged, neediest) : merged;
        return best ?? new(AllNodes, false);
    }

    /// <summary>Every way to take one hint of each, cut to what they have in common.</summary>
    static IEnumerable<TopologyHint> Merged(List<ImmutableArray<TopologyHint>> all, int at, NumaMask nodes, bool preferred, NumaMask? first)
    {
        if (at == all.Count)
        {
            yield return new(nodes, preferred);
            yield break;
        }
        foreach (var hint in all[at])
        {
            // Only what is the same for all is at its best for all.
            bool same = hint.Nodes is not { } own || first is not { } one || own == one;
            foreach (var merged in Merged(all, at + 1, hint.Nodes is { } mask ? nodes & mask : nodes, preferred && hint.Preferred && same, first ?? hint.Nodes)) yield return merged;
        }
    }

    TopologyHint Better(TopologyHint current, TopologyHint candidate, int neediest)
    {
        if (current.Preferred != candidate.Preferred) return current.Preferred ? current : candidate;
        if (current.Preferred) return Narrower();
        int has = current.Nodes!.Value.Count, would = candidate.Nodes!.Value.Count;
        if (has > neediest) return Narrower();
        if (has == neediest) return would == neediest ? Narrower() : current;
        if (would > neediest) return current;
        return would == has ? Narrower() : would > has ? candidate : current;

        TopologyHint Narrower() => candidate.Nodes != current.Nodes && IsBetter(candidate.Nodes!.Value, current.Nodes!.Value) ? candidate : current;
    }

    bool IsBetter(NumaMask candidate, NumaMask current)
    {
        if (!PreferClosest || Name == SingleNode || candidate.Count != current.Count) return candidate.IsNarrowerThan(current);
        double near = Distance(candidate), far = Distance(current);
        return near == far ? candidate.Bits < current.Bits : near < far;
    }

    /// <summary>The mean of the distances between all of them, each to itself included.</summary>
    double Distance(NumaMask mask)
    {
        double sum = 0;
        foreach (int from in mask.Nodes)
        {
            var node = Nodes.First(n => n.Id == from);
            foreach (int to in mask.Nodes)
                if (Nodes.Select(n => n.Id).ToList().IndexOf(to) is >= 0 and var i && i < node.Distances.Length) sum += node.Distances[i];
        }
        return sum / (mask.Count * mask.Count);
    }
}

/// <summary>The node's settings of placement contradict each other, the machine, or what was decided under other settings.</summary>
sealed class PlacementSettingsException(string message) : InvalidOperationException(message)
{
    public static bool Bool(string option, string value) => value switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new PlacementSettingsException($"bad value for option \"{option}\": strconv.ParseBool: parsing \"{value}\": invalid syntax"),
    };
}
