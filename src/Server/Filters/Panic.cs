using Hanbae.Server.Errors;
using Hanbae.Store;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Filters;

/// <summary>Turns whatever is thrown further in into an answer: a request may fail, the server may not.</summary>
sealed partial class Panic(ILogger log) : IFilter
{
    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        try { return await next(request).ConfigureAwait(false); }
        catch (Exception e)
        {
            var status = Statuses.From(e);
            Tell(request, e, status.Code);
            if (status.Details is { RetryAfterSeconds: > 0 and int seconds }) request.ReplyHeaders.Add(new("Retry-After", Encode.Encoder.Number(seconds)));
            // The encoding that was agreed on may not be there yet, or may be what is wrong.
            try { request.Output = Verbs.Negotiation.Of(request, shapes: false); }
            catch (StatusException) { request.Output = Encode.Output.Json; }
            return Reply.Object(status, status.Code);
        }
    }

    /// <summary>What the request itself explains is its sender's to know; the rest is ours.</summary>
    void Tell(RequestContext request, Exception e, int code)
    {
        if (e is StoreException and not CompactedException) Log.StoreFailed(log, e, request.Method, request.Path);
        else if (code == 500 && e is not (StatusException or Api.Rest.ApiException)) Log.Failed(log, e, request.Method, request.Path, request.User.Name);
    }

    static partial class Log
    {
        [LoggerMessage(2001, LogLevel.Error, "{Method} {Path} of {User} failed: the request was answered 500")]
        public static partial void Failed(ILogger logger, Exception e, string method, string path, string user);

        [LoggerMessage(2002, LogLevel.Warning, "{Method} {Path} failed because of the store")]
        public static partial void StoreFailed(ILogger logger, Exception e, string method, string path);
    }
}
