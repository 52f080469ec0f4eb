using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Auth.Authenticators;

/// <summary>Knows users by a bearer token: asked for requests and by TokenReview.</summary>
public interface ITokenAuthenticator
{
    /// <param name="audiences">For whom the token must be meant, one of them.</param>
    ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct);
}

/// <summary>What a token says.</summary>
/// <param name="Audiences">Those asked for that the token is meant for; absent when tokens of this sort do not name any.</param>
public readonly record struct TokenResult(Identity? User, Seq<string> Audiences, string? Error)
{
    public static TokenResult NoOpinion => default;
    public static TokenResult Known(Identity user, Seq<string> audiences = default) => new(user, audiences, null);
    public static TokenResult Rejected(string error) => new(null, default, error);
}
