namespace Hanbae.Server.FlowControl;

/// <summary>Tells requests that last by design from those that are to be answered, as upstream's BasicLongRunningRequestCheck.</summary>
static class LongRunning
{
    public static bool Is(RequestContext request)
    {
        var info = request.Info;
        if (info.IsResourceRequest) return info.Verb is "watch" or "proxy" || info.Subresource is "attach" or "exec" or "proxy" or "log" or "portforward";
        return request.Path.StartsWith("/debug/pprof/", StringComparison.Ordinal);
    }
}
