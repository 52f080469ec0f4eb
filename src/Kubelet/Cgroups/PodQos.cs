using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>A Pod's quality of service, from the cpu and memory of its containers (or of the Pod as a whole, KEP-2837).</summary>
static class PodQos
{
    public static string Of(PodSpec spec)
    {
        if (spec.Resources is { } whole && (!whole.Requests.IsEmpty || !whole.Limits.IsEmpty)) return Of([whole]);
        return Of(spec.InitContainers.Concat(spec.Containers).Select(c => c.Resources));
    }

    static string Of(IEnumerable<ResourceRequirements> all)
    {
        bool any = false, guaranteed = true;
        var (requests, limits) = (new Dictionary<string, Quantity>(), new Dictionary<string, Quantity>());
        foreach (var resources in all)
        {
            int limited = 0;
            foreach (string name in (ReadOnlySpan<string>)["cpu", "memory"])
            {
                if (resources.Requests.TryGet(name, out var request) && request.Sign > 0) { any = true; Sum(requests, name, request); }
                if (resources.Limits.TryGet(name, out var limit) && limit.Sign > 0) { any = true; limited++; Sum(limits, name, limit); }
            }
            if (limited < 2) guaranteed = false;
        }
        if (!any) return "BestEffort";
        return guaranteed && requests.Count == 2 && requests.All(r => limits.TryGetValue(r.Key, out var l) && l == r.Value) ? "Guaranteed" : "Burstable";

        static void Sum(Dictionary<string, Quantity> to, string name, Quantity q) => to[name] = to.TryGetValue(name, out var had) ? had.Add(q) : q;
    }

    /// <summary>What the Pod as a whole asks for of one resource: the greater of its init phase (sidecars beneath each step) and its app containers with all sidecars.</summary>
    public static long Total(PodSpec spec, string resource, Func<ResourceRequirements, Map<Quantity>> of, bool milli)
    {
        if (spec.Resources is { } whole && of(whole).TryGet(resource, out var given)) return Value(given) + Overhead();
        long apps = 0, sidecars = 0, peak = 0;
        foreach (var c in spec.Containers) apps += Value(of(c.Resources)[resource]);
        foreach (var c in spec.InitContainers)
        {
            long own = Value(of(c.Resources)[resource]);
            if (c.IsSidecar()) sidecars += own;
            peak = Math.Max(peak, c.IsSidecar() ? sidecars : sidecars + own);
        }
        return Math.Max(peak, apps + sidecars) + Overhead();

        long Value(Quantity q) => milli ? q.MilliValue() : q.Value();
        long Overhead() => spec.Overhead.TryGet(resource, out var over) ? Value(over) : 0;
    }
}
