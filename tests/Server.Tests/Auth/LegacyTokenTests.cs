using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Auth.Tokens;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Tokens in Secrets: as long as the Secret holds them.</summary>
public sealed class LegacyTokenTests : IAsyncLifetime
{
    readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    SecureServer _server = null!;
    string _token = "";

    public async Task InitializeAsync()
    {
        _server = await StartAsync(o => o with { ServiceAccountKeys = [TokenKey.Of(_key)] });
        await _server.BindAsync("whoami", Group("system:authenticated"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"));
        _token = LegacyTokens.Make(TokenKey.Of(_key), await _server.GetAsync<ServiceAccount>("default", "default"), "mine");
        await _server.MakeAsync(SecretWith(_token));
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _key.Dispose();
    }

    static Secret SecretWith(string token) => new()
    {
        Metadata = new() { Name = "mine", Namespace = "default", Annotations = Map.Of(("kubernetes.io/service-account.name", "default")) }, Type = "kubernetes.io/service-account-token", Data = Map.Of(("token", Bytes.FromText(token))),
    };

    Task<TestServer.Answer> WhoAmIAsync(string token) =>
        _server.Http.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}", headers: ("Authorization", "Bearer " + token));

    [Fact]
    public async Task The_token_of_a_Secret_is_its_account_and_the_day_is_noted()
    {
        Assert.Equal("system:serviceaccount:default:default", (await WhoAmIAsync(_token)).Text("status", "userInfo", "username"));
        Assert.Equal(_server.Clock.Now.ToString("yyyy-MM-dd"), (await _server.GetAsync<Secret>("default", "mine")).Metadata.Labels["kubernetes.io/legacy-token-last-used"]);
    }

    [Fact]
    public async Task Who_uses_one_that_was_made_for_every_account_is_told_so()
    {
        Assert.False((await WhoAmIAsync(_token)).Headers.Contains("Warning"));
        var account = await _server.GetAsync<ServiceAccount>("default", "default");
        Good(await _server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/serviceaccounts/default", account with { Secrets = [new() { Name = "mine" }] }));

        var answer = await WhoAmIAsync(_token);

        Assert.Equal(["299 - \"Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.\""], answer.Headers.GetValues("Warning"));
    }

    [Fact]
    public async Task It_ends_with_its_Secret()
    {
        Assert.Equal(201, (await WhoAmIAsync(_token)).Code);
        Good(await _server.DeleteAsync<Secret>(Admin, "default", "mine"));
        Assert.Equal(401, (await WhoAmIAsync(_token)).Code);
        await _server.MakeAsync(SecretWith("another"));
        Assert.Equal(401, (await WhoAmIAsync(_token)).Code);
    }

    [Fact]
    public async Task It_ends_with_its_account_and_when_it_is_marked()
    {
        var secret = await _server.GetAsync<Secret>("default", "mine");
        Good(await _server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/secrets/mine", secret with { Metadata = secret.Metadata with { Labels = Map.Of(("kubernetes.io/legacy-token-invalid-since", "2026-01-01")) } }));
        Assert.Equal(401, (await WhoAmIAsync(_token)).Code);
        secret = await _server.GetAsync<Secret>("default", "mine");
        Good(await _server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/secrets/mine", secret with { Metadata = secret.Metadata with { Labels = default } }));
        Assert.Equal(201, (await WhoAmIAsync(_token)).Code);

        Good(await _server.DeleteAsync<ServiceAccount>(Admin, "default", "default"));
        Assert.Equal(401, (await WhoAmIAsync(_token)).Code);
    }
}
