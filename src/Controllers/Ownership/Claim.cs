using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Ownership;

/// <summary>What a controller's selector means for one object.</summary>
enum Claimed : byte { No, Mine, Adopt, Release }

/// <summary>Settles which objects are a controller's: matching orphans are adopted, those that no longer match are released.</summary>
/// <remarks>
/// As upstream's ControllerRefManager: every write names the uid it means, so that an object of the same name that came later is left
/// alone, and an owner is looked at once more, live, before it adopts: a cache may not know yet that it is gone.
/// </remarks>
static class Claim
{
    public static Claimed Of(IObject owner, Selector selector, IObject candidate, bool eligible = true)
    {
        bool matches = eligible && selector.Matches(candidate.Metadata.Labels);
        if (candidate.Controller is { } controller)
            return controller.Uid != owner.Metadata.Uid ? Claimed.No : matches ? Claimed.Mine : owner.IsBeingDeleted ? Claimed.No : Claimed.Release;
        return matches && !owner.IsBeingDeleted && !candidate.IsBeingDeleted ? Claimed.Adopt : Claimed.No;
    }

    /// <param name="finalizer">What the owner keeps its own from vanishing with: comes with adoption and goes with release.</param>
    /// <param name="eligible">What else, apart from the labels, makes an object the owner's.</param>
    /// <returns>What is the owner's, as the caches or the patches show it.</returns>
    /// <exception cref="AggregateException">Of several, each for a reason of its own, it could not be settled.</exception>
    public static async Task<ImmutableArray<T>> AllAsync<TOwner, T>(
        IClient client, TOwner owner, Selector selector, ICache<T> among, CancellationToken ct, string? finalizer = null, Func<T, bool>? eligible = null)
        where TOwner : class, IObject<TOwner> where T : class, IObject<T>
    {
        var mine = ImmutableArray.CreateBuilder<T>();
        var failures = new List<Exception>();
        Task? alive = null;
        foreach (var candidate in among.ControlledBy(owner.Metadata.Uid).Concat(among.OrphansNear(owner.Metadata.Namespace, selector)))
            try
            {
                switch (Of(owner, selector, candidate, eligible is null || eligible(candidate)))
                {
                    case Claimed.Mine: mine.Add(candidate); break;
                    case Claimed.Release: await ReleaseAsync(client, owner, candidate, finalizer, ct); break;
                    case Claimed.Adopt:
                        await (alive ??= AliveAsync(client, owner, ct));
                        if (await AdoptAsync(client, owner, candidate, finalizer, ct) is { } adopted) mine.Add(adopted);
                        break;
                }
            }
            // One that resists does not keep the others waiting.
            catch (Exception e) when (e is ApiException or InvalidOperationException && !ct.IsCancellationRequested) { failures.Add(e); }
        if (failures.Count == 1 || failures.Count > 1 && failures.TrueForAll(f => f.Message == failures[0].Message)) ExceptionDispatchInfo.Throw(failures[0]);
        if (failures.Count > 0) throw new AggregateException($"[{string.Join(", ", failures.Select(f => f.Message))}]", failures);
        return mine.DrainToImmutable();
    }

    /// <summary>What is gone, or going, neither adopts nor makes anything: all that follows would rest on an owner that is not there.</summary>
    /// <exception cref="InvalidOperationException">As of a live look it is so; the cache will say it, too.</exception>
    static async Task AliveAsync<T>(IClient client, T owner, CancellationToken ct) where T : class, IObject<T>
    {
        var live = await client.FindAsync(owner, ct);
        if (live?.Metadata.Uid != owner.Metadata.Uid) throw new InvalidOperationException($"original {T.Info.Kind} {Key.Of(owner)} is gone: got uid {live?.Metadata.Uid}, wanted {owner.Metadata.Uid}");
        if (live.IsBeingDeleted) throw new InvalidOperationException($"{Key.Of(owner)} has just been deleted at {live.Metadata.DeletionTimestamp}");
    }

    static async Task<T?> AdoptAsync<TOwner, T>(IClient client, TOwner owner, T orphan, string? finalizer, CancellationToken ct)
        where TOwner : class, IObject<TOwner> where T : class, IObject<T>
    {
        var r = owner.ControllerRef();
        var reference = JsonObject.Of(("apiVersion", r.ApiVersion), ("kind", r.Kind), ("name", r.Name), ("uid", r.Uid), ("controller", true), ("blockOwnerDeletion", true));
        (string, JsonValue)[] finalizers = finalizer is null ? [] : [("finalizers", JsonArray.Of(finalizer))];
        var patch = MetadataPatch.Strategic([("ownerReferences", JsonArray.Of(reference)), .. finalizers, ("uid", orphan.Metadata.Uid)]);
        try { return await client.PatchAsync<T>(Key.Of(orphan), patch, ct); }
        catch (ApiException e) when (e.IsNotFound) { return null; }
    }

    static async Task ReleaseAsync<T>(IClient client, IObject owner, T obj, string? finalizer, CancellationToken ct) where T : class, IObject<T>
    {
        (string, JsonValue)[] finalizers = finalizer is null ? [] : [("$deleteFromPrimitiveList/finalizers", JsonArray.Of(finalizer))];
        var reference = JsonObject.Of(("$patch", "delete"), ("uid", owner.Metadata.Uid));
        var patch = MetadataPatch.Strategic([("ownerReferences", JsonArray.Of(reference)), .. finalizers, ("uid", obj.Metadata.Uid)]);
        try { await client.PatchAsync<T>(Key.Of(obj), patch, ct); }
        // 422: another object has the name by now, or the owner is not among its owners any more; both are what was wanted.
        catch (ApiException e) when (e.IsNotFound || e.Code == 422) { }
    }
}
