using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Quota;
using DeviceTaintRule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;

namespace Hanbae.Scheduler.Devices;

/// <summary>Devices, claims to them and who has what: what the API says, and what decisions have promised that it does not say yet.</summary>
/// <remarks>Who has a device is kept by difference as claims come and go. Guarded by the scheduler's lock.</remarks>
internal sealed class DeviceState
{
    const string ImplicitResource = DeviceCharges.ImplicitResource;

    readonly Dictionary<Key, ResourceClaim> _seen = [], _assumed = [];
    /// <summary>Uids of claims whose allocation is being written: nobody else decides about them.</summary>
    readonly HashSet<string> _pending = [];
    readonly Dictionary<DeviceId, DeviceUse> _uses = [];
    /// <summary>Claims that were made for the extended resources of Pods, by the uid of these.</summary>
    readonly Dictionary<(string Namespace, string Pod), Key> _extended = [];
    readonly Dictionary<string, ResourceSlice> _slices = [];
    readonly Dictionary<(string Driver, string Pool), Dictionary<string, ResourceSlice>> _slicesOf = [];
    readonly Dictionary<(string Driver, string Pool), DevicePool> _pools = [];
    readonly HashSet<(string Driver, string Pool)> _stale = [];
    readonly Dictionary<string, DeviceTaintRule> _rules = [];
    readonly Dictionary<string, DeviceClass> _classes = [];
    readonly Dictionary<string, string> _classByResource = [];
    readonly Dictionary<string, List<DevicePool>> _local = [];
    readonly List<DevicePool> _wide = [];

    public IReadOnlyDictionary<string, DeviceClass> Classes => _classes;
    public bool HasClasses => _classes.Count > 0;
    /// <summary>Counts changes of classes: they decide which resources of nodes are devices.</summary>
    public long ClassChanges { get; private set; }

    /// <summary>The claim as decisions see it.</summary>
    public ResourceClaim? Claim(Key key) => _assumed.GetValueOrDefault(key) ?? _seen.GetValueOrDefault(key);
    /// <summary>The claim that a scheduler made for a Pod's extended resources and did not finish with; null when there is none.</summary>
    /// <param name="ns">The Pod's: a claim elsewhere is none of its, whatever it says.</param>
    public ResourceClaim? ExtendedOf(string ns, string pod) => _extended.TryGetValue((ns, pod), out var key) ? Claim(key) : null;
    public IEnumerable<ResourceClaim> Claims => _seen.Values;
    public bool IsPending(string uid) => _pending.Contains(uid);
    public DeviceUse UseOf(DeviceId device) => _uses.GetValueOrDefault(device);

    /// <summary>The class that stands for an extended resource (KEP-5004); null when that is none of devices.</summary>
    public string? ClassOf(string resource) =>
        _classByResource.TryGetValue(resource, out string? named) ? named
        : resource.StartsWith(ImplicitResource, StringComparison.Ordinal) && _classes.ContainsKey(resource[ImplicitResource.Length..]) ? resource[ImplicitResource.Length..] : null;

    /// <summary>Whether the class stands for the resource, by itself or among others.</summary>
    public static bool Covers(DeviceClass @class, string resource) => @class.Spec.ExtendedResourceName == resource
        || (resource.StartsWith(ImplicitResource, StringComparison.Ordinal) && resource.AsSpan(ImplicitResource.Length).SequenceEqual(@class.Metadata.Name));

    public void Set(ResourceClaim claim) => Change(Key.Of(claim), () =>
    {
        var key = Key.Of(claim);
        _seen[key] = claim;
        if (ExtendedClaim.PodOf(claim) is { } pod) _extended[(key.Namespace, pod)] = key;
        // What was written is seen at last, or something newer; another of the name has nothing to do with it.
        if (_assumed.TryGetValue(key, out var assumed) && (assumed.Metadata.Uid != claim.Metadata.Uid || (!_pending.Contains(claim.Metadata.Uid) && Version(claim) >= Version(assumed)))) _assumed.Remove(key);
    });

    public void Remove(ResourceClaim claim) => Change(Key.Of(claim), () =>
    {
        _seen.Remove(Key.Of(claim));
        _assumed.Remove(Key.Of(claim));
        if (ExtendedClaim.PodOf(claim) is { } pod && _extended.GetValueOrDefault((claim.Metadata.Namespace, pod)) == Key.Of(claim)) _extended.Remove((claim.Metadata.Namespace, pod));
        _pending.Remove(claim.Metadata.Uid);
    });

    /// <summary>Devices are promised to a claim; nobody else gets them.</summary>
    public void Promise(ResourceClaim claim) => Change(Key.Of(claim), () =>
    {
        _assumed[Key.Of(claim)] = claim;
        _pending.Add(claim.Metadata.Uid);
    });

    /// <summary>What was promised has been written, or given up.</summary>
    /// <param name="written">The claim as the API answered; null when it was not written.</param>
    public void Settle(Key key, string uid, ResourceClaim? written) => Change(key, () =>
    {
        _pending.Remove(uid);
        if (written is not null && (!_seen.TryGetValue(key, out var seen) || (seen.Metadata.Uid == uid && Version(seen) < Version(written)))) _assumed[key] = written;
        else if (_assumed.TryGetValue(key, out var assumed) && assumed.Metadata.Uid == uid) _assumed.Remove(key);
    });

    /// <summary>What was promised counts as written; for those who write nothing.</summary>
    public void Believe() => _pending.Clear();

    static ulong Version(ResourceClaim claim) => ulong.TryParse(claim.Metadata.ResourceVersion, CultureInfo.InvariantCulture, out ulong v) ? v : 0;

    void Change(Key key, Action change)
    {
        if (Claim(key) is { } before) Count(before, -1);
        change();
        if (Claim(key) is { } after) Count(after, 1);
    }

    void Count(ResourceClaim claim, int sign)
    {
        if (claim.Status.Allocation is not { } given) return;
        foreach (var result in given.Devices.Results)
        {
            // Who looks after a device does not take it from others.
            if (result.AdminAccess == true) continue;
            var id = new DeviceId(result.Driver, result.Pool, result.Device);
            var use = _uses.GetValueOrDefault(id);
            use = result.ShareID is null && result.ConsumedCapacity.IsEmpty ? use with { Alone = use.Alone + sign } : use.Share(result.ConsumedCapacity, sign);
            if (use.IsFree) _uses.Remove(id); else _uses[id] = use;
        }
    }

    public void Set(DeviceClass @class)
    {
        ClassChanges++;
        Remove(@class);
        _classes[@class.Metadata.Name] = @class;
        if (@class.Spec.ExtendedResourceName is not { Length: > 0 } resource) return;
        // Of several the newest counts, then the first by name.
        if (!_classByResource.TryGetValue(resource, out string? other) || Prefers(@class, _classes[other])) _classByResource[resource] = @class.Metadata.Name;
    }

    static bool Prefers(DeviceClass a, DeviceClass b)
    {
        int order = Nullable.Compare(a.Metadata.CreationTimestamp, b.Metadata.CreationTimestamp);
        return order > 0 || (order == 0 && string.CompareOrdinal(a.Metadata.Name, b.Metadata.Name) < 0);
    }

    public void Remove(DeviceClass @class)
    {
        ClassChanges++;
        if (!_classes.Remove(@class.Metadata.Name, out var old) || old.Spec.ExtendedResourceName is not { Length: > 0 } resource) return;
        if (_classByResource.GetValueOrDefault(resource) != old.Metadata.Name) return;
        _classByResource.Remove(resource);
        foreach (var other in _classes.Values)
            if (other.Spec.ExtendedResourceName == resource && (!_classByResource.TryGetValue(resource, out string? best) || Prefers(other, _classes[best]))) _classByResource[resource] = other.Metadata.Name;
    }

    public void Set(ResourceSlice slice)
    {
        if (_slices.TryGetValue(slice.Metadata.Name, out var old) && PoolOf(old) != PoolOf(slice)) Remove(old);
        _slices[slice.Metadata.Name] = slice;
        if (!_slicesOf.TryGetValue(PoolOf(slice), out var pool)) _slicesOf[PoolOf(slice)] = pool = [];
        pool[slice.Metadata.Name] = slice;
        _stale.Add(PoolOf(slice));
    }

    public void Remove(ResourceSlice slice)
    {
        if (!_slices.Remove(slice.Metadata.Name, out var old) || !_slicesOf.TryGetValue(PoolOf(old), out var pool)) return;
        pool.Remove(old.Metadata.Name);
        if (pool.Count == 0) _slicesOf.Remove(PoolOf(old));
        _stale.Add(PoolOf(old));
    }

    public void Set(DeviceTaintRule rule)
    {
        Remove(rule);
        _rules[rule.Metadata.Name] = rule;
        Reach(rule);
    }

    public void Remove(DeviceTaintRule rule)
    {
        if (_rules.Remove(rule.Metadata.Name, out var old)) Reach(old);
    }

    /// <summary>Pools of which it may taint devices are to be looked at again.</summary>
    void Reach(DeviceTaintRule rule)
    {
        if (rule.Spec.DeviceSelector is not { } by) return;
        foreach (var pool in _slicesOf.Keys) if ((by.Driver ?? pool.Driver) == pool.Driver && (by.Pool ?? pool.Pool) == pool.Pool) _stale.Add(pool);
    }

    static (string, string) PoolOf(ResourceSlice slice) => (slice.Spec.Driver, slice.Spec.Pool.Name);

    /// <summary>Pools that may have devices for a node: its own, and those of several nodes; those whose devices take time to be attached last.</summary>
    public IEnumerable<DevicePool> PoolsFor(string node)
    {
        Refresh();
        return _local.GetValueOrDefault(node, []).Concat(_wide).OrderBy(p => p.BindsLate).ThenBy(p => p.Driver, StringComparer.Ordinal).ThenBy(p => p.Name, StringComparer.Ordinal);
    }

    void Refresh()
    {
        if (_stale.Count == 0) return;
        foreach (var key in _stale)
        {
            if (_pools.Remove(key, out var old))
            {
                var among = old.OnlyNode is null ? _wide : _local[old.OnlyNode];
                among.Remove(old);
            }
            if (!_slicesOf.TryGetValue(key, out var slices)) continue;
            var pool = _pools[key] = new(key.Driver, key.Pool, slices.Values, _rules.Values);
            if (pool.OnlyNode is null) { _wide.Add(pool); continue; }
            if (!_local.TryGetValue(pool.OnlyNode, out var local)) _local[pool.OnlyNode] = local = [];
            local.Add(pool);
        }
        _stale.Clear();
    }
}
