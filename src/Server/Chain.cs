namespace Hanbae.Server;

/// <summary>Answers a request.</summary>
public delegate ValueTask<Reply> Handler(RequestContext request);

/// <summary>One link of the chain: looks at the request, passes it on, looks at the answer.</summary>
public interface IFilter
{
    ValueTask<Reply> InvokeAsync(RequestContext request, Handler next);
}

/// <summary>The order in which every request passes the filters, whatever its transport (see <see cref="ApiServer"/> for the list).</summary>
public static class Chain
{
    /// <summary>Folds the filters, first one outermost, around the end of the chain.</summary>
    public static Handler Of(IReadOnlyList<IFilter> filters, Handler end)
    {
        var handler = end;
        for (int i = filters.Count - 1; i >= 0; i--)
        {
            var (filter, next) = (filters[i], handler);
            handler = request => filter.InvokeAsync(request, next);
        }
        return handler;
    }
}
