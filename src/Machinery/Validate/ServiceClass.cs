using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>A Pod's class of service: Guaranteed when cpu and memory are limited to what is requested, BestEffort when nothing asks for either, Burstable otherwise.</summary>
public static class ServiceClass
{
    static readonly string[] s_counted = ["cpu", "memory"];

    public static string Of(PodSpec spec)
    {
        // KEP-2837: what is said of the Pod as a whole goes before what its containers say.
        if (spec.Resources is { } own && (Any(own.Requests) || Any(own.Limits))) return Class([own]);
        return Class([.. spec.Containers.Select(c => c.Resources), .. spec.InitContainers.Select(c => c.Resources)]);
    }

    static bool Any(Map<Quantity> amounts) => s_counted.Any(name => amounts.TryGet(name, out var q) && q.Sign > 0);

    static string Class(ResourceRequirements[] all)
    {
        if (!all.Any(r => Any(r.Requests) || Any(r.Limits))) return "BestEffort";
        bool limited = all.All(r => s_counted.All(name => r.Limits.TryGet(name, out var limit) && limit.Sign > 0));
        return limited && s_counted.All(name => Sum(all, r => r.Requests, name) is { } requests && requests == Sum(all, r => r.Limits, name)) ? "Guaranteed" : "Burstable";
    }

    static Quantity? Sum(ResourceRequirements[] all, Func<ResourceRequirements, Map<Quantity>> part, string name)
    {
        Quantity? sum = null;
        foreach (var r in all)
            if (part(r).TryGet(name, out var q) && q.Sign > 0) sum = sum is { } so ? so + q : q;
        return sum;
    }
}
