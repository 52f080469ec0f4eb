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

    static bool Any(Map<Quantity> amounts)
    {
        foreach (string name in s_counted) if (amounts.TryGet(name, out var q) && q.Sign > 0) return true;
        return false;
    }

    static string Class(ResourceRequirements[] all)
    {
        if (!Array.Exists(all, static r => Any(r.Requests) || Any(r.Limits))) return "BestEffort";
        foreach (string name in s_counted)
        {
            Quantity? requests = null, limits = null;
            foreach (var r in all)
            {
                if (!r.Limits.TryGet(name, out var limit) || limit.Sign <= 0) return "Burstable";
                limits = limits is { } l ? l + limit : limit;
                if (r.Requests.TryGet(name, out var request) && request.Sign > 0) requests = requests is { } so ? so + request : request;
            }
            if (requests is null || requests != limits) return "Burstable";
        }
        return "Guaranteed";
    }
}
