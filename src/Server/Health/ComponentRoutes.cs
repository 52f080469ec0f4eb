using Hanbae.Machinery.Components;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Health;

/// <summary><c>/statusz</c> and <c>/flagz</c> of what this chain serves.</summary>
static class ComponentRoutes
{
    public static IEnumerable<PathRoute> Of(ComponentPages pages)
    {
        yield return new("/statusz", false, request => Answer(request, pages.Status));
        yield return new("/flagz", false, request => Answer(request, pages.Flags));
    }

    static ValueTask<Reply> Answer(RequestContext request, Func<string, (string ContentType, byte[] Body)?> page)
    {
        if (request.Method is not ("GET" or "HEAD")) throw Statuses.MethodNotAllowed();
        var (type, body) = page(request.Header("Accept")) ?? throw Statuses.NotAcceptable(ComponentPages.MediaTypes);
        return new(Reply.Bytes(type, body));
    }
}
