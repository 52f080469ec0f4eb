using System.Collections.Immutable;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>The next step of a DaemonSet's update: which old Pods go, and where a new one comes beside the old.</summary>
/// <remarks>
/// As upstream: without surge, old Pods that are not available go at once and others as far as <c>maxUnavailable</c> allows, and the next
/// look makes their successors; with surge (KEP-1591) new Pods come first, and an old one goes when its successor is available.
/// </remarks>
sealed record RollPlan(ImmutableArray<string> Create, ImmutableArray<Pod> Delete)
{
    public static RollPlan None { get; } = new([], []);

    public static RollPlan For(DaemonSet set, Fleet fleet, string hash, DateTimeOffset now)
    {
        if (set.Spec.UpdateStrategy.Type != "RollingUpdate") return None;
        var places = fleet.Nodes.Where(p => p.Runs || p.Pods.Count > 0).Concat(fleet.Elsewhere);
        // Nothing but old Pods goes, and nothing comes but beside them.
        if (!places.Any(p => p.Pods.Exists(pod => !DaemonPod.IsUpdated(set, pod, hash)))) return None;
        var (surge, unavailable) = RunPlan.Limits(set, fleet.Wanted);
        bool Available(Pod pod) => pod.IsAvailable(set.Spec.MinReadySeconds, now);
        return surge > 0 ? Surge(set, places, fleet.Wanted, surge, hash, Available) : Replace(set, places, unavailable, hash, Available);
    }

    static RollPlan Replace(DaemonSet set, IEnumerable<Fleet.Place> places, int most, string hash, Func<Pod, bool> available)
    {
        List<Pod> useless = [], candidates = [];
        int unavailable = 0;
        foreach (var (_, _, _, pods) in places)
        {
            var (ok, updated, old) = Sort(set, pods, hash);
            // Two of a kind, both or none: the node is being put in order, and counts as unavailable until it is.
            if (!ok || updated is null == old is null) unavailable++;
            else if (updated is not null) unavailable += available(updated) ? 0 : 1;
            else if (!available(old!)) { useless.Add(old!); unavailable++; }
            else candidates.Add(old!);
        }
        return new([], [.. ByNode(useless).Concat(ByNode(candidates).Take(Math.Max(0, most - unavailable))).Take(RunPlan.Burst)]);
    }

    static IEnumerable<Pod> ByNode(List<Pod> pods) => pods.OrderBy(DaemonPod.NodeOf, StringComparer.Ordinal);

    static RollPlan Surge(DaemonSet set, IEnumerable<Fleet.Place> places, int wanted, int most, string hash, Func<Pod, bool> available)
    {
        List<string> useless = [], candidates = [];
        List<Pod> delete = [], misplaced = [];
        int surging = 0, ready = 0;
        foreach (var (node, runs, _, pods) in places)
        {
            var (ok, updated, old) = Sort(set, pods, hash);
            if (!ok) { surging++; continue; }
            if ((old ?? updated) is { } there && available(there)) ready++;
            if (old is null) continue;
            if (updated is not null)
            {
                if (available(updated)) delete.Add(old);
                else surging++;
            }
            // Where none belongs any more, none comes; an old one that serves stays until there are enough elsewhere.
            else if (!runs) (available(old) ? misplaced : delete).Add(old);
            else if (!available(old)) useless.Add(node);
            else candidates.Add(node);
        }
        delete = [.. ByNode(delete)];
        delete.AddRange(ByNode(misplaced).Take(Math.Max(0, ready - wanted)));
        return new([.. useless.Order(StringComparer.Ordinal).Concat(candidates.Order(StringComparer.Ordinal).Take(Math.Max(0, most - surging))).Take(RunPlan.Burst)], [.. delete.Take(RunPlan.Burst)]);
    }

    /// <summary>A node's new and old Pod; not all right when there are two of either.</summary>
    static (bool Ok, Pod? Updated, Pod? Old) Sort(DaemonSet set, List<Pod> pods, string hash)
    {
        Pod? updated = null, old = null;
        foreach (var pod in pods.Where(p => p.Metadata.DeletionTimestamp is null))
        {
            bool current = DaemonPod.IsUpdated(set, pod, hash);
            if ((current ? updated : old) is not null) return default;
            if (current) updated = pod; else old = pod;
        }
        return (true, updated, old);
    }
}
