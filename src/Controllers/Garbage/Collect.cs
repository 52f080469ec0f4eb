using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using GroupVersion = Hanbae.Api.GroupVersion;

namespace Hanbae.Controllers.Garbage;

/// <summary>Deletes what is owned by nobody any more, and lets owners go before, after, or without what they own.</summary>
/// <remarks>
/// Upstream's garbage collector. Keys are uids. The graph says what wants a look; what is done rests on what the server says at that
/// moment: an owner counts as absent only after a live look found none, or another of its name.
/// </remarks>
sealed class Collect(IClusterAccess cluster) : IReconciler
{
    static readonly TimeSpan SyncPatience = TimeSpan.FromSeconds(30);

    readonly IApiTransport _transport = cluster.Client.Transport;
    readonly OwnerGraph _graph = new();
    Survey? _survey;
    readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What a live look says of an owner.</summary>
    enum Presence : byte
    {
        Absent,
        Waits,
        Solid,
        /// <summary>He is there and not in the graph: nothing would tell of his end.</summary>
        Unseen,
        /// <summary>The server does not serve his kind, any more or yet.</summary>
        Unknown,
        /// <summary>He is in a namespace, and who names him is in none.</summary>
        Beyond,
    }

    public void Watch(Triggers on) => on.From(add => _survey = new Survey(_transport, cluster.Time, _graph, add, _synced));

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        // An owner that is not listed yet only looks absent: it costs a live look. So what cannot be listed holds up the others no longer than with upstream.
        try { await _synced.Task.WaitAsync(SyncPatience, cluster.Time, ct); }
        catch (TimeoutException) { _synced.TrySetResult(); }
        if (_graph.Find(key.Name) is not { } known) return Again.OnChange;
        if (known.Orphans) await OrphanAsync(known, ct);
        else if (known.WaitsForDependents) await ForegroundAsync(known, ct);
        if (known.Owners.IsEmpty || known.IsBeingDeleted || !_graph.IsDoubtful(known)) return Again.OnChange;
        return await OwnedAsync(known, ct);
    }

    /// <summary>Deletes an object whose owners are gone, or takes those that are gone from its owners.</summary>
    async Task<Again> OwnedAsync(Owned known, CancellationToken ct)
    {
        if (await GetAsync(known.Resource, known.Key, ct) is not { } live || live.Metadata.Uid != known.Uid) return Again.OnChange;
        if (live.Metadata.DeletionTimestamp is not null || live.Metadata.OwnerReferences.IsEmpty) return Again.OnChange;
        List<string> absent = [], waiting = [];
        bool solid = false, unseen = false;
        foreach (var owner in live.Metadata.OwnerReferences)
        {
            if (_graph.Fits(owner, known.Key.Namespace) == Fit.Elsewhere) TellElsewhere(live, owner);
            switch (await LookAsync(owner, known, ct))
            {
                case Presence.Absent: absent.Add(owner.Uid); break;
                case Presence.Waits: waiting.Add(owner.Uid); break;
                case Presence.Unseen: solid = unseen = true; break;
                // As upstream: while one cannot be judged, nothing is done about the others either.
                case Presence.Unknown: return Again.WithBackoff;
                case Presence.Beyond: return Again.OnChange;
                default: solid = true; break;
            }
        }
        if (solid)
        {
            if (absent.Count + waiting.Count > 0) await ReleaseAsync(known, [.. absent, .. waiting], ct);
            // As upstream does with its virtual owners: asked again until the watches tell of him.
            return unseen ? Again.WithBackoff : Again.OnChange;
        }
        // Dependents of its own that wait for it in turn would be a circle: they must not block it.
        var dependents = _graph.DependentsOf(known.Uid);
        bool foreground = waiting.Count > 0 && dependents.Length > 0;
        if (foreground && dependents.Any(d => d.WaitsForDependents)) await UnblockAsync(known, live.Metadata.OwnerReferences, ct);
        string policy = foreground || live.Metadata.Finalizers.Contains(OwnerGraph.Foreground) ? "Foreground"
            : live.Metadata.Finalizers.Contains(OwnerGraph.Orphan) ? "Orphan" : "Background";
        var options = new DeleteOptions { PropagationPolicy = policy, Preconditions = new() { Uid = known.Uid, ResourceVersion = live.Metadata.ResourceVersion } };
        await SendAsync(Requests.Delete(known.Resource, known.Key, options), ct);
        return Again.OnChange;
    }

    /// <summary>Lets an owner go when no dependent that blocks it is left; sends them on their way otherwise.</summary>
    async Task ForegroundAsync(Owned owner, CancellationToken ct)
    {
        bool blocked = false;
        foreach (var dependent in _graph.DependentsOf(owner.Uid))
        {
            if (dependent.Uid == owner.Uid) continue;
            blocked |= dependent.Owners.Exists(o => o.Uid == owner.Uid && o.BlockOwnerDeletion == true);
            if (!dependent.IsBeingDeleted) await OwnedAsync(dependent, ct);
        }
        if (!blocked) await RemoveFinalizerAsync(owner, OwnerGraph.Foreground, ct);
    }

    async Task OrphanAsync(Owned owner, CancellationToken ct)
    {
        foreach (var dependent in _graph.DependentsOf(owner.Uid)) await ReleaseAsync(dependent, [owner.Uid], ct);
        await RemoveFinalizerAsync(owner, OwnerGraph.Orphan, ct);
    }

    /// <summary>Owners are looked for where those are that they own, whatever their uid says.</summary>
    void TellElsewhere(IObject owned, OwnerReference owner) =>
        cluster.Recorder.Event(owned, "Warning", "OwnerRefInvalidNamespace",
            $"ownerRef [{owner.ApiVersion}/{owner.Kind}, namespace: {owned.Metadata.Namespace}, name: {owner.Name}, uid: {owner.Uid}] does not exist in namespace \"{owned.Metadata.Namespace}\"");

    async Task<Presence> LookAsync(OwnerReference owner, Owned of, CancellationToken ct)
    {
        var fit = _graph.Fits(owner, of.Key.Namespace);
        if (fit == Fit.Here) return _graph.Find(owner.Uid) is { WaitsForDependents: true } ? Presence.Waits : Presence.Solid;
        if (GroupVersion.Parse(owner.ApiVersion) is not { } gv) return Presence.Unknown;
        if ((_survey?.Served ?? ServerResources.BuiltIn).Of(gv.Kind(owner.Kind)) is not { } resource) return Presence.Unknown;
        if (resource.Namespaced && of.Key.Namespace.Length == 0) return Presence.Beyond;
        var live = await GetAsync(resource, new(resource.Namespaced ? of.Key.Namespace : "", owner.Name), ct);
        if (live is null || live.Metadata.Uid != owner.Uid) return Presence.Absent;
        if (live.Metadata.DeletionTimestamp is not null && live.Metadata.Finalizers.Contains(OwnerGraph.Foreground)) return Presence.Waits;
        return fit == Fit.Unseen && Survey.Follows(resource) ? Presence.Unseen : Presence.Solid;
    }

    async Task ReleaseAsync(Owned obj, string[] owners, CancellationToken ct)
    {
        if (obj.Resource.Kind is UnstructuredKind) await ReplaceOwnersAsync(obj, all => all.Where(o => !owners.Contains(o.Uid)).ToSeq(), ct);
        else await PatchOwnersAsync(obj, owners.Select(uid => JsonObject.Of(("$patch", "delete"), ("uid", uid))), ct);
    }

    /// <summary>Custom resources know no strategic patches: all owners are written, for the version that they were read from.</summary>
    async Task ReplaceOwnersAsync(Owned obj, Func<Seq<OwnerReference>, Seq<OwnerReference>> change, CancellationToken ct)
    {
        if (await GetAsync(obj.Resource, obj.Key, ct) is not { } live || live.Metadata.Uid != obj.Uid) return;
        var left = change(live.Metadata.OwnerReferences);
        var owners = left.IsEmpty ? JsonNull.Instance : JsonValue.Parse(Machinery.Validate.Shown.Messages(left));
        var patch = MetadataPatch.Merge(("uid", obj.Uid), ("resourceVersion", live.Metadata.ResourceVersion), ("ownerReferences", owners));
        await SendAsync(Requests.Patch(obj.Resource, obj.Key, patch), ct);
    }

    Task UnblockAsync(Owned obj, Seq<OwnerReference> owners, CancellationToken ct)
    {
        if (obj.Resource.Kind is UnstructuredKind)
            return ReplaceOwnersAsync(obj, all => all.Select(o => o.BlockOwnerDeletion == true ? o with { BlockOwnerDeletion = false } : o).ToSeq(), ct);
        return PatchOwnersAsync(obj, owners.Where(o => o.BlockOwnerDeletion == true).Select(o => JsonObject.Of(("uid", o.Uid), ("blockOwnerDeletion", false))), ct);
    }

    Task PatchOwnersAsync(Owned obj, IEnumerable<JsonObject> owners, CancellationToken ct) =>
        SendAsync(Requests.Patch(obj.Resource, obj.Key, MetadataPatch.Strategic(("uid", obj.Uid), ("ownerReferences", new JsonArray([.. owners])))), ct);

    async Task RemoveFinalizerAsync(Owned obj, string finalizer, CancellationToken ct)
    {
        if (await GetAsync(obj.Resource, obj.Key, ct) is not { } live || live.Metadata.Uid != obj.Uid || !live.Metadata.Finalizers.Contains(finalizer)) return;
        var left = live.Metadata.Finalizers.Where(f => f != finalizer).Select(f => (JsonValue)f);
        var patch = MetadataPatch.Merge(("resourceVersion", live.Metadata.ResourceVersion), ("finalizers", new JsonArray([.. left])));
        await SendAsync(Requests.Patch(obj.Resource, obj.Key, patch), ct);
    }

    async Task<IObject?> GetAsync(ResourceInfo resource, Key key, CancellationToken ct)
    {
        var result = await _transport.SendAsync(Requests.Get(resource, key), ct);
        return result.Code == 404 ? null : (IObject?)result.OrThrow().Object;
    }

    /// <summary>What is gone needs nothing more.</summary>
    async Task SendAsync(ApiRequest request, CancellationToken ct)
    {
        var result = await _transport.SendAsync(request, ct);
        if (result.Code is not (404 or 422)) result.OrThrow();
    }
}
