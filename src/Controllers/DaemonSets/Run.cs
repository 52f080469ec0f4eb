using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using Hanbae.Controllers.Revisions;

namespace Hanbae.Controllers.DaemonSets;

/// <summary>Runs one Pod of each DaemonSet on every node that it is meant for.</summary>
/// <remarks>
/// As upstream: nodes are put in order first, and only when there was nothing to do is a step of an update taken; a Pod that failed is
/// replaced, with growing patience on nodes where Pods keep failing.
/// </remarks>
sealed class Run(IClusterAccess cluster) : IReconciler
{
    readonly ICache<DaemonSet> _sets = cluster.Cache<DaemonSet>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ICache<ControllerRevision> _revisions = cluster.Cache<ControllerRevision>();
    readonly PodWork _work = new(cluster);
    readonly FailureBackoff<(string Set, long Generation, string Node)> _failures = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(15));
    readonly History _history = new(cluster.Client, cluster.Cache<ControllerRevision>(), DaemonPod.HashLabel);
    /// <summary>By the set's uid.</summary>
    readonly ConcurrentDictionary<string, Roster> _rosters = new();

    const string ByNode = "daemons of a node";

    static string Place(string set, string node) => set + "/" + node;

    public void Watch(Triggers on)
    {
        _pods.IndexControllers();
        _pods.AddIndex(ByNode, static p => p.Controller is { Kind: "DaemonSet" } owner && DaemonPod.NodeOf(p) is { } node ? [Place(owner.Uid, node)] : []);
        _revisions.IndexControllers();
        on.Each(_sets).Needs(_pods).Needs(_nodes).Needs(_revisions)
            // What a look would find is noted before anybody is woken to look.
            .From(_ => _sets.Subscribe(e => { if (e.New is null) _rosters.TryRemove(e.Old!.Metadata.Uid, out Roster? _); }))
            .From(_ => _pods.Subscribe(e => { Open(e.Old); Open(e.New); }))
            .From(new PodWatch<DaemonSet>(_sets, _pods, s => s.Spec.Selector).Subscribe)
            .From(add => _revisions.Subscribe(e => OnRevision(e, add)))
            .From(add => _nodes.Subscribe(e => OnNode(e, add)));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_sets.Find(key) is not { } set) return Again.OnChange;
        var selector = set.Spec.Selector.ToSelector();
        if (selector.IsEmpty)
        {
            cluster.Recorder.Event(set, "Warning", "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
            return Again.OnChange;
        }
        if (set.IsBeingDeleted) return Again.OnChange;
        var now = cluster.Time.GetUtcNow();
        var history = await LabelledAsync(await _history.SyncAsync(set, selector, set.Spec.Template, set.Status.CollisionCount, ct), ct);
        string hash = history.Hash(DaemonPod.HashLabel);
        var (roster, fleet) = Part(set, selector, history, hash, now) is { } part ? part : await WholeAsync(set, selector, history, hash, now, ct);

        var plan = RunPlan.For(set, fleet, hash, node => _failures.Until(FailureOf(set, node), now), now);
        foreach (var pod in plan.Ended) Replaced(set, pod, now);
        var failure = await ApplyAsync(set, plan.Create, plan.Delete, hash, ct);
        if (failure is null && plan.IsEmpty)
        {
            var roll = RollPlan.For(set, fleet, hash, now);
            failure = await ApplyAsync(set, roll.Create, roll.Delete, hash, ct);
        }
        if (failure is null) await TrimAsync(set, history, ct);
        ct.ThrowIfCancellationRequested();

        // Whoever is not there yet for long enough is in every part.
        var (status, readyAt) = (RunStatus.Of(set, roster.Sum), RunStatus.Of(set, fleet, hash, now).ReadyAt);
        await cluster.Client.UpdateStatusIfChangedAsync(set, set with { Status = status with { CollisionCount = history.Collisions } }, ct);
        if (failure is not null && !Refusal.IsNamespaceTerminating(failure)) ExceptionDispatchInfo.Throw(failure);
        var next = plan.RetryAt is { } retry && !(readyAt < retry) ? retry : readyAt;
        return next is { } at ? Again.At(at) : Again.OnChange;
    }

    /// <summary>Every node: where the set, or what it is compared with, is not what it was at the last look.</summary>
    async Task<(Roster, Fleet)> WholeAsync(DaemonSet set, Selector selector, History.Result history, string hash, DateTimeOffset now, CancellationToken ct)
    {
        // What happens while this reads is noted in it, and looked at again.
        var roster = _rosters[set.Metadata.Uid] = new(set, hash, now);
        if (_sets.Find(Key.Of(set))?.Metadata.Uid != set.Metadata.Uid) _rosters.TryRemove(set.Metadata.Uid, out Roster? _);
        var mine = await MergeAsync(set, history, await Claim.AllAsync(cluster.Client, set, selector, _pods, ct), ct);
        var fleet = new Fleet(set, _nodes.All, mine);
        foreach (var place in fleet.Nodes) roster.Set(place, true, now);
        foreach (var place in fleet.Elsewhere) roster.Set(place, false, now);
        roster.Complete();
        return (roster, fleet);
    }

    /// <summary>The nodes of which something is to be done, waited for, or not known; null when all have to be looked at.</summary>
    (Roster, Fleet)? Part(DaemonSet set, Selector selector, History.Result history, string hash, DateTimeOffset now)
    {
        if (!_rosters.TryGetValue(set.Metadata.Uid, out var roster) || !roster.IsFor(set, hash, now)) return null;
        // An update chooses among all; so does who adopts, and who puts revisions together.
        if (set.Spec.UpdateStrategy.Type == "RollingUpdate" && roster.Sum.Old > 0 || Twins(set, history).Any()
            || _pods.OrphansNear(set.Metadata.Namespace, selector).Any(p => !p.IsBeingDeleted && selector.Matches(p.Metadata.Labels))) return null;
        var nodes = ImmutableArray.CreateBuilder<Fleet.Place>();
        var elsewhere = ImmutableArray.CreateBuilder<Fleet.Place>();
        foreach (string name in roster.Take())
        {
            List<Pod> pods = [.. _pods.ByIndex(ByNode, Place(set.Metadata.Uid, name)).Where(Fleet.Counts)];
            if (!pods.TrueForAll(p => selector.Matches(p.Metadata.Labels))) return null;
            var node = _nodes.Find(new("", name));
            var (runs, stays) = node is null ? default : DaemonPod.Fits(set, node);
            var place = new Fleet.Place(name, runs, stays, pods);
            roster.Set(place, node is not null, now);
            (node is null ? elsewhere : nodes).Add(place);
        }
        if (set.Spec.UpdateStrategy.Type == "RollingUpdate" && roster.Sum.Old > 0) return null;
        return (roster, new(nodes.DrainToImmutable(), elsewhere.DrainToImmutable(), roster.Sum.Desired));
    }

    void Open(Pod? pod)
    {
        if (pod?.Controller is { Kind: "DaemonSet" } owner && _rosters.TryGetValue(owner.Uid, out var roster) && DaemonPod.NodeOf(pod) is { } node) roster.Open(node);
    }

    /// <summary>What somebody else wrote may not say by which hash its Pods are known: its name is one that no other has.</summary>
    async Task<History.Result> LabelledAsync(History.Result history, CancellationToken ct)
    {
        if (history.All.All(r => r.Metadata.Labels.ContainsKey(DaemonPod.HashLabel))) return history;
        var all = history.All.ToBuilder();
        for (int i = 0; i < all.Count; i++)
            if (all[i] is var bare && !bare.Metadata.Labels.ContainsKey(DaemonPod.HashLabel))
                all[i] = await cluster.Client.UpdateAsync(bare with { Metadata = bare.Metadata with { Labels = bare.Metadata.Labels.Set(DaemonPod.HashLabel, bare.Metadata.Name) } }, ct);
        return history with { Current = all.First(r => r.Metadata.Uid == history.Current.Metadata.Uid), All = all.ToImmutable() };
    }

    static IEnumerable<ControllerRevision> Twins(DaemonSet set, History.Result history) =>
        history.All.Where(r => r.Metadata.Uid != history.Current.Metadata.Uid && Snapshot.TemplateOf(r)?.Equals(set.Spec.Template) == true);

    /// <summary>Of revisions that say the same one is enough: the Pods of the others become the last one's, which they are like, and the others go.</summary>
    async Task<ImmutableArray<Pod>> MergeAsync(DaemonSet set, History.Result history, ImmutableArray<Pod> mine, CancellationToken ct)
    {
        ControllerRevision[] twins = [.. Twins(set, history)];
        if (twins.Length == 0) return mine;
        string hash = history.Hash(DaemonPod.HashLabel);
        var relabel = MetadataPatch.Strategic(("labels", JsonObject.Of((DaemonPod.HashLabel, hash))));
        var pods = ImmutableArray.CreateBuilder<Pod>(mine.Length);
        foreach (var pod in mine)
            pods.Add(twins.Any(t => DaemonPod.HasHash(pod, t.Metadata.Labels[DaemonPod.HashLabel] ?? "")) ? await cluster.Client.PatchAsync<Pod>(Key.Of(pod), relabel, ct) : pod);
        foreach (var twin in twins) await cluster.Client.TryDeleteAsync<ControllerRevision>(Key.Of(twin), Api.Meta.V1.Preconditions.Uid(twin), ct);
        return pods.DrainToImmutable();
    }

    async Task<Exception?> ApplyAsync(DaemonSet set, ImmutableArray<string> create, ImmutableArray<Pod> delete, string hash, CancellationToken ct)
    {
        var (failure, _) = await _work.CreateAsync(set, [.. create.Select(node => DaemonPod.For(set, node, hash))], ct);
        return await _work.DeleteAsync(set, delete, ct) ?? failure;
    }

    void Replaced(DaemonSet set, Pod pod, DateTimeOffset now)
    {
        string where = $"daemon pod {Key.Of(pod)} on node {DaemonPod.NodeOf(pod)}";
        if (pod.Status.Phase == "Failed")
        {
            _failures.Failed(FailureOf(set, DaemonPod.NodeOf(pod) ?? ""), now);
            cluster.Recorder.Event(set, "Warning", "FailedDaemonPod", $"Found failed {where}, will try to kill it");
        }
        else cluster.Recorder.Event(set, "Normal", "SucceededDaemonPod", $"Found succeeded {where}, will try to delete it");
    }

    static (string, long, string) FailureOf(DaemonSet set, string node) => (set.Metadata.Uid, set.Status.ObservedGeneration, node);

    Task TrimAsync(DaemonSet set, History.Result history, CancellationToken ct)
    {
        HashSet<string?>? used = null;
        // Those in use count, too, but stay.
        return _history.TrimAsync(history.All.Where(r => r.Metadata.Uid != history.Current.Metadata.Uid), set.Spec.RevisionHistoryLimit ?? 10, ct,
            r => (used ??= [.. _pods.ControlledBy(set.Metadata.Uid).Select(p => p.Metadata.Labels[DaemonPod.HashLabel])]).Contains(r.Metadata.Labels[DaemonPod.HashLabel]));
    }

    /// <summary>That a set has got one more calls for nothing: it has made it, or who wrote it may go on. An orphan may be adopted, and one that goes or changes is missed.</summary>
    void OnRevision(CacheEvent<ControllerRevision> e, Action<Key> add)
    {
        if (e.Old is { } old && SetOf(old) is { } before) add(before);
        if (e.New is not { } revision) return;
        if (revision.Controller is not null)
        {
            if (e.Old is not null && SetOf(revision) is { } now) add(now);
        }
        else if (e.Old is null || e.Old.Metadata.Labels != revision.Metadata.Labels || e.Old.Controller is not null)
            foreach (var set in _sets.MayChoose(revision.Metadata.Namespace, revision.Metadata.Labels))
                if (set.Spec.Selector.ToSelector() is { IsEmpty: false } selector && selector.Matches(revision.Metadata.Labels)) add(Key.Of(set));
    }

    static Key? SetOf(ControllerRevision revision) => revision.Controller is { Kind: "DaemonSet" } owner ? new(revision.Metadata.Namespace, owner.Name) : null;

    /// <summary>Concerns the sets that should now run there and did not, or the other way round.</summary>
    void OnNode(CacheEvent<Node> e, Action<Key> add)
    {
        // Heartbeats change nothing that a set looks at.
        if (e is { Old: { } a, New: { } b } && a.Metadata.Labels == b.Metadata.Labels && a.Spec.Equals(b.Spec)) return;
        foreach (var roster in _rosters.Values) roster.Open(e.Object.Metadata.Name);
        foreach (var set in _sets.All)
            if ((e.Old is { } old ? DaemonPod.Fits(set, old) : default) != (e.New is { } now ? DaemonPod.Fits(set, now) : default)) add(Key.Of(set));
    }
}
