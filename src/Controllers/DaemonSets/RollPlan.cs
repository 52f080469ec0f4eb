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

    public static RollPlan For(DaemonSet set, IReadOnlyCollection<Node> nodes, ImmutableArray<Pod> mine, string hash, DateTimeOffset now)
    {
        if (set.Spec.UpdateStrategy.Type != "RollingUpdate") return None;
        var byNode = RunPlan.ByNode(mine);
        var wanted = nodes.Where(n => DaemonPod.Fits(set, n).Runs).Select(n => n.Metadata.Name).ToHashSet();
        foreach (string node in wanted) byNode.TryAdd(node, []);
        var (surge, unavailable) = RunPlan.Limits(set, wanted.Count);
        bool Available(Pod pod) => pod.IsAvailable(set.Spec.MinReadySeconds, now);
        return surge > 0 ? Surge(byNode, wanted, surge, hash, Available) : Replace(byNode, unavailable, hash, Available);
    }

    static RollPlan Replace(SortedDictionary<string, List<Pod>> byNode, int most, string hash, Func<Pod, bool> available)
    {
        List<Pod> useless = [], candidates = [];
        int unavailable = 0;
        foreach (var (_, pods) in byNode)
        {
            var (ok, updated, old) = Sort(pods, hash);
            // Two of a kind, both or none: the node is being put in order, and counts as unavailable until it is.
            if (!ok || updated is null == old is null) unavailable++;
            else if (updated is not null) unavailable += available(updated) ? 0 : 1;
            else if (!available(old!)) useless.Add(old!);
            else candidates.Add(old!);
        }
        return new([], [.. useless.Concat(candidates.Take(Math.Max(0, most - unavailable))).Take(RunPlan.Burst)]);
    }

    static RollPlan Surge(SortedDictionary<string, List<Pod>> byNode, HashSet<string> wanted, int most, string hash, Func<Pod, bool> available)
    {
        List<string> useless = [], candidates = [];
        List<Pod> delete = [], misplaced = [];
        int surging = 0, ready = 0;
        foreach (var (node, pods) in byNode)
        {
            var (ok, updated, old) = Sort(pods, hash);
            if (!ok) { surging++; continue; }
            if (old is not null && available(old) || updated is not null && available(updated)) ready++;
            if (old is null) continue;
            if (updated is not null)
            {
                if (available(updated)) delete.Add(old);
                else surging++;
            }
            // Where none belongs any more, none comes; the old one stays until there are enough elsewhere.
            else if (!wanted.Contains(node)) misplaced.Add(old);
            else if (!available(old)) useless.Add(node);
            else candidates.Add(node);
        }
        delete.AddRange(misplaced.Take(Math.Max(0, ready - wanted.Count)));
        return new([.. useless.Concat(candidates.Take(Math.Max(0, most - surging))).Take(RunPlan.Burst)], [.. delete.Take(RunPlan.Burst)]);
    }

    /// <summary>A node's new and old Pod; not all right when there are two of either.</summary>
    static (bool Ok, Pod? Updated, Pod? Old) Sort(List<Pod> pods, string hash)
    {
        Pod? updated = null, old = null;
        foreach (var pod in pods.Where(p => p.Metadata.DeletionTimestamp is null))
        {
            bool current = DaemonPod.IsUpdated(pod, hash);
            if ((current ? updated : old) is not null) return default;
            if (current) updated = pod; else old = pod;
        }
        return (true, updated, old);
    }
}
