using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Auth.Tokens;

/// <summary>Knows service accounts by the tokens this cluster signed, as long as what they are bound to exists.</summary>
/// <remarks>
/// The signature is checked once per token (bound: 8,192 tokens are remembered); that the account, Pod, Secret or Node still exists is looked up
/// in the caches for every request, so that deleting one ends its tokens at once.
/// </remarks>
/// <param name="keys">Any of them may have signed; a token of one that is not among them any more is not believed.</param>
public sealed class ServiceAccountTokens(string issuer, Func<ImmutableArray<TokenKey>> keys, ServedObjects objects, TimeProvider time) : ITokenAuthenticator
{
    /// <summary>Upstream's leeway: clocks differ, and a Pod's last requests come while it ends.</summary>
    static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60), ClockSkew = TimeSpan.FromSeconds(10);

    const string Extra = "authentication.kubernetes.io/";

    /// <summary>A token whose signature is right, and the user that it makes.</summary>
    sealed record Verified(Claims Claims, Identity User, TokenKey Key);

    readonly Recent<Digest, Verified> _verified = new(8192);
    /// <summary>Tokens of other issuers: not read again to find that out.</summary>
    readonly Recent<Digest, object> _others = new(4096);

    public async ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct)
    {
        var digest = Digest.Of(token);
        var now = keys();
        if (_verified.Find(digest) is not { } known || !now.Contains(known.Key))
        {
            if (_others.Find(digest) is not null) return TokenResult.NoOpinion;
            if (Jwt.Parse(token) is not { } jwt || (jwt.Claims["iss"] as Api.Json.JsonString)?.Value != issuer)
            {
                _others.Set(digest, this);
                return TokenResult.NoOpinion;
            }
            if (now.FirstOrDefault(k => IsSignedBy(jwt, k)) is not { } key) return TokenResult.Rejected("invalid bearer token");
            if (Claims.Read(jwt.Claims) is not { } claims) return TokenResult.Rejected("token claims are invalid");
            known = new(claims, UserOf(claims), key);
            if (Times(claims) is null) _verified.Set(digest, known);
        }
        if (Times(known.Claims) is { } untimely)
        {
            _verified.Remove(digest);
            return TokenResult.Rejected(untimely);
        }
        var meant = audiences.Where(known.Claims.Audiences.Contains).ToSeq();
        if (meant.IsEmpty) return TokenResult.Rejected($"token audiences [{string.Join(' ', known.Claims.Audiences)}] is invalid for the target audiences [{string.Join(' ', audiences)}]");
        return await WhatIsGoneAsync(known.Claims, ct).ConfigureAwait(false) is { } gone ? TokenResult.Rejected(gone)
            : TokenResult.Known(known.User, meant) with { Note = Stale(known.Claims) };
    }

    /// <summary>A token that lives on only for clients that never read it again.</summary>
    TokenNote? Stale(Claims claims)
    {
        long late = time.GetUtcNow().ToUnixTimeSeconds() - claims.WarnAfter;
        return claims.WarnAfter == 0 || late <= 0 ? null
            : new("authentication.k8s.io/stale-token", $"subject: {claims.Subject}, seconds after warning threshold: {late}");
    }

    /// <summary>The key says how it signs, not the token: a token cannot choose to be checked in another way.</summary>
    static bool IsSignedBy(Jwt jwt, TokenKey key) => (jwt.KeyId.Length == 0 || jwt.KeyId == key.Id) && jwt.Algorithm == key.Algorithm && key.Verify(jwt.Signed, jwt.Signature);

    string? Times(Claims claims)
    {
        var now = time.GetUtcNow();
        if (now - ClockSkew > DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(claims.Expires, 0, 253402300799))) return "service account token has expired";
        return now + ClockSkew < DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(claims.NotBefore, 0, 253402300799)) ? "service account token is not valid yet" : null;
    }

    async ValueTask<string?> WhatIsGoneAsync(Claims claims, CancellationToken ct)
    {
        string ns = claims.Namespace;
        if (!Lives(await objects.FindAsync<ServiceAccount>(ns, claims.ServiceAccount.Name, ct).ConfigureAwait(false), claims.ServiceAccount)) return "service account has been deleted";
        if (claims.Secret is { } secret && !Lives(await objects.FindAsync<Secret>(ns, secret.Name, ct).ConfigureAwait(false), secret)) return "service account token has been invalidated";
        if (claims.Pod is { } pod) return Lives(await objects.FindAsync<Pod>(ns, pod.Name, ct).ConfigureAwait(false), pod) ? null : "service account token has been invalidated";
        // A Pod's token names its node only for information.
        if (claims.Node is { } node && !Lives(await objects.FindAsync<Node>("", node.Name, ct).ConfigureAwait(false), node)) return "service account token has been invalidated";
        return null;
    }

    bool Lives(IObject? obj, Bound bound) =>
        obj is not null && obj.Metadata.Uid == bound.Uid && !(obj.Metadata.DeletionTimestamp is { } deleted && deleted < time.GetUtcNow() - Leeway);

    static Identity UserOf(Claims claims)
    {
        var extra = Map.Of<Seq<string>>();
        void Say(string key, string value) => extra = extra.Set(Extra + key, [value]);
        if (claims.Id.Length > 0) Say("credential-id", "JTI=" + claims.Id);
        if (claims.Node is { } node)
        {
            Say("node-name", node.Name);
            if (node.Uid.Length > 0) Say("node-uid", node.Uid);
        }
        if (claims.Pod is { } pod)
        {
            Say("pod-name", pod.Name);
            Say("pod-uid", pod.Uid);
        }
        return new(claims.Subject, [.. Groups.ServiceAccountGroups(claims.Namespace), Groups.Authenticated]) { Uid = claims.ServiceAccount.Uid, Extra = extra };
    }
}
