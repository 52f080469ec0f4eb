using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Auth.Tokens;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>The key of service account tokens changes under a running server: those signed before are believed as long as their key is kept.</summary>
public sealed class TokenRotationTests : IAsyncLifetime
{
    static readonly TokenKey s_old = TokenKey.Of(ECDsa.Create(ECCurve.NamedCurves.nistP256)), s_new = TokenKey.Of(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    ImmutableArray<TokenKey> _keys = [s_old];
    SecureServer _server = null!;

    public async Task InitializeAsync() => _server = await StartAsync(o => o with { ServiceAccountKeys = [], CurrentServiceAccountKeys = () => _keys });

    public async Task DisposeAsync() => await _server.DisposeAsync();

    async Task<string> TokenAsync() =>
        ((TokenRequest)Good(await _server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/serviceaccounts/default/token", new TokenRequest { Spec = new() { ExpirationSeconds = 600 } })).Object!).Status.Token;

    async Task<bool> IsKnownAsync(string token) => ((TokenReview)Good(await _server.CallAsync(Admin, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", new TokenReview { Spec = new() { Token = token } })).Object!).Status.Authenticated;

    async Task<string[]> PublishedAsync()
    {
        var answer = Good(await _server.CallAsync(Admin, "GET", "/openid/v1/jwks"));
        return [.. JsonDocument.Parse(answer.Body).RootElement.GetProperty("keys").EnumerateArray().Select(k => k.GetProperty("kid").GetString()!)];
    }

    [Fact]
    public async Task Old_tokens_are_believed_while_their_key_is_kept_and_all_keys_are_published()
    {
        string before = await TokenAsync();
        Assert.True(await IsKnownAsync(before));
        Assert.Equal([s_old.Id], await PublishedAsync());

        _keys = [s_new, s_old];
        string after = await TokenAsync();
        Assert.True(await IsKnownAsync(before));
        Assert.True(await IsKnownAsync(after));
        Assert.Equal([s_new.Id, s_old.Id], await PublishedAsync());

        // What was found right before is not remembered beyond its key.
        _keys = [s_new];
        Assert.False(await IsKnownAsync(before));
        Assert.True(await IsKnownAsync(after));
        Assert.Equal([s_new.Id], await PublishedAsync());
    }

    [Fact]
    public async Task A_Secret_s_token_ends_with_its_key_too()
    {
        string token = LegacyTokens.Make(s_old, await _server.GetAsync<ServiceAccount>("default", "default"), "mine");
        await _server.MakeAsync(new Secret
        {
            Metadata = new() { Name = "mine", Namespace = "default", Annotations = Map.Of(("kubernetes.io/service-account.name", "default")) }, Type = "kubernetes.io/service-account-token",
            Data = Map.Of(("token", Bytes.FromText(token))),
        });
        _keys = [s_new, s_old];
        Assert.True(await IsKnownAsync(token));
        _keys = [s_new];
        Assert.False(await IsKnownAsync(token));
    }
}
