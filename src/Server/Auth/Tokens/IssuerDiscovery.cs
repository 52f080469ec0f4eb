using Hanbae.Api.Json;

namespace Hanbae.Server.Auth.Tokens;

/// <summary>Tells others how to check this cluster's tokens: OpenID discovery and the public keys (KEP-1393).</summary>
static class IssuerDiscovery
{
    public static IEnumerable<PathRoute> Routes(SecurityOptions options)
    {
        // The documents are made once: keys do not change while the server runs.
        byte[] configuration = JsonObject.Of(
            ("issuer", options.Issuer), ("jwks_uri", options.JwksUri), ("response_types_supported", JsonArray.Of("id_token")),
            ("subject_types_supported", JsonArray.Of("public")),
            ("id_token_signing_alg_values_supported", new JsonArray([.. options.ServiceAccountKeys.Select(k => k.Algorithm).Distinct().Order(StringComparer.Ordinal).Select(a => (JsonValue)a)]))).ToUtf8();
        byte[] keys = JsonObject.Of(("keys", new JsonArray([.. options.ServiceAccountKeys.Select(k => k.ToJwk())]))).ToUtf8();
        yield return new("/.well-known/openid-configuration", false, Answer("application/json", configuration));
        yield return new("/openid/v1/jwks", false, Answer("application/jwk-set+json", keys));
    }

    static Handler Answer(string type, byte[] body) => request =>
    {
        request.ReplyHeaders.Add(new("Cache-Control", "public, max-age=3600"));
        return new(Reply.Bytes(type, body));
    };
}
