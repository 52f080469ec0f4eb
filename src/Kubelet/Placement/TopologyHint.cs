using System.Collections.Immutable;

namespace Hanbae.Kubelet.Placement;

/// <summary>NUMA nodes from which a request could be met.</summary>
/// <param name="Nodes">Null for any.</param>
/// <param name="Preferred">With no more nodes than it would need on an empty machine.</param>
readonly record struct TopologyHint(NumaMask? Nodes, bool Preferred)
{
    /// <summary>Whoever allocates may choose.</summary>
    public static TopologyHint None => new(null, true);
}

/// <summary>What is possible for one resource that is asked for.</summary>
/// <param name="Hints">Null for no preference; empty for a wish that cannot be met.</param>
sealed record ResourceHints(string Resource, ImmutableArray<TopologyHint>? Hints);

/// <summary>A refusal that has a reason of its own; any other is <c>UnexpectedAdmissionError</c>.</summary>
sealed class PlacementException(string reason, string message) : Exception(message)
{
    public string Reason => reason;
}
