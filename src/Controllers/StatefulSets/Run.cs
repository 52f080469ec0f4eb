using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Revisions;

namespace Hanbae.Controllers.StatefulSets;

/// <summary>Keeps the members of each StatefulSet: each with a name, a host name and claims of its own that outlive its Pods.</summary>
/// <remarks>Names follow from ordinals, so nothing is ever made twice.</remarks>
sealed class Run(IClusterAccess cluster) : IReconciler
{
    const string HashLabel = "controller.kubernetes.io/hash";

    readonly ICache<StatefulSet> _sets = cluster.Cache<StatefulSet>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<ControllerRevision> _revisions = cluster.Cache<ControllerRevision>();
    readonly History _history = new(cluster.Client, cluster.Cache<ControllerRevision>(), HashLabel);

    public void Watch(Triggers on)
    {
        _pods.IndexControllers();
        _revisions.IndexControllers();
        on.Each(_sets).Needs(_pods).Needs(_claims).OwnerOf(_revisions, "StatefulSet")
            .From(new PodWatch<StatefulSet>(_sets, _pods, s => s.Spec.Selector).Subscribe);
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_sets.Find(key) is not { } set) return Again.OnChange;
        var selector = set.Spec.Selector.ToSelector();
        var now = cluster.Time.GetUtcNow();
        var mine = await Claim.AllAsync(cluster.Client, set, selector, _pods, ct, eligible: p => Identity.OrdinalOf(set, p) is not null);
        var history = await _history.SyncAsync(set, selector, set.Spec.Template, set.Status.CollisionCount, ct);
        var update = new Version(history.Current.Metadata.Name, set.Spec.Template);
        var known = history.All.FirstOrDefault(r => r.Metadata.Name == set.Status.CurrentRevision);
        var current = known is not null && Snapshot.TemplateOf(known) is { } template ? new Version(known.Metadata.Name, template) : update;

        var plan = RunPlan.For(set, current, update, mine, name => _claims.Find(new(key.Namespace, name)), now);
        var failure = await new Members(cluster, _claims, set).ApplyAsync(plan.Steps, ct);
        ct.ThrowIfCancellationRequested();

        var status = RunStatus.Of(set, current.Revision, update.Revision, history.Collisions, mine, failure is null ? plan.DeletedForUpdate : 0, now);
        try { await cluster.Client.UpdateStatusIfChangedAsync(set, set with { Status = status }, ct); }
        catch (ApiException e) { failure ??= e; }
        // Also after a failure: one that lasts must not let the history grow with each change.
        await TrimAsync(set, status, history, mine, ct);
        if (failure is not null && !Refusal.IsNamespaceTerminating(failure)) ExceptionDispatchInfo.Throw(failure);
        return plan.ReadyAt is { } at ? Again.At(at) : Again.OnChange;
    }

    Task TrimAsync(StatefulSet set, StatefulSetStatus status, History.Result history, ImmutableArray<Pod> mine, CancellationToken ct)
    {
        var used = mine.Select(Identity.RevisionOf).Append(status.CurrentRevision).Append(status.UpdateRevision).ToHashSet();
        return _history.TrimAsync(history.All.Where(r => !used.Contains(r.Metadata.Name)), set.Spec.RevisionHistoryLimit ?? 10, ct);
    }
}
