using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Auth.Tokens;

/// <summary>Knows service accounts by tokens that stand in Secrets and do not end by themselves, as long as the Secret holds that very token.</summary>
/// <remarks>Upstream's legacy tokens: the day on which one was last used is noted on its Secret (KEP-2799), so that those nobody uses can be cleaned away.</remarks>
public sealed class LegacyTokens(Func<ImmutableArray<TokenKey>> keys, ServedObjects objects, TimeProvider time) : ITokenAuthenticator
{
    const string Issuer = "kubernetes/serviceaccount", Prefix = "kubernetes.io/serviceaccount/";
    const string LastUsed = "kubernetes.io/legacy-token-last-used", InvalidSince = "kubernetes.io/legacy-token-invalid-since";

    sealed record Known(string Namespace, string Secret, string Account, string Uid, Identity User, TokenKey Key);

    readonly Recent<Digest, Known> _known = new(4096);

    /// <summary>The token for a Secret, by the key that signs.</summary>
    public static string Make(TokenKey key, ServiceAccount account, string secret) => Jwt.Sign(key, JsonObject.Of(
        ("iss", Issuer), (Prefix + "namespace", account.Metadata.Namespace), (Prefix + "secret.name", secret), (Prefix + "service-account.name", account.Metadata.Name),
        (Prefix + "service-account.uid", account.Metadata.Uid), ("sub", Groups.ServiceAccountUser(account.Metadata.Namespace, account.Metadata.Name))));

    public async ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct)
    {
        var digest = Digest.Of(token);
        var now = keys();
        if (_known.Find(digest) is not { } known || !now.Contains(known.Key))
        {
            if (Jwt.Parse(token) is not { } jwt || Text(jwt.Claims, "iss") != Issuer) return TokenResult.NoOpinion;
            if (now.FirstOrDefault(k => (jwt.KeyId.Length == 0 || jwt.KeyId == k.Id) && jwt.Algorithm == k.Algorithm && k.Verify(jwt.Signed, jwt.Signature)) is not { } key) return TokenResult.Rejected("invalid bearer token");
            if (Read(jwt.Claims, key) is not { } read) return TokenResult.Rejected("token claims are invalid");
            _known.Set(digest, known = read);
        }
        var found = await objects.FindAsync<Secret>(known.Namespace, known.Secret, ct).ConfigureAwait(false);
        if (found is not { Metadata.DeletionTimestamp: null }) return TokenResult.Rejected("service account token has been invalidated");
        // Another one in its place makes this one void; how much of it is right is nobody's to time.
        if (!CryptographicOperations.FixedTimeEquals(found.Data["token"].Span, Encoding.UTF8.GetBytes(token))) return TokenResult.Rejected("service account token has been invalidated");
        if (await objects.FindAsync<ServiceAccount>(known.Namespace, known.Account, ct).ConfigureAwait(false) is not { Metadata.DeletionTimestamp: null } account || account.Metadata.Uid != known.Uid)
            return TokenResult.Rejected("service account has been deleted");
        if (found.Metadata.Labels[InvalidSince] is { Length: > 0 })
            return TokenResult.Rejected($"the token in secret {known.Namespace}/{known.Secret} for service account {known.Namespace}/{known.Account} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '{InvalidSince}' label from the secret to temporarily allow use of this token");
        await NoteUseAsync(found, ct).ConfigureAwait(false);
        return TokenResult.Known(known.User);
    }

    static Known? Read(JsonObject claims, TokenKey key)
    {
        string ns = Text(claims, Prefix + "namespace"), secret = Text(claims, Prefix + "secret.name"), account = Text(claims, Prefix + "service-account.name"), uid = Text(claims, Prefix + "service-account.uid");
        if (ns.Length == 0 || secret.Length == 0 || account.Length == 0 || uid.Length == 0 || Text(claims, "sub") != Groups.ServiceAccountUser(ns, account)) return null;
        return new(ns, secret, account, uid, new(Groups.ServiceAccountUser(ns, account), [.. Groups.ServiceAccountGroups(ns), Groups.Authenticated]) { Uid = uid }, key);
    }

    static string Text(JsonObject claims, string name) => (claims[name] as JsonString)?.Value ?? "";

    /// <summary>Once a day; that it cannot be noted is no reason to keep anybody out.</summary>
    async ValueTask NoteUseAsync(Secret secret, CancellationToken ct)
    {
        string today = time.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        if (secret.Metadata.Labels[LastUsed] == today) return;
        var info = Resources.Of<Secret>();
        if (objects.Stored(info.Gvr.GroupResource) is not { } stored) return;
        var write = new WriteRequest { Resource = info, Namespace = secret.Metadata.Namespace, Name = secret.Metadata.Name, Verb = "patch", Admitted = true, User = Groups.ApiServer, Warnings = [] };
        try { await stored.UpdateAsync(write, old => old is null ? throw Statuses.NotFound(stored.Resource, write.Name) : old.WithMetadata(old.Metadata with { Labels = old.Metadata.Labels.Set(LastUsed, today) }), unconditional: true, ct).ConfigureAwait(false); }
        catch (StatusException) { }
    }
}
