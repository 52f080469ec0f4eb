namespace Hanbae.Scheduler.Tallies;

/// <summary>A number for each domain of a topology, kept up with every Pod that comes or goes: a decision reads it and counts nothing.</summary>
internal sealed class Tally(Topology topology)
{
    long[] _byDomain = [];

    public Topology Topology { get; } = topology;
    public long Total { get; private set; }

    public long this[int domain] => (uint)domain < (uint)_byDomain.Length ? _byDomain[domain] : 0;
    public long Of(NodeInfo node) => this[Topology[node]];

    public void Add(NodeInfo node, long amount)
    {
        int domain = Topology[node];
        if (domain < 0) return;
        if (domain >= _byDomain.Length) Array.Resize(ref _byDomain, Math.Max(16, (domain + 1) * 2));
        _byDomain[domain] += amount;
        Total += amount;
    }
}

/// <summary>Counts the Pods that match, by domain and by node.</summary>
/// <param name="scopes">A Pod has to match all of them.</param>
/// <param name="living">Leaves out Pods that are being deleted, as spreading does.</param>
internal sealed class MatchTally(Topology topology, PodScope[] scopes, bool living)
{
    int[] _byNode = [];

    public Tally Counts { get; } = new(topology);
    public PodScope[] Scopes => scopes;
    /// <summary>When it was last asked for; the longest unasked goes when there are too many.</summary>
    public long Used { get; set; }

    public int On(NodeInfo node) => (uint)node.Index < (uint)_byNode.Length ? _byNode[node.Index] : 0;

    public bool Matches(PodInfo pod, Snapshot snapshot)
    {
        if (living && pod.Terminating) return false;
        foreach (var scope in scopes) if (!scope.Matches(pod, snapshot.Namespaces)) return false;
        return true;
    }

    public void Add(PodInfo pod, NodeInfo node, int amount, Snapshot snapshot)
    {
        if (!Matches(pod, snapshot)) return;
        if (node.Index >= _byNode.Length) Array.Resize(ref _byNode, Math.Max(64, (node.Index + 1) * 2));
        _byNode[node.Index] += amount;
        Counts.Add(node, amount);
    }
}

/// <summary>What Pods that have a node want of others: a term that they share is counted once.</summary>
internal sealed class CarriedTerm(PodTerm term, Topology topology)
{
    public PodTerm Term { get; } = term;
    /// <summary>Pods with the term as a demand.</summary>
    public Tally Required { get; } = new(topology);
    /// <summary>The sum of the weights of Pods with the term as a wish; negative for an aversion.</summary>
    public Tally Weight { get; } = new(topology);
    /// <summary>Pods that carry it, domain or none: without any the entry goes.</summary>
    public int Carriers { get; set; }
}
