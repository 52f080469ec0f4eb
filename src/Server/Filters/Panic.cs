using Hanbae.Server.Errors;

namespace Hanbae.Server.Filters;

/// <summary>Turns whatever is thrown further in into an answer: a request may fail, the server may not.</summary>
sealed class Panic : IFilter
{
    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        try { return await next(request).ConfigureAwait(false); }
        catch (Exception e)
        {
            var status = Statuses.From(e);
            if (status.Details is { RetryAfterSeconds: > 0 and int seconds }) request.ReplyHeaders.Add(new("Retry-After", Encode.Encoder.Number(seconds)));
            // The encoding that was agreed on may not be there yet, or may be what is wrong.
            try { request.Output = Verbs.Negotiation.Of(request, shapes: false); }
            catch (StatusException) { request.Output = Encode.Output.Json; }
            return Reply.Object(status, status.Code);
        }
    }
}
