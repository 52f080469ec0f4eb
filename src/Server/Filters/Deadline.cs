using Hanbae.Api;
using Hanbae.Server.Errors;
using Hanbae.Server.FlowControl;

namespace Hanbae.Server.Filters;

/// <summary>Ends requests that take too long, as upstream's --request-timeout and the parameter <c>timeout</c>, which may ask for less; watches and streams last.</summary>
/// <remarks>Reads come from memory: only those that ask for it are given a timer. One whose client does not read is ended by the transport (SlowClients).</remarks>
sealed class Deadline(TimeSpan timeout, TimeProvider time) : IFilter
{
    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        if (LongRunning.Is(request)) return next(request);
        var limit = timeout;
        bool asked = false;
        if (request.Query.Count > 0 && request.Parameter("timeout") is { Length: > 0 } text)
        {
            // What is no time is no request, as upstream.
            if (!Duration.TryParse(text, out var own)) throw Statuses.BadRequest($"invalid timeout specified in the request URL - time: invalid duration {Machinery.Validate.FieldError.Quoted(text)}");
            asked = own.ToTimeSpan() > TimeSpan.Zero;
            if (asked && own.ToTimeSpan() < limit) limit = own.ToTimeSpan();
        }
        bool writes = request.Info.Verb is "create" or "update" or "patch" or "delete" or "deletecollection" && request.Info.Subresource is "" or "status" or "scale" or "binding" or "eviction" or "finalize";
        return writes || asked ? BoundAsync(request, next, limit) : next(request);
    }

    async ValueTask<Reply> BoundAsync(RequestContext request, Handler next, TimeSpan limit)
    {
        using var deadline = new CancellationTokenSource(limit, time);
        using var left = request.Aborted.UnsafeRegister(static deadline => ((CancellationTokenSource)deadline!).Cancel(), deadline);
        request.Aborted = deadline.Token;
        long began = time.GetTimestamp();
        request.Left = () => limit - time.GetElapsedTime(began);
        return await next(request).ConfigureAwait(false);
    }
}
