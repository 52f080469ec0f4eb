using System.Collections.Concurrent;
using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Hanbae.Client;
using Hanbae.Machinery.Nodes;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Devices;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves a Pod the nodes that have, or can get, the devices that its claims ask for, and gives them to it (KEP-4381).</summary>
internal sealed class DynamicResources(DynamicResourcesArgs args) : IPreEnqueue, IPreFilter, IFilter, IPostFilter, IScore, IReserve, IPreBind, IRelease
{
    /// <summary>Of one request; what the API takes.</summary>
    const int MostAlternatives = 8;
    /// <summary>Of one claim; what the API takes.</summary>
    const int MostConsumers = 256;

    readonly List<ResourceClaim> _claims = [], _open = [];
    /// <summary>Allocated claims that are in the way on some node.</summary>
    readonly HashSet<int> _elsewhere = [];
    ImmutableArray<ExtendedClaim.Wish> _extended = [];
    /// <summary>Made for the Pod's extended resources by a try that failed: it goes before there is another.</summary>
    ResourceClaim? _left;
    /// <summary>By node: how near to what was asked for first its devices are.</summary>
    readonly Dictionary<string, long> _points = new(StringComparer.Ordinal);
    /// <summary>What is to be allocated; with what it says of extended resources.</summary>
    sealed record Search(Allocator Allocator, IReadOnlyList<ResourceClaim> Claims, Seq<Api.Core.V1.ContainerExtendedResourceRequest> Mappings);
    /// <summary>By which of the extended resources are to be had as devices: nodes with plugins of their own may have some as before.</summary>
    readonly Dictionary<string, Search> _searches = [];
    /// <summary>Of Pods between decision and binding, which happens beside the loop.</summary>
    readonly ConcurrentDictionary<string, DevicePlan> _plans = [];
    DeviceState _devices = new();
    /// <summary>Whose claims these are: one whom another plugin refused before nodes were looked at has not been asked about.</summary>
    string _pod = "";

    public string Name => "DynamicResources";
    public Change Cures => Change.ResourceClaim | Change.ResourceSlice | Change.DeviceClass | Change.NodeAdded | Change.NodeLabels | Change.NodeTaints | Change.NodeAllocatable;

    public bool MayCure(PodInfo pod, in ClusterChange change)
    {
        if (change.What != Change.ResourceClaim) return true;
        if (change.Old is ResourceClaim { Status.Allocation: not null } && change.New is not ResourceClaim { Status.Allocation: not null }) return true;
        // Only then is what the Pod's last try left behind out of the way.
        if (change is { New: null, Old: ResourceClaim gone }) return ExtendedClaim.PodOf(gone) == pod.Uid;
        if (change.New is not ResourceClaim claim || !PodDevices.Uses(pod.Pod, claim)) return false;
        // A finalizer, say, is no help.
        return change.Old is not ResourceClaim before || before.Status != claim.Status;
    }

    public string? PreEnqueue(PodInfo pod, Snapshot snapshot) => pod.Pod.Spec.ResourceClaims.IsEmpty ? null : PodDevices.Find(pod, snapshot.Devices, []);

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _pod = "";
        _claims.Clear();
        _open.Clear();
        _elsewhere.Clear();
        _points.Clear();
        _searches.Clear();
        _left = null;
        _devices = snapshot.Devices;
        _extended = ExtendedClaim.Of(pod, _devices);
        if (pod.Pod.Spec.ResourceClaims.IsEmpty && _extended.IsEmpty) return Prefiltered.Nothing;
        if (PodDevices.Find(pod, _devices, _claims) is { } why) return new(Verdict.Refuse(why, hopeless: true));
        if (!_extended.IsEmpty) _left = _devices.ExtendedOf(pod.Pod.Metadata.Namespace, pod.Uid);
        foreach (var claim in _claims)
        {
            if (_devices.IsPending(claim.Metadata.Uid)) return new(Verdict.Refuse($"resource claim {Key.Of(claim)} is in the process of being allocated", hopeless: true));
            if (claim.Status.Allocation is not null)
            {
                if (claim.Status.ReservedFor.Count >= MostConsumers && !claim.Status.ReservedFor.Exists(r => r.Uid == pod.Uid)) return new(Verdict.Refuse("resourceclaim in use", hopeless: true));
                continue;
            }
            foreach (var request in claim.Spec.Devices.Requests)
            {
                if (request.Exactly is { } e && !_devices.Classes.ContainsKey(e.DeviceClassName)) return Unknown(request.Name, e.DeviceClassName);
                foreach (var f in request.FirstAvailable) if (!_devices.Classes.ContainsKey(f.DeviceClassName)) return Unknown(request.Name + "/" + f.Name, f.DeviceClassName);
            }
            _open.Add(claim);
        }
        _pod = pod.Uid;
        return Prefiltered.Go;

        static Prefiltered Unknown(string request, string @class) => new(Verdict.Refuse($"request {request}: device class {@class} does not exist", hopeless: true));
    }

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        if (_left is not null) return Verdict.Refuse("cannot schedule extended resource claim", hopeless: true);
        bool reaches = true;
        for (int i = 0; i < _claims.Count; i++)
            if (_claims[i].Status.Allocation is { } given && ((given.NodeSelector is { } nodes && !NodeTerms.Matches(nodes, node.Node!)) || ClaimWriter.Attached(_claims[i]) == false))
            {
                _elsewhere.Add(i);
                reaches = false;
            }
        if (SearchFor(pod, node) is not { } search) return Answer();
        var claims = search.Claims;
        var (found, error, here) = search.Allocator.Allocate(node.Node!);
        if (error is not null) return Verdict.Refuse(error, hopeless: true) with { Broken = !here };
        if (found is null) return Verdict.Refuse("cannot allocate all claims", hopeless: true);
        if (claims.Any(c => c.Spec.Devices.Requests.Exists(r => !r.FirstAvailable.IsEmpty))) _points[node.Name] = Points(claims, found.Value);
        return Answer();

        Verdict Answer() => reaches ? Verdict.Fits : Verdict.Refuse("resourceclaim not available on the node", hopeless: true);
    }

    /// <summary>Alternatives count the more the earlier they stand (KEP-4816); without any, one node is as good as another.</summary>
    static long Points(IReadOnlyList<ResourceClaim> claims, ImmutableArray<AllocationResult> found)
    {
        long points = 0;
        for (int i = 0; i < claims.Count; i++)
            foreach (var request in claims[i].Spec.Devices.Requests)
                for (int at = 0; at < request.FirstAvailable.Count; at++)
                    if (found[i].Devices.Results.Exists(r => r.Request == $"{request.Name}/{request.FirstAvailable[at].Name}")) points += MostAlternatives - at;
        return points;
    }

    public bool PreScore(PodInfo pod, Snapshot snapshot, ReadOnlySpan<NodeInfo> fits) => _points.Count > 0;
    public long Score(PodInfo pod, NodeInfo node) => _points.GetValueOrDefault(node.Name);
    public void Normalize(PodInfo pod, ReadOnlySpan<NodeInfo> fits, Span<long> scores) => Scores.ToMost(scores, reverse: false);

    /// <summary>How devices are to be found on a node; null when the Pod needs none of it.</summary>
    Search? SearchFor(PodInfo pod, NodeInfo node)
    {
        // Resources that the node has itself are had of it, as ever.
        var wishes = _extended.IsEmpty ? [] : _extended.RemoveAll(w => node.Allocatable.Scalars[w.Resource] > 0);
        if (_open.Count == 0 && wishes.IsEmpty) return null;
        string key = wishes.IsEmpty ? "" : string.Join(',', wishes.Select(w => w.Resource));
        if (_searches.TryGetValue(key, out var known)) return known;
        var (requests, mappings) = wishes.IsEmpty ? ([], []) : ExtendedClaim.Plan(pod.Pod, wishes);
        IReadOnlyList<ResourceClaim> claims = wishes.IsEmpty ? [.. _open] : [.. _open, ExtendedClaim.Draft(pod, requests)];
        return _searches[key] = new(new(_devices, [.. claims]), claims, mappings);
    }

    /// <summary>A claim that has devices where the Pod cannot run, and that nobody else uses, is freed: it may get others where it can.</summary>
    public PostFiltered PostFilter(PodInfo pod, Cycle cycle)
    {
        if (_pod != pod.Uid) return new("no new claims to deallocate");
        foreach (int i in _elsewhere)
        {
            var claim = _claims[i];
            if (claim.Status.ReservedFor.Exists(r => r.Uid != pod.Uid)) continue;
            return new("deallocation of ResourceClaim completed") { Frees = claim with { Status = claim.Status with { ReservedFor = default, Allocation = null, Devices = default } } };
        }
        if (_left is not null) return new("deletion of ResourceClaim completed") { Frees = _left };
        return new("still not schedulable");
    }

    public string? Reserve(PodInfo pod, NodeInfo node, Snapshot snapshot)
    {
        var opened = PreFilter(pod, snapshot);
        if (opened.Skip) return null;
        if (!opened.Refusal.Ok) return opened.Refusal.Reason;
        if (_left is not null) return "cannot schedule extended resource claim";
        var (found, mappings, open) = SearchFor(pod, node) is { } search ? (search.Allocator.Allocate(node.Node!).Allocations, search.Mappings, search.Claims) : ([], [], []);
        if (found is not { } given) return "claim allocation not found for node";
        List<ResourceClaim> claims = [.. _claims];
        if (!mappings.IsEmpty) claims.Add(open[^1]);
        if (claims.Count == 0) return null;
        var promised = claims.Select(c => open.IndexOf(c) is >= 0 and var at ? c with { Status = c.Status with { Allocation = given[at] } } : null).ToImmutableArray();
        foreach (var claim in promised) if (claim is not null) _devices.Promise(claim);
        _plans[pod.Uid] = new([.. claims], promised, mappings);
        return null;
    }

    public void Unreserve(PodInfo pod, Snapshot snapshot)
    {
        if (!_plans.TryRemove(pod.Uid, out var plan)) return;
        for (int i = 0; i < plan.Claims.Length; i++)
        {
            var written = plan.Written.GetValueOrDefault(Key.Of(plan.Claims[i]));
            // One that was yet to be made has a name of its own since.
            bool renamed = written is not null && Key.Of(written) != Key.Of(plan.Claims[i]);
            if (plan.Promised[i] is { } promised) snapshot.Devices.Settle(Key.Of(promised), promised.Metadata.Uid, renamed ? null : written);
            else if (written is not null) snapshot.Devices.Settle(Key.Of(written), written.Metadata.Uid, written);
            if (renamed) snapshot.Devices.Settle(Key.Of(written!), written!.Metadata.Uid, written);
        }
    }

    public bool Concerns(PodInfo pod) => _plans.ContainsKey(pod.Uid);

    public Task<string?> PreBindAsync(PodInfo pod, string node, IClusterAccess cluster, CancellationToken ct) =>
        _plans.TryGetValue(pod.Uid, out var plan) ? new ClaimWriter(cluster, args.BindingTimeout).BindAsync(pod, plan, node, ct) : Task.FromResult<string?>(null);

    public Task ReleaseAsync(PodInfo pod, IClusterAccess cluster, CancellationToken ct) =>
        _plans.TryGetValue(pod.Uid, out var plan) ? new ClaimWriter(cluster, args.BindingTimeout).ReleaseAsync(pod, plan, ct) : Task.CompletedTask;
}

file static class Lists
{
    /// <summary>By reference: claims of one spec are equal otherwise.</summary>
    public static int IndexOf(this IReadOnlyList<ResourceClaim> claims, ResourceClaim claim)
    {
        for (int i = 0; i < claims.Count; i++) if (ReferenceEquals(claims[i], claim)) return i;
        return -1;
    }
}
