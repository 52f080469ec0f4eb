using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Health;

/// <summary>Counts requests and their time; <c>/metrics</c> prints them and what else is known, under upstream's names where they mean the same.</summary>
/// <remarks>Bound: labels are those of served resources and their codes; what is not served is counted without its name.</remarks>
public sealed class Metrics : IFilter
{
    readonly ConcurrentDictionary<RequestLabels, TimeCounts> _requests = new(new RequestLabels.Comparer());
    /// <summary>Who asks for what upstream means to take away; the value is the release without it.</summary>
    readonly ConcurrentDictionary<(string Group, string Version, string Resource, string Subresource), string> _deprecated = new();
    readonly TimeProvider _time;
    readonly MetricsText _text;
    long _reading, _writing;

    /// <param name="flow">Whose numbers are printed, too.</param>
    internal Metrics(ServerOptions options, ResourceCatalog resources, FlowControl.FlowControl? flow = null, Audit.Audit? audit = null) => (_time, _text) = (options.Time, new(resources, text =>
    {
        Deprecated(text);
        Access.Render(text);
        resources.Admission.Render(text);
        if (flow is not null) FlowControl.FlowMetrics.Render(text, flow.Now);
        audit?.Counts.Render(text);
        options.MoreMetrics?.Invoke(text);
    }));

    /// <summary>Of who comes in and what he may do.</summary>
    internal AccessCounts Access { get; } = new();

    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        long start = _time.GetTimestamp();
        var info = request.Info;
        bool reads = info.Verb is "get" or "list" or "watch";
        if (reads) Interlocked.Increment(ref _reading);
        else Interlocked.Increment(ref _writing);
        try
        {
            var reply = await next(request).ConfigureAwait(false);
            _requests.GetOrAdd(LabelsOf(request, reply.Code), static _ => new(TimeCounts.Requests)).Add(_time.GetElapsedTime(start));
            return reply;
        }
        finally
        {
            if (reads) Interlocked.Decrement(ref _reading);
            else Interlocked.Decrement(ref _writing);
        }
    }

    RequestLabels LabelsOf(RequestContext request, int code)
    {
        var info = request.Info;
        if (!info.IsResourceRequest) return request.Path is "/healthz" or "/livez" or "/readyz" ? new("GET", "", "", "", request.Path, "", code) : new("", "", "", "", "", "", code);
        if (_text.Served(info) is not { } resource) return new("", "", "", "", "", "", code);
        if (resource.Info.Deprecation.Length > 0 || resource.Custom?.Warning is not null)
            _deprecated.TryAdd((info.ApiGroup, info.ApiVersion, info.Resource, info.Subresource), resource.Info.Removed);
        string verb = info.Subresource is "exec" or "attach" or "portforward" or "proxy" ? "CONNECT" : info.Verb switch
        {
            "create" => "POST", "update" => "PUT", "patch" => Server.Apply.ApplyPatch.Is(request) ? "APPLY" : "PATCH", "delete" => "DELETE", "deletecollection" => "DELETECOLLECTION",
            "list" => "LIST", "watch" => "WATCH", _ => "GET",
        };
        // As upstream: what is to be created is one already.
        string scope = info.Name.Length > 0 || info.Verb == "create" ? "resource" : info.Namespace.Length > 0 ? "namespace" : "cluster";
        string dry = request.Query.Count == 0 ? "" : request.Parameter("dryRun") switch { null => "", "All" => "All", _ => "invalid" };
        return new(verb, info.ApiGroup, info.ApiVersion, info.Resource, info.Subresource, scope, code, dry);
    }

    void Deprecated(PrometheusText text)
    {
        const string Name = "apiserver_requested_deprecated_apis";
        text.Family(Name, "gauge", "What was asked for that upstream means to take away, and the release without it.");
        foreach (var ((group, version, resource, subresource), removed) in _deprecated)
            text.Sample(Name, PrometheusText.Labels(("group", group), ("removed_release", removed), ("resource", resource), ("subresource", subresource), ("version", version)), 1);
    }

    internal IEnumerable<PathRoute> Paths()
    {
        yield return new("/metrics", false, request => request.Method is "GET" or "HEAD"
            ? new(Reply.Bytes(PrometheusText.ContentType, _text.Render(_requests, Volatile.Read(ref _reading), Volatile.Read(ref _writing)).ToUtf8()))
            : throw Errors.Statuses.MethodNotAllowed());
    }
}
