using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;

namespace Hanbae.Controllers.PersistentVolumeClaims;

/// <summary>Keeps claims that are deleted until no Pod with a node uses them.</summary>
/// <remarks>As upstream: a Pod without a node does not count, for no kubelet starts it with a claim that is being deleted.</remarks>
sealed class Protect(IClusterAccess cluster) : IReconciler
{
    public const string Finalizer = "kubernetes.io/pvc-protection";

    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();

    public void Watch(Triggers on)
    {
        _pods.IndexClaims();
        // Only the end of a Pod can free a claim; that of what runs in it, if the claim goes with it.
        on.Each(_claims).From(add => _pods.Subscribe(e =>
        {
            if (e.Old is { } old && (e.New is null || e.New.Metadata.Uid != old.Metadata.Uid || Claims.IsShutDown(e.New) && !Claims.IsShutDown(old)))
                foreach (string name in Claims.NamesOf(old)) add(new(old.Metadata.Namespace, name));
        })).Needs(_pods);
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_claims.Find(key) is not { } claim) return Again.OnChange;
        bool has = claim.Metadata.Finalizers.Contains(Finalizer), goes = claim.Metadata.DeletionTimestamp is not null;
        if (goes && has)
        {
            if (_pods.UsersOf(key).Any(p => Holds(p, claim))) return Again.OnChange;
            // A Pod may have come, or got its node, behind the cache's back: what a claim held is gone with it.
            await foreach (var pod in cluster.Client.EachAsync<Pod>(new() { Namespace = key.Namespace }, ct))
                if (Holds(pod, claim)) return Again.WithBackoff;
            await cluster.Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Finalizers = claim.Metadata.Finalizers.Where(f => f != Finalizer).ToSeq() } }, ct);
        }
        else if (!goes && !has)
            await cluster.Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Finalizers = claim.Metadata.Finalizers.Add(Finalizer) } }, ct);
        return Again.OnChange;
    }

    static bool Holds(Pod pod, PersistentVolumeClaim claim) => pod.Spec.NodeName.Length > 0 && Claims.Uses(pod, claim, unlessShutDown: true);
}
