using System.Collections.Immutable;
using Hanbae.Server.Auth;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Filters;

/// <summary>Asks the authenticators who it is. Callers in the process have said so themselves.</summary>
sealed class Authenticate(ImmutableArray<IAuthenticator> authenticators, Func<string, bool> anonymousAt) : IFilter
{
    const string AllAuthenticated = "system:authenticated";

    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        if (request.InProcess) return await next(request).ConfigureAwait(false);
        bool rejected = false;
        foreach (var authenticator in authenticators)
        {
            var result = await authenticator.AuthenticateAsync(request, request.Aborted).ConfigureAwait(false);
            rejected |= result.Error is not null;
            if (result.User is not { } user) continue;
            request.User = user.Groups.Contains(AllAuthenticated) ? user : user with { Groups = user.Groups.Add(AllAuthenticated) };
            return await next(request).ConfigureAwait(false);
        }
        if (rejected || !anonymousAt(request.Path)) throw Statuses.Unauthorized();
        return await next(request).ConfigureAwait(false);
    }
}
