using System.Globalization;
using System.Numerics;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.ReplicaSets;

/// <summary>Orders Pods so that those that would be missed least come first.</summary>
/// <remarks>
/// As upstream's ActivePodsWithRanks: without a node, pending, not ready, cheap by <c>controller.kubernetes.io/pod-deletion-cost</c>
/// (KEP-2255), doubled up with relatives on a node, ready for a short time, often restarted, young. Times are compared by their
/// magnitude (KEP-2185), so that among Pods of about the same age chance (the uid) decides, not the second of their birth.
/// </remarks>
/// <param name="relatives">Pods of the set and of its siblings under the same owner: what makes a node crowded.</param>
sealed class DeletionOrder(IEnumerable<Pod> relatives, DateTimeOffset now) : IComparer<Pod>
{
    const string Cost = "controller.kubernetes.io/pod-deletion-cost";

    readonly Dictionary<string, int> _onNode = relatives.Where(p => p.IsActive).GroupBy(p => p.Spec.NodeName).ToDictionary(g => g.Key, g => g.Count());

    public int Compare(Pod? x, Pod? y)
    {
        var (a, b) = (x!, y!);
        int order = Usefulness.ByState(a, b);
        if (order == 0) order = CostOf(a).CompareTo(CostOf(b));
        if (order == 0) order = Rank(b).CompareTo(Rank(a));
        if (order == 0 && a.ReadySince != b.ReadySince) return ByMagnitude(a, b, a.ReadySince, b.ReadySince);
        if (order == 0) order = Usefulness.ByRestarts(a, b);
        return order != 0 ? order : ByMagnitude(a, b, a.Metadata.CreationTimestamp, b.Metadata.CreationTimestamp);
    }

    /// <summary>Times that differ, but by little, leave it to chance: nothing that comes after them is looked at any more.</summary>
    int ByMagnitude(Pod a, Pod b, DateTimeOffset? timeOfA, DateTimeOffset? timeOfB)
    {
        int order = Magnitude(timeOfA).CompareTo(Magnitude(timeOfB));
        return order != 0 ? order : string.CompareOrdinal(a.Metadata.Uid, b.Metadata.Uid);
    }

    static int CostOf(Pod pod) =>
        int.TryParse(pod.Metadata.Annotations[Cost], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int cost) ? cost : 0;

    int Rank(Pod pod) => _onNode.GetValueOrDefault(pod.Spec.NodeName);

    /// <summary>The order of magnitude of an age: no age at all comes first.</summary>
    int Magnitude(DateTimeOffset? time) =>
        time is not { } t ? -2 : (now - t).Ticks is var age && age <= 0 ? -1 : BitOperations.Log2((ulong)age * 100);
}
