using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Fills in what a Pod that states amounts for itself (KEP-2837) leaves out of them, from its containers and its own limits.</summary>
static class PodLevelDefaults
{
    /// <param name="spec">Its containers have their defaults.</param>
    public static ResourceRequirements? Of(PodSpec spec)
    {
        if (spec.Resources is not { } own || own.Limits.IsEmpty && own.Requests.IsEmpty) return spec.Resources;
        var (limits, requests) = (own.Limits, own.Requests);
        foreach (var (name, sum) in Sum(spec, c => c.Resources.Limits))
            if (IsHuge(name) && !limits.ContainsKey(name) && !requests.ContainsKey(name)) limits = limits.Set(name, sum);
        if (!limits.IsEmpty)
        {
            foreach (var (name, sum) in Sum(spec, c => c.Resources.Requests))
                if (name is "cpu" or "memory" && !requests.ContainsKey(name)) requests = requests.Set(name, sum);
            foreach (var (name, limit) in limits)
                if ((name is "cpu" or "memory" || IsHuge(name)) && !requests.ContainsKey(name)) requests = requests.Set(name, limit);
        }
        return own with { Limits = limits, Requests = requests };
    }

    static bool IsHuge(string name) => name.StartsWith("hugepages-", StringComparison.Ordinal);

    /// <summary>What containers and sidecars need together, or an init container where that is more.</summary>
    static Map<Quantity> Sum(PodSpec spec, Func<Container, Map<Quantity>> part)
    {
        Map<Quantity> running = default, peak = default;
        foreach (var init in spec.InitContainers)
            if (init.RestartPolicy == "Always") peak = Join(peak, running = Join(running, part(init), (a, b) => a + b), Larger);
            else peak = Join(peak, Join(running, part(init), (a, b) => a + b), Larger);
        foreach (var container in spec.Containers) running = Join(running, part(container), (a, b) => a + b);
        return Join(running, peak, Larger);
    }

    static Quantity Larger(Quantity a, Quantity b) => a >= b ? a : b;

    static Map<Quantity> Join(Map<Quantity> a, Map<Quantity> b, Func<Quantity, Quantity, Quantity> join)
    {
        foreach (var (name, amount) in b) a = a.Set(name, a.TryGet(name, out var has) ? join(has, amount) : amount);
        return a;
    }
}
