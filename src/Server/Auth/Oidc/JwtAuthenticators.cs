using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Configuration;

namespace Hanbae.Server.Auth.Oidc;

/// <summary>All issuers of the authentication configuration, as it is now.</summary>
sealed class JwtAuthenticators(TimeProvider time) : ITokenAuthenticator, IDisposable
{
    volatile State _state = new([], null);

    sealed record State(ImmutableArray<(JwtAuthenticator Config, OidcTokens Tokens)> Issuers, AnonymousRules? Anonymous);

    /// <summary>Null when the configuration does not say.</summary>
    public AnonymousRules? Anonymous => _state.Anonymous;

    /// <summary>An issuer that stays as it was keeps its keys. Those that went are not disposed of while requests may still ask them: their connections end by themselves.</summary>
    public void Use(AuthenticationConfiguration config)
    {
        var before = _state.Issuers;
        _state = new([.. config.Jwt.Select(j => before.FirstOrDefault(b => Same(b.Config, j)) is { Tokens: not null } kept ? kept : (j, new OidcTokens(j, time)))], config.Anonymous);
    }

    static bool Same(JwtAuthenticator a, JwtAuthenticator b) =>
        a.Issuer with { Audiences = [] } == b.Issuer with { Audiences = [] } && a.Issuer.Audiences.SequenceEqual(b.Issuer.Audiences)
        && (a.Username, a.Groups, a.Uid) == (b.Username, b.Groups, b.Uid) && a.Extra.SequenceEqual(b.Extra)
        && a.ClaimRules.SequenceEqual(b.ClaimRules) && a.UserRules.SequenceEqual(b.UserRules) && a.Algorithms.SequenceEqual(b.Algorithms);

    public async ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct)
    {
        string? error = null;
        foreach (var (_, tokens) in _state.Issuers)
        {
            var result = await tokens.AuthenticateAsync(token, audiences, ct).ConfigureAwait(false);
            if (result.User is not null) return result;
            error ??= result.Error;
        }
        return error is null ? TokenResult.NoOpinion : TokenResult.Rejected(error);
    }

    public void Dispose()
    {
        foreach (var (_, tokens) in _state.Issuers) tokens.Dispose();
    }
}
