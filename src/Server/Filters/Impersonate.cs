using System.Collections.Immutable;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Impersonation;

namespace Hanbae.Server.Filters;

/// <summary>Lets those who may act as somebody else (<c>Impersonate-User</c> and its like), each part authorized on its own as upstream does.</summary>
sealed class Impersonate(ImmutableArray<IAuthorizer> authorizers) : IFilter
{
    readonly Modes _modes = new(new AuthorizerChain(authorizers));

    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next) =>
        WantedUser.Of(request) is { } wanted ? AsAsync(request, wanted, next) : next(request);

    async ValueTask<Reply> AsAsync(RequestContext request, Api.Rest.Identity wanted, Handler next)
    {
        request.User = (await _modes.CheckAsync(Authorize.Of(request), wanted, request.Aborted).ConfigureAwait(false)).User;
        return await next(request).ConfigureAwait(false);
    }
}
