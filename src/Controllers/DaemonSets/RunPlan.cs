using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>What has to change for every node that should have one to have one Pod of a DaemonSet, and no other node any.</summary>
/// <param name="Create">Names of nodes that miss theirs.</param>
/// <param name="Ended">Those of <paramref name="Delete"/> that go because they ended.</param>
/// <param name="RetryAt">When a Pod that failed too often may be replaced.</param>
sealed record RunPlan(ImmutableArray<string> Create, ImmutableArray<Pod> Delete, ImmutableArray<Pod> Ended, DateTimeOffset? RetryAt)
{
    /// <summary>At most so many Pods are made or deleted at a time (upstream's BurstReplicas).</summary>
    public const int Burst = 250;

    public bool IsEmpty => Create.IsEmpty && Delete.IsEmpty;

    /// <param name="waits">Until when a node whose Pods fail has to wait for the next.</param>
    public static RunPlan For(
        DaemonSet set, Fleet fleet, string hash, Func<string, DateTimeOffset?> waits, DateTimeOffset now)
    {
        List<string> create = [];
        List<Pod> delete = [];
        var ended = ImmutableArray.CreateBuilder<Pod>();
        DateTimeOffset? retryAt = null;
        bool surges = Limits(set, 1).Surge > 0;
        foreach (var (name, runs, stays, pods) in fleet.Nodes)
        {
            if (pods.Count == 0) { if (runs) create.Add(name); continue; }
            if (!stays) { delete.AddRange(pods.Where(p => p.Metadata.DeletionTimestamp is null)); continue; }
            // The usual thing: one, and it runs.
            if (pods.Count == 1 && !pods[0].IsTerminal && !(surges && pods[0].IsTerminating)) continue;
            var running = new List<Pod>();
            foreach (var pod in pods.Where(p => p.Metadata.DeletionTimestamp is null))
                if (!pod.IsTerminal) running.Add(pod);
                else if (pod.Status.Phase == "Failed" && waits(name) is { } until) retryAt = retryAt is { } at && at < until ? at : until;
                else { ended.Add(pod); delete.Add(pod); }
            running.Sort(Older);
            if (!surges) delete.AddRange(running.Skip(1));
            else delete.AddRange(Superseded(set, running, hash, now));
            // Who surges need not wait until the last of a node's Pods has gone.
            if (surges && runs && running.Count == 0) create.Add(name);
        }
        // Pods that wait for a node that is gone will never be bound.
        foreach (var place in fleet.Elsewhere) delete.AddRange(place.Pods.Where(p => p.Spec.NodeName.Length == 0 && p.Metadata.DeletionTimestamp is null));
        return new([.. create.Order(StringComparer.Ordinal).Take(Burst)], [.. delete.OrderBy(DaemonPod.NodeOf, StringComparer.Ordinal).Take(Burst)], ended.DrainToImmutable(), retryAt);
    }

    /// <summary>While Pods may surge a node has an old and a new one: the old goes once the new is available, or when it is of no use.</summary>
    static IEnumerable<Pod> Superseded(DaemonSet set, List<Pod> running, string hash, DateTimeOffset now)
    {
        if (running.Count <= 1) yield break;
        Pod? updated = null, old = null;
        foreach (var pod in running)
            if (DaemonPod.IsUpdated(set, pod, hash) && updated is null) updated = pod;
            else if (!DaemonPod.IsUpdated(set, pod, hash) && old is null) old = pod;
            else yield return pod;
        if (updated is not null && old is not null && (!old.IsReady || updated.IsAvailable(set.Spec.MinReadySeconds, now))) yield return old;
    }

    /// <summary>Bound Pods first, then the oldest.</summary>
    public static int Older(Pod a, Pod b)
    {
        int order = (b.Spec.NodeName.Length > 0).CompareTo(a.Spec.NodeName.Length > 0);
        if (order == 0) order = Nullable.Compare(a.Metadata.CreationTimestamp, b.Metadata.CreationTimestamp);
        return order != 0 ? order : string.CompareOrdinal(a.Metadata.Name, b.Metadata.Name);
    }

    /// <summary>How far an update may stray from one Pod for each of so many nodes.</summary>
    public static (int Surge, int Unavailable) Limits(DaemonSet set, int nodes)
    {
        if (set.Spec.UpdateStrategy is not { Type: "RollingUpdate" } strategy) return (0, 0);
        int surge = (strategy.RollingUpdate?.MaxSurge ?? 0).GetScaledValue(nodes, roundUp: true);
        int unavailable = (strategy.RollingUpdate?.MaxUnavailable ?? 1).GetScaledValue(nodes, roundUp: true);
        return (surge, surge == 0 && unavailable == 0 ? 1 : unavailable);
    }
}
