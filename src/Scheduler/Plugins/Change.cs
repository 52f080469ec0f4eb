using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler.Plugins;

/// <summary>What may make a Pod schedulable that was not: every plugin names its cures, so that only they wake the Pods it refused (KEP-4247).</summary>
[Flags]
internal enum Change
{
    None = 0,
    NodeAdded = 1, NodeAllocatable = 2, NodeLabels = 4, NodeTaints = 8, NodeUncordoned = 16,
    /// <summary>A Pod that had a node is gone.</summary>
    PodRemoved = 32,
    /// <summary>A Pod that has a node asks for less, or has other labels.</summary>
    PodUpdated = 64,
    /// <summary>A Pod got a node.</summary>
    PodAdded = 128,
    Claim = 256, Volume = 512, StorageClass = 1024, CsiNode = 2048, StorageCapacity = 4096, CsiDriver = 8192,
    Namespace = 16384,
    ResourceClaim = 1 << 15, ResourceSlice = 1 << 16, DeviceClass = 1 << 17,
    PodGroup = 1 << 18,
    /// <summary>A Pod of a group that has no node yet has come.</summary>
    PodPending = 1 << 19,
    NodeRemoved = 1 << 20,
    /// <summary>A VolumeAttachment is gone.</summary>
    VolumeDetached = 1 << 21,
    NodeFeatures = 1 << 22,
    Any = ~0,
}

/// <summary>One change of the cluster, as plugins are asked about it.</summary>
/// <param name="Old">The object as it was; null for an addition.</param>
/// <param name="New">The object as it is; null for a removal.</param>
/// <param name="Where">The node on which a Pod was, or was to be, when only the scheduler knows; empty when the Pod says it.</param>
internal readonly record struct ClusterChange(Change What, IObject? Old = null, IObject? New = null, string Where = "")
{
    /// <summary>The node of which something is free now; empty when there is none.</summary>
    public string FreedOn => Where is { Length: > 0 } ? Where : What == Change.PodRemoved ? Pod?.Spec.NodeName ?? "" : "";
    public Node? Node => New as Node;
    /// <summary>The Pod that came, went or changed.</summary>
    public Pod? Pod => (New ?? Old) as Pod;
}
