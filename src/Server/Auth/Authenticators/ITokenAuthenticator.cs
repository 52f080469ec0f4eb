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
/// <param name="Note">What is to be told of its use; null for nothing.</param>
public readonly record struct TokenResult(Identity? User, Seq<string> Audiences, string? Error, TokenNote? Note = null)
{
    public static TokenResult NoOpinion => default;
    public static TokenResult Known(Identity user, Seq<string> audiences = default) => new(user, audiences, null);
    public static TokenResult Rejected(string error) => new(null, default, error);
}

/// <summary>That a token is of a sort that should no longer be used: for the audit log, and for who uses it.</summary>
public sealed record TokenNote(string Annotation, string Value, string? Warning = null);
