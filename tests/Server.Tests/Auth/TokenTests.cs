using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Tokens;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

public sealed class TokenTests : IAsyncLifetime
{
    SecureServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await StartAsync(o => o with { StaticTokens = StaticTokens.Parse("s3cret,bob,uid1,\"devs,ops\"\n") });
        await _server.BindAsync("whoami", Group("system:authenticated"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"));
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    async Task<TokenRequest> RequestAsync(TokenRequestSpec spec, string account = "default") =>
        (TokenRequest)Good(await _server.CallAsync(Admin, "POST", $"/api/v1/namespaces/default/serviceaccounts/{account}/token", new TokenRequest { Spec = spec })).Object!;

    Task<TestServer.Answer> WhoAmIAsync(string token) =>
        _server.Http.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}", headers: ("Authorization", "Bearer " + token));

    [Fact]
    public async Task A_token_makes_its_service_account()
    {
        var request = await RequestAsync(new());

        var answer = await WhoAmIAsync(request.Status.Token);

        Assert.Equal(201, answer.Code);
        Assert.Equal("system:serviceaccount:default:default", answer.Text("status", "userInfo", "username"));
        Assert.Equal("[\"system:serviceaccounts\",\"system:serviceaccounts:default\",\"system:authenticated\"]", answer.Text("status", "userInfo", "groups"));
        Assert.StartsWith("JTI=", answer.Text("status", "userInfo", "extra", "authentication.kubernetes.io/credential-id", "0"), StringComparison.Ordinal);
        Assert.Equal(3600, request.Spec.ExpirationSeconds);
        Assert.Equal(SecurityOptions.DefaultIssuer, request.Spec.Audiences[0]);
    }

    [Fact]
    public async Task A_token_ends_with_its_time()
    {
        string token = (await RequestAsync(new() { ExpirationSeconds = 600 })).Status.Token;
        Assert.Equal(201, (await WhoAmIAsync(token)).Code);

        _server.Clock.Now += TimeSpan.FromSeconds(615);

        var answer = await WhoAmIAsync(token);
        Assert.Equal(401, answer.Code);
        Assert.Equal("Unauthorized", answer.Message);
    }

    [Fact]
    public async Task A_token_ends_with_its_account_even_if_one_of_that_name_comes_again()
    {
        await _server.MakeAsync(new ServiceAccount { Metadata = new() { Name = "robot", Namespace = "default" } });
        string token = (await RequestAsync(new(), "robot")).Status.Token;
        Assert.Equal(201, (await WhoAmIAsync(token)).Code);

        Good(await _server.DeleteAsync<ServiceAccount>(Admin, "default", "robot"));
        Assert.Equal(401, (await WhoAmIAsync(token)).Code);
        await _server.MakeAsync(new ServiceAccount { Metadata = new() { Name = "robot", Namespace = "default" } });
        Assert.Equal(401, (await WhoAmIAsync(token)).Code);
    }

    [Fact]
    public async Task A_token_bound_to_a_Pod_says_so_and_ends_with_it()
    {
        var pod = await _server.MakeAsync(Pod("web"));
        var request = await RequestAsync(new() { ExpirationSeconds = 3607, BoundObjectRef = new() { Kind = "Pod", ApiVersion = "v1", Name = "web", Uid = pod.Metadata.Uid } });

        var answer = await WhoAmIAsync(request.Status.Token);
        Assert.Equal("web", answer.Text("status", "userInfo", "extra", "authentication.kubernetes.io/pod-name", "0"));
        Assert.Equal(pod.Metadata.Uid, answer.Text("status", "userInfo", "extra", "authentication.kubernetes.io/pod-uid", "0"));
        // Pods are told an hour, but clients that never read the file again keep working.
        Assert.Equal(_server.Clock.Now.ToUnixTimeSeconds() + 3607, request.Status.ExpirationTimestamp!.Value.ToUnixTimeSeconds());
        _server.Clock.Now += TimeSpan.FromDays(30);
        Assert.Equal(201, (await WhoAmIAsync(request.Status.Token)).Code);

        Good(await _server.DeleteAsync<Pod>(Admin, "default", "web"));
        Assert.Equal(401, (await WhoAmIAsync(request.Status.Token)).Code);
    }

    [Fact]
    public async Task What_a_token_is_asked_for_is_checked()
    {
        async Task<string> Refused(TokenRequestSpec spec) => Message(await _server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/serviceaccounts/default/token", new TokenRequest { Spec = spec }));

        Assert.Equal("TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes", await Refused(new() { ExpirationSeconds = 599 }));
        Assert.Equal("pods \"no\" not found", await Refused(new() { BoundObjectRef = new() { Kind = "Pod", ApiVersion = "v1", Name = "no" } }));
        Assert.Equal("cannot bind token to object of type v1, Kind=Service", await Refused(new() { BoundObjectRef = new() { Kind = "Service", ApiVersion = "v1", Name = "no" } }));
        Assert.Equal("serviceaccounts \"no\" not found", Message(await _server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/serviceaccounts/no/token", new TokenRequest())));
        Assert.Equal(405, (await _server.CallAsync(Admin, "GET", "/api/v1/namespaces/default/serviceaccounts/default/token")).Code);
    }

    [Fact]
    public async Task A_request_may_say_for_which_account_it_is()
    {
        async Task<(int, string)> AskAsync(Api.Meta.V1.ObjectMeta meta)
        {
            var result = await _server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/serviceaccounts/default/token", new TokenRequest { Metadata = meta });
            return (result.Code, Message(result));
        }
        var account = await _server.GetAsync<ServiceAccount>("default", "default");

        var told = (TokenRequest)Good(await _server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/serviceaccounts/default/token", new TokenRequest { Metadata = new() { Uid = account.Metadata.Uid } })).Object!;
        Assert.Equal(("default", "default", account.Metadata.Uid), (told.Metadata.Name, told.Metadata.Namespace, told.Metadata.Uid));
        Assert.Equal((409, $"Operation cannot be fulfilled on TokenRequest.authentication.k8s.io \"default\": the UID in the token request (other) does not match the UID of the service account ({account.Metadata.Uid})"), await AskAsync(new() { Uid = "other" }));
        Assert.Equal((422, "TokenRequest.authentication.k8s.io \"default\" is invalid: metadata.name: Invalid value: \"mine\": must match the service account name if specified"), await AskAsync(new() { Name = "mine" }));
        Assert.Equal((400, "the namespace of the provided object does not match the namespace sent on the request"), await AskAsync(new() { Namespace = "mine" }));
    }

    [Fact]
    public async Task A_token_lives_no_longer_than_the_server_allows()
    {
        await using var server = await StartAsync(o => o with { MaxTokenLifetime = TimeSpan.FromHours(2) });

        var told = (TokenRequest)Good(await server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/serviceaccounts/default/token", new TokenRequest { Spec = new() { ExpirationSeconds = 86400 } })).Object!;

        Assert.Equal(7200, told.Spec.ExpirationSeconds);
        Assert.Equal(server.Clock.Now.ToUnixTimeSeconds() + 7200, told.Status.ExpirationTimestamp!.Value.ToUnixTimeSeconds());
    }

    [Fact]
    public async Task A_token_for_others_is_no_token_here()
    {
        string token = (await RequestAsync(new() { Audiences = ["vault"] })).Status.Token;

        Assert.Equal(401, (await WhoAmIAsync(token)).Code);
        var here = await ReviewAsync(token);
        Assert.False(here.Authenticated);
        Assert.Contains("is invalid for the target audiences", here.Error, StringComparison.Ordinal);
        var there = await ReviewAsync(token, "vault", "other");
        Assert.True(there.Authenticated);
        Assert.Equal(["vault"], there.Audiences);
    }

    async Task<TokenReviewStatus> ReviewAsync(string token, params string[] audiences) =>
        ((TokenReview)Good(await _server.CreateAsync(Admin, new TokenReview { Spec = new() { Token = token, Audiences = audiences.Length == 0 ? default(Seq<string>) : audiences } })).Object!).Status;

    [Fact]
    public async Task A_forged_token_is_refused()
    {
        string token = (await RequestAsync(new())).Status.Token;
        string[] parts = token.Split('.');
        string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
        string claims = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1])).Replace("default:default", "kube-system:admin", StringComparison.Ordinal);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Assert.Equal(401, (await WhoAmIAsync($"{parts[0]}.{Encode(claims)}.{parts[2]}")).Code);
        Assert.Equal(401, (await WhoAmIAsync($"{Encode("{\"alg\":\"none\"}")}.{parts[1]}.")).Code);
        Assert.Equal(401, (await WhoAmIAsync($"{Encode("{\"alg\":\"HS256\"}")}.{parts[1]}.{parts[2]}")).Code);
        Assert.Equal(401, (await WhoAmIAsync(Jwt.Sign(TokenKey.Of(other), (JsonObject)JsonValue.Parse(Base64Url.DecodeFromChars(parts[1]))))).Code);
        Assert.Equal(401, (await WhoAmIAsync(token + "A")).Code);
        Assert.Equal(401, (await WhoAmIAsync("no-token-at-all")).Code);
    }

    [Fact]
    public async Task Keys_are_published_so_that_others_can_check_tokens()
    {
        await _server.BindAsync("discovery", Group("system:unauthenticated"), new Api.Rbac.V1.PolicyRule { Verbs = ["get"], NonResourceURLs = ["/openid/v1/jwks", "/.well-known/openid-configuration"] });
        string token = (await RequestAsync(new())).Status.Token;

        var keys = await _server.Http.GetAsync("/openid/v1/jwks");
        var configuration = await _server.Http.GetAsync("/.well-known/openid-configuration");

        Assert.Equal("application/jwk-set+json", keys.ContentType);
        Assert.Equal(SecurityOptions.DefaultIssuer, configuration.Text("issuer"));
        byte[] X(string name) => Base64Url.DecodeFromChars(keys.Text("keys", "0", name));
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = X("x"), Y = X("y") } });
        string[] parts = token.Split('.');
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256));
        Assert.Equal(keys.Text("keys", "0", "kid"), ((JsonString)((JsonObject)JsonValue.Parse(Base64Url.DecodeFromChars(parts[0])))["kid"]!).Value);
    }

    [Fact]
    public void RSA_keys_sign_and_check_too()
    {
        using var rsa = RSA.Create(2048);
        var key = TokenKey.FromPem(rsa.ExportPkcs8PrivateKeyPem());

        var token = Jwt.Parse(Jwt.Sign(key, JsonObject.Of(("sub", "x"))))!;

        Assert.Equal("RS256", token.Algorithm);
        Assert.True(TokenKey.FromPem(rsa.ExportSubjectPublicKeyInfoPem()).Verify(token.Signed, token.Signature));
        token.Signature[5] ^= 1;
        Assert.False(key.Verify(token.Signed, token.Signature));
    }

    [Fact]
    public async Task The_token_file_makes_users_with_groups()
    {
        var answer = await WhoAmIAsync("s3cret");

        Assert.Equal("bob", answer.Text("status", "userInfo", "username"));
        Assert.Equal("[\"devs\",\"ops\",\"system:authenticated\"]", answer.Text("status", "userInfo", "groups"));
        Assert.Equal([SecurityOptions.DefaultIssuer], (await ReviewAsync("s3cret")).Audiences);
        Assert.False((await ReviewAsync("s3cret", "elsewhere")).Authenticated);
    }

    [Fact]
    public async Task A_bootstrap_token_makes_a_bootstrapper_until_it_expires()
    {
        await _server.MakeAsync(new Secret
        {
            Metadata = new() { Name = "bootstrap-token-abcdef", Namespace = "kube-system" }, Type = "bootstrap.kubernetes.io/token",
            Data = Map.Of(("token-id", Bytes.FromText("abcdef")), ("token-secret", Bytes.FromText("0123456789abcdef")), ("usage-bootstrap-authentication", Bytes.FromText("true")),
                ("auth-extra-groups", Bytes.FromText("system:bootstrappers:kubeadm:default-node-token")), ("expiration", Bytes.FromText(_server.Clock.Now.AddHours(1).ToString("yyyy-MM-ddTHH:mm:ssZ")))),
        });

        var answer = await WhoAmIAsync("abcdef.0123456789abcdef");
        Assert.Equal("system:bootstrap:abcdef", answer.Text("status", "userInfo", "username"));
        Assert.Equal("[\"system:bootstrappers\",\"system:bootstrappers:kubeadm:default-node-token\",\"system:authenticated\"]", answer.Text("status", "userInfo", "groups"));
        Assert.Equal(401, (await WhoAmIAsync("abcdef.0123456789abcdee")).Code);
        _server.Clock.Now += TimeSpan.FromHours(2);
        Assert.Equal(401, (await WhoAmIAsync("abcdef.0123456789abcdef")).Code);
    }

    [Fact]
    public async Task A_user_acts_as_another_only_when_he_may()
    {
        Task<TestServer.Answer> As(string user) => _server.Http.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}", headers: [("Authorization", "Bearer s3cret"), ("Impersonate-User", user)]);

        var refused = await As("ann");
        Assert.Equal(403, refused.Code);
        Assert.Equal("selfsubjectreviews.authentication.k8s.io is forbidden: User \"bob\" cannot impersonate-on:user-info:create resource \"selfsubjectreviews\" in API group \"authentication.k8s.io\" at the cluster scope", refused.Message);

        await _server.BindAsync("impersonate", User("bob"), Rule("impersonate", "", "users", "ann"), Rule("impersonate", "", "serviceaccounts"));
        Assert.Equal("ann", (await As("ann")).Text("status", "userInfo", "username"));
        Assert.Equal(403, (await As("eve")).Code);
        Assert.Equal("[\"system:serviceaccounts\",\"system:serviceaccounts:default\",\"system:authenticated\"]", (await As("system:serviceaccount:default:robot")).Text("status", "userInfo", "groups"));
    }
}
