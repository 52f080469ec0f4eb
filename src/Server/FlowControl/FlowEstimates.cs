using Hanbae.Server.Registry;

namespace Hanbae.Server.FlowControl;

/// <summary>Guesses what a request will cost before it runs: lists by the objects they look at, writes by the watchers that hear of them.</summary>
/// <remarks>
/// Upstream's measure for lists: a seat for each hundred objects. For writes upstream takes a seat and 5 ms for each ten watchers, since an event costs
/// it 45 to 89 µs a watcher; here it costs 10 µs (bench/RESULTS.md), so the same 5 ms are for a hundred.
/// </remarks>
sealed class FlowEstimates(ResourceCatalog resources)
{
    const int ObjectsPerSeat = 100, MostSeats = 10, MostListSeats = 100, WatchersPerSeat = 100;
    static readonly TimeSpan s_events = TimeSpan.FromMilliseconds(5);

    public WorkEstimate Of(RequestContext request, PriorityLevel level)
    {
        var info = request.Info;
        if (!info.IsResourceRequest) return WorkEstimate.One;
        return info.Verb switch
        {
            "list" => Lists(request, level, MostListSeats),
            "deletecollection" => Lists(request, level, MostSeats),
            // Only what is sent to begin with is counted: from 0, from nowhere, or because it is asked for.
            "watch" => request.Parameter("resourceVersion") is null or "" or "0" || RequestInfo.IsTrue(request.Parameter("sendInitialEvents")) ? Lists(request, level, MostListSeats) : WorkEstimate.One,
            // Tokens and evictions are no writes that watchers of the object would see many of.
            "create" or "update" or "patch" or "delete" when info.Subresource is not ("token" or "eviction") => Writes(info, level),
            _ => WorkEstimate.One,
        };
    }

    WorkEstimate Lists(RequestContext request, PriorityLevel level, int most)
    {
        var info = request.Info;
        if (info.Name.Length > 0 || resources.Find(info.ApiGroup, info.ApiVersion, info.Resource) is not { } resource) return WorkEstimate.One;
        int objects = resource.Stored.Cache.CountIn(resource.Info.Namespaced ? info.Namespace : "");
        if (objects <= ObjectsPerSeat) return WorkEstimate.One;
        bool selects = request.Parameter("labelSelector") is { Length: > 0 } || request.Parameter("fieldSelector") is { Length: > 0 };
        // A page ends early unless it must look for what it selects.
        if (!selects && int.TryParse(request.Parameter("limit"), out int limit) && limit > 0) objects = Math.Min(objects, limit);
        return new(Math.Clamp((objects + ObjectsPerSeat - 1) / ObjectsPerSeat, 1, Math.Min(most, level.MaxSeats)));
    }

    WorkEstimate Writes(RequestInfo info, PriorityLevel level)
    {
        if (resources.Find(info.ApiGroup, info.ApiVersion, info.Resource) is not { } resource) return WorkEstimate.One;
        int watchers = resource.Stored.Cache.WatchersOf(info.Namespace, info.Name);
        if (watchers < WatchersPerSeat) return WorkEstimate.One with { Watchers = watchers };
        var estimate = new WorkEstimate(1, (watchers + WatchersPerSeat - 1) / WatchersPerSeat, s_events) { Watchers = watchers };
        return estimate.Within(Math.Min(MostSeats, level.MaxSeats));
    }
}
