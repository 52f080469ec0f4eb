using System.Collections.Concurrent;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Health;

/// <summary>Counts requests and their time; <c>/metrics</c> prints them and what else is known, under upstream's names where they mean the same.</summary>
/// <remarks>Bound: labels are those of served resources and their codes; what is not served is counted without its name.</remarks>
public sealed class Metrics : IFilter
{
    readonly ConcurrentDictionary<RequestLabels, RequestCounts> _requests = new(new RequestLabels.Comparer());
    readonly TimeProvider _time;
    readonly MetricsText _text;
    long _reading, _writing;

    /// <param name="flow">Whose numbers are printed, too.</param>
    internal Metrics(ServerOptions options, ResourceCatalog resources, FlowControl.FlowControl? flow = null, Audit.Audit? audit = null) => (_time, _text) = (options.Time, new(resources, text =>
    {
        if (flow is not null) FlowControl.FlowMetrics.Render(text, flow.Now);
        audit?.Counts.Render(text);
        options.MoreMetrics?.Invoke(text);
    }));

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
            _requests.GetOrAdd(LabelsOf(info, reply.Code), static _ => new()).Add(_time.GetElapsedTime(start));
            return reply;
        }
        finally
        {
            if (reads) Interlocked.Decrement(ref _reading);
            else Interlocked.Decrement(ref _writing);
        }
    }

    RequestLabels LabelsOf(RequestInfo info, int code)
    {
        if (!info.IsResourceRequest || !_text.Serves(info)) return new("", "", "", "", "", "", code);
        string verb = info.Verb switch
        {
            "create" => "POST", "update" => "PUT", "patch" => "PATCH", "delete" => "DELETE", "deletecollection" => "DELETECOLLECTION", "list" => "LIST", "watch" => "WATCH", _ => "GET",
        };
        return new(verb, info.ApiGroup, info.ApiVersion, info.Resource, info.Subresource, info.Name.Length > 0 ? "resource" : info.Namespace.Length > 0 ? "namespace" : "cluster", code);
    }

    internal IEnumerable<PathRoute> Paths()
    {
        yield return new("/metrics", false, request => request.Method is "GET" or "HEAD"
            ? new(Reply.Bytes(PrometheusText.ContentType, _text.Render(_requests, Volatile.Read(ref _reading), Volatile.Read(ref _writing)).ToUtf8()))
            : throw Errors.Statuses.MethodNotAllowed());
    }
}
