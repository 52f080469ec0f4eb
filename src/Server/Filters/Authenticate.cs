using System.Collections.Immutable;
using System.Diagnostics;
using Hanbae.Server.Auth;
using Hanbae.Server.Errors;
using Hanbae.Server.Health;

namespace Hanbae.Server.Filters;

/// <summary>Asks the authenticators who it is. Callers in the process have said so themselves.</summary>
/// <param name="counts">Where it is told how that went.</param>
sealed class Authenticate(ImmutableArray<IAuthenticator> authenticators, Func<string, bool> anonymousAt, AccessCounts? counts = null) : IFilter
{
    const string AllAuthenticated = "system:authenticated";

    public async ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        if (request.InProcess) return await next(request).ConfigureAwait(false);
        bool rejected = false;
        long began = Stopwatch.GetTimestamp();
        foreach (var authenticator in authenticators)
        {
            var result = await authenticator.AuthenticateAsync(request, request.Aborted).ConfigureAwait(false);
            rejected |= result.Error is not null;
            if (result.User is not { } user) continue;
            counts?.Authenticated(user.Name, false, Stopwatch.GetElapsedTime(began));
            request.User = user.Groups.Contains(AllAuthenticated) ? user : user with { Groups = user.Groups.Add(AllAuthenticated) };
            return await next(request).ConfigureAwait(false);
        }
        bool enters = !rejected && anonymousAt(request.Path);
        counts?.Authenticated(enters ? RequestContext.Anonymous.Name : null, rejected, Stopwatch.GetElapsedTime(began));
        if (!enters) throw Statuses.Unauthorized();
        return await next(request).ConfigureAwait(false);
    }
}
