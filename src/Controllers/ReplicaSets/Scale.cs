using System.Runtime.ExceptionServices;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.ReplicaSets;

/// <summary>Keeps as many Pods alive as each ReplicaSet, or what can be seen as one, asks for.</summary>
/// <remarks>
/// As upstream: matching orphans are adopted, Pods that stopped matching are released, creation starts slowly (1, 2, 4, … per batch) so
/// that a broken template costs few failures, the least useful Pods go first, and nothing is done before the cache shows what was done.
/// </remarks>
sealed class Scale<T>(IClusterAccess cluster, Scaled<T> kind) : IReconciler where T : class, IObject<T>
{
    readonly IClient _client = cluster.Client;
    readonly ICache<T> _sets = cluster.Cache<T>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly PodWork _work = new(cluster);

    public void Watch(Triggers on)
    {
        _sets.IndexControllers();
        _pods.IndexControllers();
        on.Each(_sets).Needs(_pods).From(new PodWatch<T>(_sets, _pods, s => kind.View(s).Spec.Selector).Subscribe);
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_sets.Find(key) is not { } owner) return Again.OnChange;
        var set = kind.View(owner);
        var now = cluster.Time.GetUtcNow();
        var mine = await Claim.AllAsync(_client, owner, set.Spec.Selector.ToSelector(), _pods, ct);
        var plan = ScalePlan.For(set, mine, () => Relatives(owner), now, owner.ControllerRef());

        Exception? failure = null;
        if (!owner.IsBeingDeleted)
        {
            (failure, _) = await _work.CreateAsync(owner, plan.Create, ct);
            failure ??= await _work.DeleteAsync(owner, plan.Delete, ct);
        }
        ct.ThrowIfCancellationRequested();

        await _client.UpdateStatusIfChangedAsync(owner, kind.WithStatus(owner, plan.StatusAfter(failure, now)), ct);
        // In a namespace that goes away the set goes too: there is no use in trying again.
        if (failure is not null && !Refusal.IsNamespaceTerminating(failure)) ExceptionDispatchInfo.Throw(failure);
        return plan.ReadyAt is { } at ? Again.At(at) : Again.OnChange;
    }

    IEnumerable<Pod> Relatives(T set) => set.Controller is { } owner
        ? _sets.ControlledBy(owner.Uid).SelectMany(s => _pods.ControlledBy(s.Metadata.Uid))
        : _pods.ControlledBy(set.Metadata.Uid);
}
