using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Configuration;
using Hanbae.Server.Auth.Tokens;

namespace Hanbae.Server.Auth.Oidc;

/// <summary>Knows users by the ID tokens of one issuer.</summary>
/// <remarks>What a token makes is remembered for ten seconds, as upstream's token cache; bound: 4,096 tokens.</remarks>
sealed class OidcTokens(JwtAuthenticator config, TimeProvider time) : ITokenAuthenticator, IDisposable
{
    /// <summary>go-oidc's leeway for clocks that differ.</summary>
    static readonly TimeSpan s_leeway = TimeSpan.FromMinutes(5), s_remembered = TimeSpan.FromSeconds(10);

    sealed record Known(Identity User, DateTimeOffset Until);

    readonly Issuer _issuer = new(config.Issuer, time);
    readonly ClaimExpressions _expressions = ClaimExpressions.Compile(config, "jwt", []);
    readonly Recent<Digest, Known> _known = new(4096);

    public async ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct)
    {
        var digest = Digest.Of(token);
        if (_known.Find(digest) is { } known)
        {
            if (time.GetUtcNow() < known.Until) return TokenResult.Known(known.User);
            _known.Remove(digest);
        }
        if (Jwt.Parse(token) is not { } jwt || (jwt.Claims["iss"] as JsonString)?.Value != config.Issuer.Url) return TokenResult.NoOpinion;
        if (!config.Algorithms.Contains(jwt.Algorithm))
            return TokenResult.Rejected($"oidc: verify token: oidc: id token signed with unsupported algorithm, expected [{string.Join(' ', config.Algorithms)}] got {GoQuote.Text(jwt.Algorithm)}");
        if (Untimely(jwt.Claims, out var expires) is { } untimely) return TokenResult.Rejected(untimely);
        if (!IsMeant(jwt.Claims["aud"])) return TokenResult.Rejected($"oidc: verify token: oidc: expected audience in [{string.Join(' ', config.Issuer.Audiences.Select(GoQuote.Text))}]");
        if (await _issuer.CheckAsync(jwt, ct).ConfigureAwait(false) is { } unsigned) return TokenResult.Rejected(unsigned);
        Identity user;
        try { user = Groups.WithAuthenticated(_expressions.UserOf(jwt.Claims, ct)); }
        catch (FormatException e) { return TokenResult.Rejected(e.Message); }
        var until = time.GetUtcNow() + s_remembered;
        // One object for as long as the token comes: what RBAC works out of it hangs on it.
        _known.Set(digest, new(user, until < expires ? until : expires));
        return TokenResult.Known(user);
    }

    string? Untimely(JsonObject claims, out DateTimeOffset expires)
    {
        var now = time.GetUtcNow();
        expires = At(claims["exp"]) ?? DateTimeOffset.MinValue;
        if (expires <= now) return $"oidc: verify token: oidc: token is expired (Token Expiry: {expires:yyyy-MM-dd HH:mm:ss} +0000 UTC)";
        return At(claims["nbf"]) is { } begins && now + s_leeway < begins
            ? $"oidc: verify token: oidc: current time {now:yyyy-MM-dd HH:mm:ss} +0000 UTC before the nbf (not before) time: {begins:yyyy-MM-dd HH:mm:ss} +0000 UTC" : null;
    }

    static DateTimeOffset? At(JsonValue? seconds) =>
        seconds is JsonNumber n && n.Double is var d && double.IsFinite(d) ? DateTimeOffset.FromUnixTimeSeconds((long)Math.Clamp(d, 0, 253402300799)) : null;

    bool IsMeant(JsonValue? audience) => audience switch
    {
        JsonString one => config.Issuer.Audiences.Contains(one.Value),
        JsonArray many => many.Items.Any(a => a is JsonString s && config.Issuer.Audiences.Contains(s.Value)),
        _ => false,
    };

    public void Dispose() => _issuer.Dispose();
}
