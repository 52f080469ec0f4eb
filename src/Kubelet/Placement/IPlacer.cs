using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Placement;

/// <summary>Gives containers something of the node that has a place: CPUs, memory, devices.</summary>
/// <remarks>Called for one Pod at a time, its containers in order. What a container has it keeps: asked again, nothing changes.</remarks>
interface IPlacer
{
    /// <summary>Whether the Pod asks for anything of it; who does not is not kept waiting.</summary>
    bool Concerns(Pod pod);

    /// <summary>Where what the container asks for could be had; empty when it asks for nothing or does not care.</summary>
    IReadOnlyList<ResourceHints> HintsFor(Pod pod, Container container);

    /// <summary>The same for all containers of the Pod together.</summary>
    IReadOnlyList<ResourceHints> HintsFor(Pod pod);

    /// <exception cref="Exception">It cannot be had; a <see cref="PlacementException"/> where that has a reason of its own.</exception>
    Task AllocateAsync(Pod pod, Container container, TopologyHint hint, CancellationToken ct);

    /// <summary>A Pod that ran before this kubelet did: what is known of it stays, what is not is made good if possible.</summary>
    void Restore(Pod pod) { }

    /// <summary>Nothing of the Pod runs any more, or it was not let in.</summary>
    void Release(string podUid);

    /// <summary>Of whom something is kept.</summary>
    IReadOnlyCollection<string> Pods { get; }
}
