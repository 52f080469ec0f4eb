using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Json;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Logging in with the tokens of somebody else's issuer, over HTTPS.</summary>
public sealed class OidcTests : IAsyncLifetime
{
    const string Head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n";
    const string Plain = "username: {claim: sub, prefix: \"oidc:\"}\ngroups: {claim: groups, prefix: \"oidc:\"}";

    readonly TestFolder _folder = new();
    OidcIssuer _issuer = null!;

    public async Task InitializeAsync() => _issuer = await OidcIssuer.StartAsync();

    public async Task DisposeAsync()
    {
        await _issuer.DisposeAsync();
        _folder.Dispose();
    }

    async Task<SecureServer> StartWith(string yaml)
    {
        string file = _folder.Write("authn.yaml", yaml);
        var server = await StartAsync(o => o with { AuthenticationFile = file });
        await server.BindAsync("whoami", Group("system:authenticated"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"));
        return server;
    }

    static async Task<TestServer.Answer> WhoAmIAsync(SecureServer server, string token) =>
        await server.Http.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}", headers: ("Authorization", "Bearer " + token));

    static async Task<string> ErrorAsync(SecureServer server, string token) =>
        ((TokenReview)Good(await server.CreateAsync(Admin, new TokenReview { Spec = new() { Token = token } })).Object!).Status is { Authenticated: false } status ? status.Error : throw new InvalidOperationException("the token was believed");

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    public async Task A_token_of_the_issuer_makes_a_user_whatever_it_signs_with(string algorithm)
    {
        _issuer.Add("k2", algorithm);
        await using var server = await StartWith(Head + _issuer.Config(Plain));

        var answer = await WhoAmIAsync(server, _issuer.Token(("sub", "ann"), ("groups", JsonArray.Of("devs", "ops"))));

        Assert.Equal(201, answer.Code);
        Assert.Equal("oidc:ann", answer.Text("status", "userInfo", "username"));
        Assert.Equal("[\"oidc:devs\",\"oidc:ops\",\"system:authenticated\"]", answer.Text("status", "userInfo", "groups"));
    }

    [Fact]
    public async Task Expressions_make_the_user_and_say_who_comes_in()
    {
        await using var server = await StartWith(Head + _issuer.Config(
            "username: {expression: \"claims.email.split('@')[0]\"}\ngroups: {expression: \"claims.roles.split(',')\"}\nuid: {expression: \"claims.sub\"}\nextra:\n- {key: example.com/tenant, valueExpression: \"claims.tenant\"}\n- {key: example.com/none, valueExpression: \"claims.?missing.orValue('')\"}",
            "claimValidationRules:\n- {claim: hd, requiredValue: example.com}\n- {expression: \"claims.email_verified == true\", message: your address was never verified}\nuserValidationRules:\n- {expression: \"!user.username.startsWith('system:')\", message: system users are ours}"));
        string Token(string email, bool verified = true, string hd = "example.com") =>
            _issuer.Token(("sub", "123"), ("email", email), ("email_verified", verified), ("roles", "devs,ops"), ("tenant", "blue"), ("hd", hd));

        var answer = await WhoAmIAsync(server, Token("ann@example.com"));

        Assert.Equal(201, answer.Code);
        Assert.Equal("ann", answer.Text("status", "userInfo", "username"));
        Assert.Equal("123", answer.Text("status", "userInfo", "uid"));
        Assert.Equal("[\"devs\",\"ops\",\"system:authenticated\"]", answer.Text("status", "userInfo", "groups"));
        Assert.Equal("{\"example.com/tenant\":[\"blue\"]}", answer.Text("status", "userInfo", "extra"));
        Assert.Contains("your address was never verified", await ErrorAsync(server, Token("ann@example.com", verified: false)));
        Assert.Equal("oidc: required claim hd value does not match. Got = example.org, want = example.com", await ErrorAsync(server, Token("ann@example.com", hd: "example.org")));
        Assert.Contains("system users are ours", await ErrorAsync(server, Token("system:admin@example.com")));
        Assert.Contains("no such key: email", await ErrorAsync(server, _issuer.Token(("sub", "1"), ("email_verified", true), ("hd", "example.com"))));
    }

    [Fact]
    public async Task A_token_that_is_late_early_or_for_others_is_refused()
    {
        await using var server = await StartWith(Head + _issuer.Config(Plain, audiences: "[cluster, other]"));
        long now = server.Clock.Now.ToUnixTimeSeconds();

        Assert.Equal(201, (await WhoAmIAsync(server, _issuer.Token(("sub", "ann"), ("aud", JsonArray.Of("x", "other"))))).Code);
        Assert.Contains("expected audience", await ErrorAsync(server, _issuer.Token(("sub", "ann"), ("aud", "vault"))));
        Assert.Contains("token is expired", await ErrorAsync(server, _issuer.Token(("sub", "ann"), ("exp", now - 1))));
        Assert.Contains("before the nbf", await ErrorAsync(server, _issuer.Token(("sub", "ann"), ("nbf", now + 3600))));
        Assert.Contains("token is expired", await ErrorAsync(server, _issuer.Token(("sub", "ann"), ("exp", JsonNull.Instance))));

        // One that was believed is believed no longer than it says.
        string brief = _issuer.Token(("sub", "ann"), ("exp", now + 60));
        Assert.Equal(201, (await WhoAmIAsync(server, brief)).Code);
        server.Clock.Now += TimeSpan.FromSeconds(61);
        Assert.Equal(401, (await WhoAmIAsync(server, brief)).Code);
    }

    [Fact]
    public async Task A_key_that_comes_later_is_found_and_one_that_goes_is_forgotten()
    {
        await using var server = await StartWith(Head + _issuer.Config(Plain));
        string old = _issuer.Token(("sub", "ann"));
        Assert.Equal(201, (await WhoAmIAsync(server, old)).Code);

        _issuer.Add("k2", "RS256");
        server.Clock.Now += TimeSpan.FromSeconds(30);
        Assert.Equal(201, (await WhoAmIAsync(server, _issuer.Token(("sub", "ann")))).Code);
        Assert.Equal(201, (await WhoAmIAsync(server, old)).Code);

        _issuer.Withdraw("k1");
        server.Clock.Now += TimeSpan.FromMinutes(11);
        Assert.Equal(401, (await WhoAmIAsync(server, old)).Code);
    }

    [Fact]
    public async Task Made_up_keys_do_not_make_the_server_ask_the_issuer_each_time()
    {
        await using var server = await StartWith(Head + _issuer.Config(Plain));
        Assert.Equal(201, (await WhoAmIAsync(server, _issuer.Token(("sub", "ann")))).Code);
        int before = _issuer.Asked;
        using var mine = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var claims = JsonObject.Of(("iss", _issuer.Url), ("aud", "cluster"), ("sub", "ann"), ("exp", server.Clock.Now.AddHours(1).ToUnixTimeSeconds()));

        for (int i = 0; i < 20; i++)
        {
            string forged = OidcIssuer.Sign(JsonObject.Of(("alg", "ES256"), ("kid", "mine" + i)), claims, t => mine.SignData(t, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
            Assert.Contains("failed to verify", await ErrorAsync(server, forged));
        }

        Assert.Equal(before, _issuer.Asked);
    }

    [Fact]
    [Trait("Attack", "alg confusion")]
    public async Task No_token_chooses_how_it_is_checked()
    {
        await using var server = await StartWith(Head + _issuer.Config(Plain));
        var claims = JsonObject.Of(("iss", _issuer.Url), ("aud", "cluster"), ("sub", "ann"), ("exp", server.Clock.Now.AddHours(1).ToUnixTimeSeconds()));

        Assert.Contains("unsupported algorithm", await ErrorAsync(server, OidcIssuer.Sign(JsonObject.Of(("alg", "none"), ("kid", "k1")), claims, _ => [1])));
        // The public key as the secret of an HMAC: the oldest trick there is.
        Assert.Contains("unsupported algorithm", await ErrorAsync(server, OidcIssuer.Sign(JsonObject.Of(("alg", "HS256"), ("kid", "k1")), claims, t => HMACSHA256.HashData(_issuer.PublicPem, t))));
        Assert.Contains("failed to verify", await ErrorAsync(server, OidcIssuer.Sign(JsonObject.Of(("alg", "ES384"), ("kid", "k1")), claims, t => new byte[96])));
        Assert.Contains("failed to verify", await ErrorAsync(server, OidcIssuer.Sign(JsonObject.Of(("alg", "ES256"), ("kid", "k1")), claims, t => new byte[64])));
        Assert.Equal(401, (await WhoAmIAsync(server, OidcIssuer.Sign(JsonObject.Of(("alg", "ES256"), ("kid", "k1"), ("crit", JsonArray.Of("b64"))), claims, t => new byte[64]))).Code);
    }

    [Fact]
    public async Task Each_issuer_speaks_for_itself_only()
    {
        await using var other = await OidcIssuer.StartAsync();
        await using var server = await StartWith(Head + _issuer.Config(Plain) + other.Config("username: {claim: sub, prefix: \"other:\"}"));

        Assert.Equal("oidc:ann", (await WhoAmIAsync(server, _issuer.Token(("sub", "ann")))).Text("status", "userInfo", "username"));
        Assert.Equal("other:ann", (await WhoAmIAsync(server, other.Token(("sub", "ann")))).Text("status", "userInfo", "username"));
        Assert.Contains("failed to verify", await ErrorAsync(server, other.Token(("sub", "ann"), ("iss", _issuer.Url))));
    }

    [Fact]
    public async Task An_issuer_that_says_it_is_another_is_not_believed()
    {
        _issuer.Says = "https://elsewhere.example.com";
        await using var server = await StartWith(Head + _issuer.Config(Plain));

        Assert.Contains("issuer did not match the issuer returned by provider", await ErrorAsync(server, _issuer.Token(("sub", "ann"))));
    }

    [Fact]
    [Trait("Attack", "CEL cost bombs")]
    public async Task A_bomb_among_claims_costs_no_more_than_an_expression_may()
    {
        await using var server = await StartWith(Head + _issuer.Config("username: {expression: \"claims.l.map(a, claims.l.map(b, claims.l.map(c, a + b + c))).size() > 0 ? claims.sub : 'x'\"}"));

        Assert.Contains("cost budget", await ErrorAsync(server, _issuer.Token(("sub", "ann"), ("l", new JsonArray([.. Enumerable.Range(0, 400).Select(i => (JsonValue)"aaaaaaaa")])))));
    }

    [Fact]
    public async Task The_file_is_taken_over_when_it_changes_and_not_when_it_is_wrong()
    {
        await using var server = await StartWith(Head + _issuer.Config(Plain));
        string token = _issuer.Token(("sub", "ann"));
        Assert.Equal("oidc:ann", (await WhoAmIAsync(server, token)).Text("status", "userInfo", "username"));

        _folder.Write("authn.yaml", Head + _issuer.Config("username: {claim: sub}"));
        Assert.False(server.Security.Reload());
        Assert.Equal("oidc:ann", (await WhoAmIAsync(server, token)).Text("status", "userInfo", "username"));
        _folder.Write("authn.yaml", Head + _issuer.Config("username: {claim: sub, prefix: \"new:\"}"));
        Assert.True(server.Security.Reload());
        Assert.Equal("new:ann", (await WhoAmIAsync(server, token)).Text("status", "userInfo", "username"));
        _folder.Write("authn.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n");
        Assert.True(server.Security.Reload());
        Assert.Equal(401, (await WhoAmIAsync(server, token)).Code);
    }

    [Fact]
    public async Task Nobody_is_anonymous_but_where_the_file_says_so()
    {
        await using var server = await StartWith("apiVersion: apiserver.config.k8s.io/v1beta1\nkind: AuthenticationConfiguration\nanonymous: {enabled: true, conditions: [{path: /livez}]}\n");
        await server.BindAsync("public", Group("system:unauthenticated"), new Hanbae.Api.Rbac.V1.PolicyRule { Verbs = ["get"], NonResourceURLs = ["/livez", "/readyz"] });

        Assert.Equal(200, (await server.Http.GetAsync("/livez")).Code);
        Assert.Equal(401, (await server.Http.GetAsync("/readyz")).Code);
        _folder.Write("authn.yaml", "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: false}\n");
        server.Security.Reload();
        Assert.Equal(401, (await server.Http.GetAsync("/livez")).Code);
    }
}
