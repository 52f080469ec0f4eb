using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Nodes;

namespace Hanbae.Controllers.Pods;

/// <summary>Removes Pods that nobody will: of nodes that vanished or are out of service, deleted before they had a node, and the oldest of too many that ended.</summary>
sealed class Sweep(IClusterAccess cluster, ControllerOptions options) : IReconciler
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(20);
    /// <summary>A node may be about to register again: its Pods have so long (upstream's quarantine).</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly Dictionary<string, DateTimeOffset> _missing = [];

    /// <summary>One key for all of it, at regular times.</summary>
    public void Watch(Triggers on) => on.Needs(_pods).Needs(_nodes)
        .From(add => cluster.Time.CreateTimer(_ => add(new("", "pods")), null, TimeSpan.Zero, Period));

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        var now = cluster.Time.GetUtcNow();
        var pods = _pods.All;
        foreach (var pod in SweepPlan.TooMany(pods, options.TerminatedPodThreshold)) await DeleteAsync(pod, ct);
        foreach (var pod in pods)
            if (pod.Metadata.DeletionTimestamp is not null && (pod.Spec.NodeName.Length == 0 || _nodes.Find(new("", pod.Spec.NodeName)) is { } node && IsOutOfService(node)))
                await FailAndDeleteAsync(pod, null, ct);

        var gone = await GoneAsync(pods, now, ct);
        foreach (var pod in pods.Where(p => gone.Contains(p.Spec.NodeName)))
            await FailAndDeleteAsync(pod, Disruption.Target("DeletionByPodGC", "PodGC: node no longer exists", now), ct);
        return Again.OnChange;
    }

    /// <summary>Somebody has said that the node is off and stays so: nobody will end its Pods (KEP-2268).</summary>
    internal static bool IsOutOfService(Node node) => node.Spec.Taints.Exists(t => t.Key == "node.kubernetes.io/out-of-service") && !Zones.IsReady(node);

    /// <summary>Nodes that Pods name and that were not there for long enough; looked for once more, live.</summary>
    async Task<HashSet<string>> GoneAsync(IReadOnlyCollection<Pod> pods, DateTimeOffset now, CancellationToken ct)
    {
        var named = pods.Select(p => p.Spec.NodeName).Where(n => n.Length > 0 && _nodes.Find(new("", n)) is null).ToHashSet();
        foreach (string node in _missing.Keys.Except(named).ToList()) _missing.Remove(node);
        var gone = new HashSet<string>();
        foreach (string node in named)
            if (!_missing.TryGetValue(node, out var since)) _missing.Add(node, now);
            else if (now - since >= Patience && await cluster.Client.FindAsync<Node>(new("", node), ct) is null) gone.Add(node);
        return gone;
    }

    /// <summary>Nobody else will say how it ended: who counts Pods by their end, as Jobs do, would wait for ever.</summary>
    async Task FailAndDeleteAsync(Pod pod, PodCondition? why, CancellationToken ct)
    {
        try
        {
            if (!pod.IsTerminal) await cluster.Client.PatchAsync<Pod>(Key.Of(pod), Failed(pod, why), ct, "status");
            await DeleteAsync(pod, ct);
        }
        // It went in the meantime, and another may have its name.
        catch (ApiException e) when (e.IsNotFound || e.IsConflict || e.Code == 422) { }
    }

    /// <summary>All that its role lets it say of a Pod is a patch.</summary>
    static Patch Failed(Pod pod, PodCondition? why)
    {
        var json = new JsonWriter(512);
        try
        {
            var status = new PodStatus
            {
                Phase = "Failed", ObservedGeneration = pod.Metadata.Generation, Conditions = why is null ? default : [why with { ObservedGeneration = pod.Metadata.Generation }],
            };
            new Pod { Metadata = new() { Uid = pod.Metadata.Uid }, Status = status }.WriteJson(ref json);
            return Patch.Strategic(json.ToArray());
        }
        finally { json.Dispose(); }
    }

    Task DeleteAsync(Pod pod, CancellationToken ct) =>
        cluster.Client.TryDeleteAsync<Pod>(Key.Of(pod), new DeleteOptions { GracePeriodSeconds = 0, Preconditions = new() { Uid = pod.Metadata.Uid } }, ct);
}

/// <summary>Chooses the Pods that have ended and are too many: those that were evicted first, since of the others somebody may still want to know.</summary>
static class SweepPlan
{
    static bool IsEvicted(Pod pod) => pod.Status is { Phase: "Failed", Reason: "Evicted" };

    /// <summary>Deleted already, and kept by somebody who is not done with it: it counts, but there is no use in deleting it again.</summary>
    static bool IsHeld(Pod pod) => pod.Metadata.DeletionTimestamp is not null && !pod.Metadata.Finalizers.IsEmpty;

    public static IEnumerable<Pod> TooMany(IEnumerable<Pod> pods, int most)
    {
        if (most <= 0) return [];
        var ended = pods.Where(p => p.IsTerminal).ToList();
        return ended.OrderBy(p => !IsEvicted(p)).ThenBy(p => p.Metadata.CreationTimestamp).ThenBy(p => p.Metadata.Name, StringComparer.Ordinal)
            .Take(Math.Max(0, ended.Count - most)).Where(p => !IsHeld(p));
    }
}
