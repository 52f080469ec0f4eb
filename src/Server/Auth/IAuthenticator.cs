using Hanbae.Api.Rest;

namespace Hanbae.Server.Auth;

/// <summary>Finds out who asks. Several stand in a catalog, asked in order until one knows.</summary>
public interface IAuthenticator
{
    /// <summary>The request's headers, client certificate and remote address are there; nothing else of it is known yet.</summary>
    ValueTask<AuthResult> AuthenticateAsync(RequestContext request, CancellationToken ct);
}

/// <summary>What an authenticator says.</summary>
/// <param name="User">Who it is; null when this authenticator does not know.</param>
/// <param name="Error">Set when credentials were presented and are no good: the next authenticator may still know them.</param>
public readonly record struct AuthResult(Identity? User, string? Error)
{
    /// <summary>No credentials of this authenticator's sort.</summary>
    public static AuthResult NoOpinion => default;
    public static AuthResult Known(Identity user) => new(user, null);
    public static AuthResult Rejected(string error) => new(null, error);
}
