using System.Runtime.ExceptionServices;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.ReplicaSets;

/// <summary>Keeps as many Pods alive as each ReplicaSet asks for.</summary>
/// <remarks>
/// As upstream: matching orphans are adopted, Pods that stopped matching are released, creation starts slowly (1, 2, 4, … per batch) so
/// that a broken template costs few failures, the least useful Pods go first, and nothing is done before the cache shows what was done.
/// </remarks>
sealed class Scale(IClusterAccess cluster) : IReconciler
{
    readonly IClient _client = cluster.Client;
    readonly ICache<ReplicaSet> _sets = cluster.Cache<ReplicaSet>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly Expectations _expected = new(cluster.Time);

    public void Watch(Triggers on)
    {
        _sets.IndexControllers();
        _pods.IndexControllers();
        on.Each(_sets).Needs(_pods).From(add => _pods.Subscribe(e => OnPod(e, add)));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_sets.Find(key) is not { } set) { _expected.Forget(key); return Again.OnChange; }
        var now = cluster.Time.GetUtcNow();
        // Asked before the Pods are read: what is seen in between then counts for both or for neither.
        var wait = _expected.Wait(key);
        var mine = await Claim.AllAsync(_client, set, set.Spec.Selector.ToSelector(), _pods, ct);
        if (wait is not null)
            mine = [.. mine.Select(p => _expected.IsGoing(key, p.Metadata.Uid) ? p with { Metadata = p.Metadata with { DeletionTimestamp = now } } : p)];
        var plan = ScalePlan.For(set, mine, () => Relatives(set), now);

        Exception? failure = null;
        if (wait is null && !set.IsBeingDeleted) failure = await CreateAsync(key, set, plan, ct) ?? await DeleteAsync(key, set, plan, ct);
        ct.ThrowIfCancellationRequested();

        var status = wait is null ? plan.StatusAfter(failure, now) : plan.Status;
        await _client.UpdateStatusIfChangedAsync(set, set with { Status = status }, ct);
        // In a namespace that goes away the set goes too: there is no use in trying again.
        if (failure is not null && !IsNamespaceTerminating(failure)) ExceptionDispatchInfo.Throw(failure);
        if (wait is { } left) return Again.In(left);
        return plan.ReadyAt is { } at ? Again.At(at) : Again.OnChange;
    }

    async Task<Exception?> CreateAsync(Key key, ReplicaSet set, ScalePlan plan, CancellationToken ct)
    {
        if (plan.Create.IsEmpty) return null;
        _expected.Creations(key, plan.Create.Length);
        var (begun, error) = await SlowStart.RunAsync(plan.Create, async pod =>
        {
            try
            {
                var made = await _client.CreateAsync(pod, ct);
                cluster.Recorder.Event(set, "Normal", "SuccessfulCreate", "Created pod: " + made.Metadata.Name);
            }
            catch (Exception e)
            {
                _expected.Created(key);
                if (!ct.IsCancellationRequested && !IsNamespaceTerminating(e))
                    cluster.Recorder.Event(set, "Warning", "FailedCreate", "Error creating: " + e.Message);
                throw;
            }
        });
        for (int i = begun; i < plan.Create.Length; i++) _expected.Created(key);
        return error;
    }

    async Task<Exception?> DeleteAsync(Key key, ReplicaSet set, ScalePlan plan, CancellationToken ct)
    {
        if (plan.Delete.IsEmpty) return null;
        _expected.Deletions(key, plan.Delete.Select(p => p.Metadata.Uid));
        return await SlowStart.AllAsync(plan.Delete, async pod =>
        {
            try
            {
                await _client.DeleteAsync(pod, Preconditions.Uid(pod), ct);
                cluster.Recorder.Event(set, "Normal", "SuccessfulDelete", "Deleted pod: " + pod.Metadata.Name);
            }
            catch (Exception e)
            {
                _expected.Deleted(key, pod.Metadata.Uid);
                if (e is ApiException { IsNotFound: true }) return;
                if (!ct.IsCancellationRequested) cluster.Recorder.Event(set, "Warning", "FailedDelete", "Error deleting: " + e.Message);
                throw;
            }
        });
    }

    IEnumerable<Pod> Relatives(ReplicaSet set) => set.Controller is { } owner
        ? _sets.ControlledBy(owner.Uid).SelectMany(s => _pods.ControlledBy(s.Metadata.Uid))
        : _pods.ControlledBy(set.Metadata.Uid);

    void OnPod(CacheEvent<Pod> e, Action<Key> add)
    {
        if (e.Old is { } old && SetOf(old) is { } before)
        {
            if (e.New is null || e.New.Metadata.Uid != old.Metadata.Uid) _expected.Deleted(before, old.Metadata.Uid);
            add(before);
        }
        if (e.New is not { } pod) return;
        if (SetOf(pod) is { } key)
        {
            // A Pod that is on its way out counts as gone.
            if (pod.IsBeingDeleted) _expected.Deleted(key, pod.Metadata.Uid);
            if (e.Old is null) _expected.Created(key);
            add(key);
        }
        else if (pod.Controller is null && (e.Old is null || e.Old.Metadata.Labels != pod.Metadata.Labels || e.Old.Controller is not null))
            foreach (var set in _sets.In(pod.Metadata.Namespace))
                if (set.Spec.Selector.ToSelector().Matches(pod.Metadata.Labels)) add(Key.Of(set));
    }

    static Key? SetOf(Pod pod) =>
        pod.Controller is { Kind: "ReplicaSet" } owner && owner.ApiVersion == ReplicaSet.Info.ApiVersion ? new(pod.Metadata.Namespace, owner.Name) : null;

    internal static bool IsNamespaceTerminating(Exception e) =>
        e is ApiException api && (api.Status.Details?.Causes.Exists(c => c.Reason == "NamespaceTerminating") ?? false);
}
