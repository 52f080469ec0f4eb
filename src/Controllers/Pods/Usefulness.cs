using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Pods;

/// <summary>Orders Pods by how much they would be missed, those of the least use first.</summary>
/// <remarks>Upstream's ActivePods, which is all that Jobs look at; ReplicaSets look at more in between.</remarks>
static class Usefulness
{
    public static IComparer<Pod> Order { get; } = Comparer<Pod>.Create(static (a, b) =>
    {
        int order = ByState(a, b);
        if (order == 0) order = ByAge(a.ReadySince, b.ReadySince);
        if (order == 0) order = ByRestarts(a, b);
        if (order == 0) order = ByAge(a.Metadata.CreationTimestamp, b.Metadata.CreationTimestamp);
        return order != 0 ? order : string.CompareOrdinal(a.Metadata.Uid, b.Metadata.Uid);
    });

    /// <summary>Without a node, pending, not ready.</summary>
    public static int ByState(Pod a, Pod b)
    {
        int order = (a.Spec.NodeName.Length > 0).CompareTo(b.Spec.NodeName.Length > 0);
        if (order == 0) order = Phase(a).CompareTo(Phase(b));
        return order != 0 ? order : a.IsReady.CompareTo(b.IsReady);
    }

    /// <summary>Those that were restarted most often.</summary>
    public static int ByRestarts(Pod a, Pod b) => Restarts(b).CompareTo(Restarts(a));

    /// <summary>No time at all, then the latest.</summary>
    static int ByAge(DateTimeOffset? a, DateTimeOffset? b) => (b ?? DateTimeOffset.MaxValue).CompareTo(a ?? DateTimeOffset.MaxValue);

    static int Phase(Pod pod) => pod.Status.Phase switch { "Pending" => 0, "Unknown" => 1, "Running" => 2, _ => 0 };

    static int Restarts(Pod pod)
    {
        int most = 0;
        foreach (var status in pod.Status.ContainerStatuses) most = Math.Max(most, status.RestartCount);
        return most;
    }
}
