using System.Collections.Immutable;
using Hanbae.Api.Json;

namespace Hanbae.Server.Auth.Tokens;

/// <summary>Tells others how to check this cluster's tokens: OpenID discovery and the public keys (KEP-1393).</summary>
static class IssuerDiscovery
{
    /// <summary>Both documents, as they are for these keys.</summary>
    sealed record Documents(ImmutableArray<TokenKey> Keys, byte[] Configuration, byte[] Set);

    public static IEnumerable<PathRoute> Routes(SecurityOptions options)
    {
        var made = Make(options, options.CurrentServiceAccountKeys());
        // Made anew when the keys have changed.
        Documents Now() => options.CurrentServiceAccountKeys() is var keys && keys == made.Keys ? made : made = Make(options, keys);
        yield return new("/.well-known/openid-configuration", false, Answer("application/json", () => Now().Configuration));
        yield return new("/openid/v1/jwks", false, Answer("application/jwk-set+json", () => Now().Set));
    }

    static Documents Make(SecurityOptions options, ImmutableArray<TokenKey> keys) => new(keys,
        JsonObject.Of(
            ("issuer", options.Issuer), ("jwks_uri", options.JwksUri), ("response_types_supported", JsonArray.Of("id_token")),
            ("subject_types_supported", JsonArray.Of("public")),
            ("id_token_signing_alg_values_supported", new JsonArray([.. keys.Select(k => k.Algorithm).Distinct().Order(StringComparer.Ordinal).Select(a => (JsonValue)a)]))).ToUtf8(),
        JsonObject.Of(("keys", new JsonArray([.. keys.Select(k => k.ToJwk())]))).ToUtf8());

    static Handler Answer(string type, Func<byte[]> body) => request =>
    {
        request.ReplyHeaders.Add(new("Cache-Control", "public, max-age=3600"));
        return new(Reply.Bytes(type, body()));
    };
}
