using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Server.Tests.Auth;

/// <summary>An OpenID issuer as there are many: discovery, keys that it may change, tokens signed with them.</summary>
public sealed class OidcIssuer : IAsyncDisposable
{
    readonly List<(string Id, string Algorithm, AsymmetricAlgorithm Key)> _keys = [];
    HttpsServer _server = null!;

    public string Url => _server.Address.ToString().TrimEnd('/');
    public string Authority => _server.Authority;
    /// <summary>How often somebody asked for its keys.</summary>
    public int Asked { get; private set; }
    /// <summary>What it says it is, if that is not the truth.</summary>
    public string? Says { get; set; }
    public string DiscoveryPath { get; set; } = "/.well-known/openid-configuration";

    public static async Task<OidcIssuer> StartAsync()
    {
        var issuer = new OidcIssuer();
        issuer.Add("k1", "ES256");
        issuer._server = await HttpsServer.StartAsync((http, _) => http.Request.Path.Value switch
        {
            "/keys" => issuer.KeySet(),
            var path when path == issuer.DiscoveryPath => JsonObject.Of(("issuer", issuer.Says ?? issuer.Url), ("jwks_uri", issuer.Url + "/keys")),
            _ => null,
        });
        return issuer;
    }

    public void Add(string id, string algorithm) => _keys.Insert(0, (id, algorithm, algorithm[0] is 'R' or 'P'
        ? RSA.Create(2048) : ECDsa.Create(algorithm switch { "ES384" => ECCurve.NamedCurves.nistP384, "ES512" => ECCurve.NamedCurves.nistP521, _ => ECCurve.NamedCurves.nistP256 })));

    public void Withdraw(string id) => _keys.RemoveAll(k => k.Id == id);

    /// <summary>The public key as others could get it, for those who try to use it as a shared secret.</summary>
    public byte[] PublicPem => Encoding.ASCII.GetBytes(_keys[0].Key.ExportSubjectPublicKeyInfoPem());

    JsonObject KeySet()
    {
        Asked++;
        return JsonObject.Of(("keys", new JsonArray([.. _keys.Select(k => (JsonValue)Jwk(k.Id, k.Algorithm, k.Key))])));
    }

    static JsonObject Jwk(string id, string algorithm, AsymmetricAlgorithm key)
    {
        var jwk = JsonObject.Of(("use", "sig"), ("kid", id), ("alg", algorithm));
        if (key is RSA rsa)
        {
            var numbers = rsa.ExportParameters(false);
            return jwk.With("kty", "RSA").With("n", Base64Url.EncodeToString(numbers.Modulus)).With("e", Base64Url.EncodeToString(numbers.Exponent));
        }
        var point = ((ECDsa)key).ExportParameters(false).Q;
        return jwk.With("kty", "EC").With("crv", "P-" + key.KeySize).With("x", Base64Url.EncodeToString(point.X)).With("y", Base64Url.EncodeToString(point.Y));
    }

    /// <summary>A token of its newest key.</summary>
    public string Token(params ReadOnlySpan<(string, JsonValue)> claims)
    {
        var all = JsonObject.Of(("iss", Url), ("aud", "cluster"), ("exp", DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds()));
        foreach (var (name, value) in claims) all = all.With(name, value);
        return Sign(JsonObject.Of(("alg", _keys[0].Algorithm), ("kid", _keys[0].Id)), all, Signature);
    }

    byte[] Signature(byte[] text)
    {
        var (_, algorithm, key) = _keys[0];
        var hash = algorithm[2..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
        return key is RSA rsa ? rsa.SignData(text, hash, algorithm[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1)
            : ((ECDsa)key).SignData(text, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    public static string Sign(JsonObject header, JsonObject claims, Func<byte[], byte[]> sign)
    {
        string text = Base64Url.EncodeToString(header.ToUtf8()) + "." + Base64Url.EncodeToString(claims.ToUtf8());
        return text + "." + Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(text)));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        foreach (var (_, _, key) in _keys) key.Dispose();
    }

    /// <summary>An authenticator of a configuration file for this issuer.</summary>
    public string Config(string mappings, string more = "", string audiences = "[cluster]") => $$"""
          - issuer:
              url: {{Url}}
              audiences: {{audiences}}
              audienceMatchPolicy: MatchAny
              certificateAuthority: |
        {{string.Join("\n", Authority.Split('\n').Select(l => "        " + l))}}
            claimMappings:
        {{string.Join("\n", mappings.Split('\n').Select(l => "      " + l))}}
        {{string.Join("\n", more.Split('\n').Select(l => "    " + l))}}

        """;
}
