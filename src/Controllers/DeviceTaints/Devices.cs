using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Client;
using Hanbae.Controllers.ResourceClaims;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;
using Rule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;

namespace Hanbae.Controllers.DeviceTaints;

/// <summary>Who uses which device, and what taints it, without a scan: by the pool that it is in.</summary>
sealed class Devices(ICache<Pod> pods, ICache<ResourceClaim> claims, ICache<ResourceSlice> slices)
{
    const string Pool = "device pool";

    public void Index()
    {
        pods.IndexResourceClaims();
        slices.AddIndex(Pool, s => [s.Spec.Driver + "/" + s.Spec.Pool.Name]);
        claims.AddIndex(Pool, c => c.Status.Allocation is { } given ? given.Devices.Results.Select(r => r.Driver + "/" + r.Pool).Distinct() : []);
    }

    public IEnumerable<ResourceClaim> ClaimsOn(ResourceSlice slice) => claims.ByIndex(Pool, slice.Spec.Driver + "/" + slice.Spec.Pool.Name);

    /// <summary>The Pods that a claim is reserved for.</summary>
    public IEnumerable<Pod> UsersOf(ResourceClaim claim)
    {
        foreach (var consumer in claim.Status.ReservedFor)
            if (consumer is { ApiGroup: "", Resource: "pods" } && pods.Find(new(claim.Metadata.Namespace, consumer.Name)) is { } pod && pod.Metadata.Uid == consumer.Uid) yield return pod;
    }

    public Eviction? EvictionOf(Pod pod, IReadOnlyCollection<Rule> rules)
    {
        // Before it has a node nothing of it runs.
        if (pod.Spec.NodeName.Length == 0) return null;
        Eviction? eviction = null;
        foreach (var entry in pod.Spec.ResourceClaims)
        {
            var named = PodClaims.Of(pod, entry);
            if (named.Name is not { } name || claims.Find(new(pod.Metadata.Namespace, name)) is not { } claim || claim.Status.Allocation is not { } given
                || named.OfTemplate && claim.WhyNotFor(pod) is not null || !claim.IsReservedFor(pod)) continue;
            eviction = Eviction.Earlier(eviction, Eviction.Of(given, TaintsOf, rules));
        }
        return eviction;
    }

    /// <summary>What the newest generation of the pool says.</summary>
    Seq<DeviceTaint> TaintsOf(DeviceRequestAllocationResult device)
    {
        var pool = slices.ByIndex(Pool, device.Driver + "/" + device.Pool);
        long newest = pool.Count == 0 ? 0 : pool.Max(s => s.Spec.Pool.Generation);
        foreach (var slice in pool)
            if (slice.Spec.Pool.Generation == newest)
                foreach (var one in slice.Spec.Devices)
                    if (one.Name == device.Device) return one.Taints;
        return default;
    }

    /// <summary>How many a rule selects: devices that are published, devices that are allocated, Pods that it drives off, and the namespaces of these.</summary>
    public RuleReach ReachOf(Rule rule, IReadOnlyCollection<Rule> rules)
    {
        int published = 0, allocated = 0;
        foreach (var pool in slices.All.GroupBy(s => (s.Spec.Driver, s.Spec.Pool.Name)))
        {
            long newest = pool.Max(s => s.Spec.Pool.Generation);
            published += pool.Where(s => s.Spec.Pool.Generation == newest).Sum(s => s.Spec.Devices.Count(d => Eviction.Selects(rule, s.Spec.Driver, s.Spec.Pool.Name, d.Name)));
        }
        var users = new Dictionary<string, Pod>();
        foreach (var claim in claims.All)
        {
            int hit = claim.Status.Allocation?.Devices.Results.Count(r => Eviction.Selects(rule, r.Driver, r.Pool, r.Device)) ?? 0;
            allocated += hit;
            if (hit > 0) foreach (var pod in UsersOf(claim)) users[pod.Metadata.Uid] = pod;
        }
        var pending = users.Values.Where(p => p.Metadata.DeletionTimestamp is null && EvictionOf(p, rules) is { } e && e.Rules.Contains(rule.Metadata.Uid)).ToList();
        return new(published, allocated, pending.Count, pending.Select(p => p.Metadata.Namespace).Distinct().Count());
    }
}

/// <summary>What a rule concerns at the moment.</summary>
readonly record struct RuleReach(int Published, int Allocated, int Pods, int Namespaces);
