namespace Hanbae.Server.Filters;

/// <summary>Ends writes that take too long, as upstream's --request-timeout; reads have bounds of their own, and watches and streams last.</summary>
sealed class Deadline(TimeSpan timeout, TimeProvider time) : IFilter
{
    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next) =>
        request.Info.Verb is "create" or "update" or "patch" or "delete" or "deletecollection" && request.Info.Subresource is "" or "status" or "scale" or "binding" or "eviction" or "finalize"
            ? BoundAsync(request, next) : next(request);

    async ValueTask<Reply> BoundAsync(RequestContext request, Handler next)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, deadline.Token);
        request.Aborted = both.Token;
        return await next(request).ConfigureAwait(false);
    }
}
