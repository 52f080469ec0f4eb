using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Json;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Tokens;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>Tokens that were not given out so, or not for this. What is tried with other issuers' stands in <see cref="OidcTests"/>.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class TokenAttackTests : IAsyncLifetime
{
    readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync(o => o with { ServiceAccountKeys = [TokenKey.Of(_key)] });
        await _server.BindAsync("whoami", Group("system:authenticated"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"));
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _key.Dispose();
    }

    async Task<int> CodeAsync(string token) => (await _server.Http.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}", headers: ("Authorization", "Bearer " + token))).Code;

    /// <summary>A token as this cluster makes them, with what is wanted changed, signed with the cluster's own key.</summary>
    async Task<string> TokenAsync(Func<JsonObject, JsonObject> change)
    {
        var account = await _server.GetAsync<Api.Core.V1.ServiceAccount>("default", "default");
        long now = _server.Clock.Now.ToUnixTimeSeconds();
        var claims = new Claims
        {
            Issuer = SecurityOptions.DefaultIssuer, Audiences = [SecurityOptions.DefaultIssuer], IssuedAt = now, NotBefore = now, Expires = now + 600, Id = "1", Namespace = "default", ServiceAccount = new("default", account.Metadata.Uid),
        };
        return Jwt.Sign(TokenKey.Of(_key), change(claims.ToJson()));
    }

    [Fact]
    [Trait("Attack", "expired and future tokens")]
    public async Task Only_what_is_right_in_every_claim_is_right()
    {
        long now = _server.Clock.Now.ToUnixTimeSeconds();
        JsonObject Bound(JsonObject c, string what, JsonValue value) => c.With("kubernetes.io", ((JsonObject)c["kubernetes.io"]!).With(what, value));

        Assert.Equal(201, await CodeAsync(await TokenAsync(c => c)));
        (string What, Func<JsonObject, JsonObject> Change)[] attacks =
        [
            ("expired", c => c.With("exp", now - 11)),
            ("of the future", c => c.With("nbf", now + 60)),
            ("without an end", c => c.With("exp", JsonNull.Instance)),
            ("with an end that is no number", c => c.With("exp", "tomorrow")),
            ("for another audience", c => c.With("aud", JsonArray.Of("vault"))),
            ("for no audience", c => c.With("aud", new JsonArray([]))),
            ("of another issuer", c => c.With("iss", "https://elsewhere.example.com")),
            ("whose subject is another", c => c.With("sub", "system:serviceaccount:kube-system:default")),
            ("of a uid that was", c => Bound(c, "serviceaccount", JsonObject.Of(("name", "default"), ("uid", "0")))),
            ("of a namespace that is not", c => Bound(c, "namespace", "nowhere")),
            ("bound to a Pod that is not", c => Bound(c, "pod", JsonObject.Of(("name", "gone"), ("uid", "1")))),
            ("bound to a node that is not", c => Bound(c, "node", JsonObject.Of(("name", "gone"), ("uid", "1")))),
            ("bound to a Secret that is not", c => Bound(c, "secret", JsonObject.Of(("name", "gone"), ("uid", "1")))),
        ];
        foreach (var (what, change) in attacks) Assert.True(await CodeAsync(await TokenAsync(change)) == 401, $"a token {what} was believed");
    }

    [Fact]
    [Trait("Attack", "alg confusion")]
    public async Task A_token_does_not_choose_how_it_is_checked()
    {
        string[] parts = (await TokenAsync(c => c)).Split('.');
        static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
        Assert.Equal(201, await CodeAsync(string.Join('.', parts)));
        Assert.Equal(401, await CodeAsync($"{Encode("{\"alg\":\"none\"}")}.{parts[1]}."));
        // The public key is known to all: it is no secret to sign with.
        string pem = _key.ExportSubjectPublicKeyInfoPem();
        foreach (byte[] secret in (byte[][])[_key.ExportSubjectPublicKeyInfo(), Encoding.UTF8.GetBytes(pem), Encoding.UTF8.GetBytes(pem + "\n"), []])
        {
            string signed = $"{Encode("{\"alg\":\"HS256\",\"typ\":\"JWT\"}")}.{parts[1]}";
            Assert.Equal(401, await CodeAsync($"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(signed)))}"));
        }
        // A signature of nothing but zeros once passed for any (CVE-2022-21449).
        Assert.Equal(401, await CodeAsync($"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(new byte[64])}"));
        // Nor does it bring its own key.
        using var mine = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = mine.ExportParameters(false).Q;
        string header = Encode($$$"""{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"{{{Base64Url.EncodeToString(point.X!)}}}","y":"{{{Base64Url.EncodeToString(point.Y!)}}}"} }""");
        Assert.Equal(401, await CodeAsync($"{header}.{parts[1]}.{Base64Url.EncodeToString(mine.SignData(Encoding.UTF8.GetBytes($"{header}.{parts[1]}"), HashAlgorithmName.SHA256))}"));
    }

    [Fact]
    [Trait("Attack", "token replay across audiences")]
    public async Task A_token_for_one_is_not_replayed_at_another()
    {
        var request = (TokenRequest)Good(await _server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/serviceaccounts/default/token", new TokenRequest { Spec = new() { Audiences = ["vault"] } })).Object!;
        async Task<bool> Known(params string[] audiences) =>
            ((TokenReview)Good(await _server.CreateAsync(Admin, new TokenReview { Spec = new() { Token = request.Status.Token, Audiences = audiences } })).Object!).Status.Authenticated;

        Assert.Equal(401, await CodeAsync(request.Status.Token));
        Assert.True(await Known("vault"));
        Assert.False(await Known("vault2"));
        Assert.False(await Known(SecurityOptions.DefaultIssuer));
        // What was remembered of it under one audience says nothing of another.
        Assert.Equal(401, await CodeAsync(request.Status.Token));
    }

    [Fact]
    public async Task A_flood_of_made_up_tokens_fills_no_memory()
    {
        byte[] random = new byte[600];
        var generator = new Random(7);
        async Task FloodAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                generator.NextBytes(random);
                string token = OidcIssuer.Sign(JsonObject.Of(("alg", "ES256")), JsonObject.Of(("iss", "https://" + i), ("x", Convert.ToBase64String(random))), _ => random[..64]);
                foreach (var authenticator in _server.Security.Authenticators) await authenticator.AuthenticateAsync(new Asking(token), CancellationToken.None);
            }
        }
        await FloodAsync(9000);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await FloodAsync(9000);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8 << 20);
    }

    sealed class Asking(string token) : RequestContext("GET", "/api/v1/pods", [], CancellationToken.None)
    {
        public override string RawTarget => Path;
        public override IEnumerable<KeyValuePair<string, string>> Headers => [new("Authorization", "Bearer " + token)];
        public override string Header(string name) => name == "Authorization" ? "Bearer " + token : "";
        public override System.Security.Cryptography.X509Certificates.X509Certificate2? ClientCertificate => null;
        public override string RemoteAddress => "";
        public override bool InProcess => false;
        public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken ct) => default;
    }
}
