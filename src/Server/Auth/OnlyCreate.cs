using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth;

/// <summary>Reviews and token requests are asked with a POST and are nowhere stored: there is nothing else to do with them.</summary>
sealed class OnlyCreate(IRestHandler handler) : IRestHandler
{
    public ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        if (request.Info.Verb != "create" || request.Info.Name.Length > 0 && request.Info.Subresource.Length == 0) throw Statuses.MethodNotAllowed();
        return handler.HandleAsync(request, ct);
    }
}
