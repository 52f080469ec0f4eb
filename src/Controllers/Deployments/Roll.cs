using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.Deployments;

/// <summary>Moves each Deployment's Pods from one template to the next, and keeps the templates it came from.</summary>
/// <remarks>
/// The name of a template's set follows from the template, so that a cache that lags cannot make two of them, and every other write names
/// the version it was decided upon.
/// </remarks>
sealed class Roll(IClusterAccess cluster) : IReconciler
{
    readonly IClient _client = cluster.Client;
    readonly ICache<Deployment> _deployments = cluster.Cache<Deployment>();
    readonly ICache<ReplicaSet> _sets = cluster.Cache<ReplicaSet>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();

    public void Watch(Triggers on)
    {
        _sets.IndexControllers();
        _pods.IndexControllers();
        on.Each(_deployments).OwnerOf(_sets, "Deployment", "apps").Map(_sets, SelectingOrphan)
            // Pods matter to a Recreate only, and only when they end: the sets tell the rest.
            .Needs(_pods).From(add => _pods.Subscribe(e => { if (e.New is null || e.New.IsTerminal) OnEnd(e.Object, add); }));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_deployments.Find(key) is not { } deployment) return Again.OnChange;
        var selector = deployment.Spec.Selector.ToSelector();
        if (selector.IsEmpty) return await RefuseAsync(deployment, ct);
        var now = cluster.Time.GetUtcNow();
        var sets = await Claim.AllAsync(_client, deployment, selector, _sets, ct);
        if (!deployment.Spec.Paused && !deployment.IsBeingDeleted && Rollback.For(deployment, sets) is { } back)
        {
            cluster.Recorder.Event(deployment, back.Type, back.Reason, back.Message);
            await _client.UpdateAsync(back.Deployment, ct);
            return Again.OnChange;
        }
        var plan = RollPlan.For(deployment, sets, Runs, now);

        if (plan.Create is { } made && !await CreateAsync(deployment, made, now, ct)) return Again.WithBackoff;
        foreach (var change in plan.Change)
        {
            await _client.UpdateAsync(change.Is, ct);
            if (change.Message is { } message) cluster.Recorder.Event(deployment, "Normal", "ScalingReplicaSet", message);
        }
        foreach (var old in plan.Delete)
            await _client.TryDeleteAsync<ReplicaSet>(Key.Of(old), Preconditions.Uid(old), ct);
        if (plan.Annotations != deployment.Metadata.Annotations)
            deployment = await _client.UpdateAsync(deployment with { Metadata = deployment.Metadata with { Annotations = plan.Annotations } }, ct);
        await _client.UpdateStatusIfChangedAsync(deployment, deployment with { Status = plan.Status }, ct);
        return plan.Deadline is { } deadline ? Again.At((deadline > now ? deadline : now).AddSeconds(1)) : Again.OnChange;
    }

    /// <returns>Whether the set is there as it was planned; otherwise the next look will know more.</returns>
    async Task<bool> CreateAsync(Deployment deployment, ReplicaSet planned, DateTimeOffset now, CancellationToken ct)
    {
        try
        {
            await _client.CreateAsync(planned, ct);
            if (Draft.Size(planned) is > 0 and var size)
                cluster.Recorder.Event(deployment, "Normal", "ScalingReplicaSet", $"Scaled up replica set {planned.Metadata.Name} from 0 to {size}");
            return true;
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            var there = await _client.FindAsync(planned, ct);
            // Ours: the cache did not show it yet. Gone: try again.
            if (there is null || there.IsControlledBy(deployment) && TemplateHash.Same(there.Spec.Template, deployment.Spec.Template)) return false;
            int collisions = (deployment.Status.CollisionCount ?? 0) + 1;
            await _client.UpdateStatusAsync(deployment with { Status = deployment.Status with { CollisionCount = collisions } }, ct);
            return false;
        }
        catch (ApiException e) when (!Refusal.IsNamespaceTerminating(e))
        {
            string message = $"Failed to create new replica set \"{planned.Metadata.Name}\": {e.Message}";
            cluster.Recorder.Event(deployment, "Warning", "ReplicaSetCreateError", message);
            if (Conditions.HasDeadline(deployment))
            {
                var conditions = deployment.Status.Conditions.Say(now, Conditions.Progressing, "False", "ReplicaSetCreateError", message);
                await _client.UpdateStatusIfChangedAsync(deployment, deployment with { Status = deployment.Status with { Conditions = conditions } }, ct);
            }
            throw;
        }
    }

    async Task<Again> RefuseAsync(Deployment deployment, CancellationToken ct)
    {
        cluster.Recorder.Event(deployment, "Warning", "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
        if (deployment.Status.ObservedGeneration < deployment.Metadata.Generation)
            await _client.UpdateStatusAsync(deployment with { Status = deployment.Status with { ObservedGeneration = deployment.Metadata.Generation } }, ct);
        return Again.OnChange;
    }

    bool Runs(ReplicaSet set) => _pods.ControlledBy(set.Metadata.Uid).Any(p => !p.IsTerminal);

    void OnEnd(Pod pod, Action<Key> add)
    {
        if (pod.Controller is { Kind: "ReplicaSet" } owner && _sets.Find(new(pod.Metadata.Namespace, owner.Name)) is { Controller: { Kind: "Deployment" } top }
            && _deployments.Find(new(pod.Metadata.Namespace, top.Name)) is { Spec.Strategy.Type: "Recreate" } deployment)
            add(Key.Of(deployment));
    }

    IEnumerable<Key> SelectingOrphan(ReplicaSet set) => set.Controller is not null ? []
        : _deployments.In(set.Metadata.Namespace).Where(d => d.Spec.Selector.ToSelector().Matches(set.Metadata.Labels)).Select(Key.Of);
}
