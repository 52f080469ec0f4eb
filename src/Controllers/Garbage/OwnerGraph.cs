using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using GroupVersion = Hanbae.Api.GroupVersion;
using GroupVersionResource = Hanbae.Api.GroupVersionResource;

namespace Hanbae.Controllers.Garbage;

/// <summary>An object as the collector knows it: where it is, whose it is, and how it goes.</summary>
sealed record Owned(ResourceInfo Resource, Key Key, string Uid, Seq<OwnerReference> Owners)
{
    public bool IsBeingDeleted { get; init; }
    /// <summary>It waits for its dependents to go first (<c>foregroundDeletion</c>).</summary>
    public bool WaitsForDependents { get; init; }
    /// <summary>It wants its dependents to stay (<c>orphan</c>).</summary>
    public bool Orphans { get; init; }

    /// <summary>Worth remembering: all other objects are remembered by their uid alone.</summary>
    public bool Matters => !Owners.IsEmpty || WaitsForDependents || Orphans;

    public static Owned Of(ResourceInfo resource, IObject obj)
    {
        var meta = obj.Metadata;
        bool going = meta.DeletionTimestamp is not null;
        return new(resource, Key.Of(obj), meta.Uid, meta.OwnerReferences)
        {
            IsBeingDeleted = going,
            WaitsForDependents = going && meta.Finalizers.Contains(OwnerGraph.Foreground),
            Orphans = going && meta.Finalizers.Contains(OwnerGraph.Orphan),
        };
    }
}

/// <summary>Who owns whom in the whole cluster: what the watches of all resources together tell.</summary>
/// <remarks>
/// Kept small: a uid for each object and a hash of where it is, and more only for those that have owners or are being deleted with care. Every change answers
/// which uids want a look. Bound: the objects of the cluster.
/// </remarks>
sealed class OwnerGraph
{
    public const string Foreground = "foregroundDeletion";
    public const string Orphan = "orphan";

    readonly Lock _lock = new();
    /// <summary>The uids there are, by resource: a list tells who is gone.</summary>
    readonly Dictionary<GroupVersionResource, Presences> _present = [];
    readonly Dictionary<string, Owned> _known = [];
    readonly Dictionary<string, HashSet<string>> _dependents = [];

    public Owned? Find(string uid) { lock (_lock) return _known.GetValueOrDefault(uid); }

    /// <summary>What watches tell of the uid that a reference from within a namespace names, whatever else that says of it.</summary>
    public Fit Fits(OwnerReference owner, string ns) { lock (_lock) return FitsLocked(owner, ns); }

    public ImmutableArray<Owned> DependentsOf(string uid)
    {
        lock (_lock) return _dependents.TryGetValue(uid, out var all) ? [.. all.Select(d => _known[d])] : [];
    }

    /// <returns>Uids to look at.</returns>
    public IReadOnlyList<string> Set(ResourceInfo resource, IObject obj)
    {
        var now = Owned.Of(resource, obj);
        lock (_lock)
        {
            Present(resource).Of[now.Uid] = (now.Key.Namespace.GetHashCode(StringComparison.Ordinal), now.Key.Name.GetHashCode(StringComparison.Ordinal));
            var old = _known.GetValueOrDefault(now.Uid);
            foreach (var owner in old?.Owners ?? default) if (!now.Owners.Exists(o => o.Uid == owner.Uid)) Unlink(owner.Uid, now.Uid);
            if (!now.Matters) { _known.Remove(now.Uid); return WaitingOwners(old); }
            _known[now.Uid] = now;
            foreach (var owner in now.Owners)
            {
                if (!_dependents.TryGetValue(owner.Uid, out var all)) _dependents.Add(owner.Uid, all = []);
                all.Add(now.Uid);
            }
            // It goes with care, its owners may not be there, or they may have waited for it to be let go of.
            if (now.WaitsForDependents || now.Orphans) return [now.Uid, .. WaitingOwners(now)];
            return IsDoubtfulLocked(now) ? [now.Uid, .. WaitingOwners(old), .. WaitingOwners(now)] : WaitingOwners(old);
        }
    }

    /// <summary>Whether an owner is not there, as far as one knows, or waits for the object to go: what was so while resources were still being listed may be so no more.</summary>
    public bool IsDoubtful(Owned obj) { lock (_lock) return IsDoubtfulLocked(obj); }

    bool IsDoubtfulLocked(Owned obj)
    {
        foreach (var owner in obj.Owners)
            if (FitsLocked(owner, obj.Key.Namespace) != Fit.Here || _known.GetValueOrDefault(owner.Uid) is { WaitsForDependents: true }) return true;
        return false;
    }

    /// <returns>Uids to look at: those that it owned, and owners that waited for it.</returns>
    public IReadOnlyList<string> Remove(ResourceInfo resource, string uid)
    {
        lock (_lock)
        {
            // Also of one that was never seen: a list may have begun after it, and its dependents may have been there before.
            Present(resource).Of.Remove(uid);
            _known.Remove(uid, out var old);
            foreach (var owner in old?.Owners ?? default) Unlink(owner.Uid, uid);
            return [.. _dependents.GetValueOrDefault(uid) ?? [], .. WaitingOwners(old)];
        }
    }

    /// <summary>A resource was listed anew: what the list lacks is gone.</summary>
    public IReadOnlyList<string> Keep(ResourceInfo resource, HashSet<string> listed)
    {
        string[] gone;
        lock (_lock) gone = [.. Present(resource).Of.Keys.Where(uid => !listed.Contains(uid))];
        return [.. gone.SelectMany(uid => Remove(resource, uid))];
    }

    List<string> WaitingOwners(Owned? of)
    {
        List<string> waiting = [];
        foreach (var owner in of?.Owners ?? default)
            if (_known.GetValueOrDefault(owner.Uid) is { WaitsForDependents: true }) waiting.Add(owner.Uid);
        return waiting;
    }

    Fit FitsLocked(OwnerReference owner, string ns)
    {
        foreach (var all in _present.Values)
            if (all.Of.TryGetValue(owner.Uid, out var at))
            {
                if (all.Resource.Namespaced && at.Namespace != ns.GetHashCode(StringComparison.Ordinal)) return Fit.Elsewhere;
                var kind = all.Resource.Kind.Gvk;
                return kind.Kind == owner.Kind && GroupVersion.Parse(owner.ApiVersion)?.Group == kind.Group && at.Name == owner.Name.GetHashCode(StringComparison.Ordinal) ? Fit.Here : Fit.Otherwise;
            }
        return Fit.Unseen;
    }

    Presences Present(ResourceInfo resource)
    {
        if (!_present.TryGetValue(resource.Gvr, out var all)) _present.Add(resource.Gvr, all = new(resource));
        return all;
    }

    void Unlink(string owner, string dependent)
    {
        if (_dependents.TryGetValue(owner, out var all) && all.Remove(dependent) && all.Count == 0) _dependents.Remove(owner);
    }

    /// <summary>The objects of a resource: by uid the hashes of namespace and name, enough to doubt a reference that says another.</summary>
    sealed class Presences(ResourceInfo resource)
    {
        public ResourceInfo Resource => resource;
        public Dictionary<string, (int Namespace, int Name)> Of { get; } = [];
    }
}

/// <summary>How a reference to an owner and the object that has its uid go together.</summary>
enum Fit : byte
{
    /// <summary>No watch has told of the uid.</summary>
    Unseen,
    Here,
    /// <summary>It is in another namespace than who refers to it.</summary>
    Elsewhere,
    /// <summary>It has another kind or name.</summary>
    Otherwise,
}
