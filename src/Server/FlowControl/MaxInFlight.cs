using Hanbae.Server.Errors;

namespace Hanbae.Server.FlowControl;

/// <summary>What there was before priority and fairness: so many reads and so many writes at a time, all others are answered 429.</summary>
sealed class MaxInFlight(FlowControlOptions options) : IFilter
{
    int _reads, _writes;

    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        // As upstream: watches and streams last, so they are not counted, and administrators are never refused.
        if (LongRunning.Is(request)) return next(request);
        bool reads = request.Info.Verb is "get" or "list";
        int limit = reads ? options.MaxReads : options.MaxWrites;
        if (limit == 0) return next(request);
        if (Interlocked.Increment(ref reads ? ref _reads : ref _writes) > limit && !request.User.Groups.Contains(Auth.Groups.Masters))
        {
            Leave(reads);
            throw FlowControl.TooMany();
        }
        return CountedAsync(request, reads, next);
    }

    async ValueTask<Reply> CountedAsync(RequestContext request, bool reads, Handler next)
    {
        try { return await next(request).ConfigureAwait(false); }
        finally { Leave(reads); }
    }

    void Leave(bool reads) => Interlocked.Decrement(ref reads ? ref _reads : ref _writes);
}
