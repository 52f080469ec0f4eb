using Hanbae.Api.Json;
using Hanbae.Server.Auth.Webhooks;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Auth;

/// <summary>Tokens that somebody else knows.</summary>
public sealed class TokenWebhookTests : IAsyncLifetime
{
    readonly TestFolder _folder = new();
    HttpsServer _hook = null!;
    SecureServer _server = null!;
    int _asked;
    string[] _audiences = [];

    public async Task InitializeAsync()
    {
        _hook = await HttpsServer.StartAsync((http, body) =>
        {
            Interlocked.Increment(ref _asked);
            var review = (JsonObject)JsonValue.Parse(body);
            string token = ((JsonString)((JsonObject)review["spec"]!)["token"]!).Value;
            if (http.Request.Headers.Authorization != "Bearer mine") return null;
            return review.With("status", token != "good" ? JsonObject.Of(("authenticated", false), ("error", "never heard of it")) : JsonObject.Of(("authenticated", true),
                ("user", JsonObject.Of(("username", "ann"), ("uid", "u1"), ("groups", JsonArray.Of("devs")), ("extra", JsonObject.Of(("a.io/b", JsonArray.Of("c")))))),
                ("audiences", new JsonArray([.. _audiences.Select(a => (JsonValue)a)]))));
        });
        string file = _folder.Write("hook.yaml", _hook.Kubeconfig("/tokens", "{token: mine}"));
        _server = await StartAsync(o => o with { TokenWebhook = new(file) });
        await _server.BindAsync("whoami", Group("system:authenticated"), Rule("create", "authentication.k8s.io", "selfsubjectreviews"));
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _hook.DisposeAsync();
        _folder.Dispose();
    }

    Task<TestServer.Answer> WhoAmIAsync(string token) =>
        _server.Http.SendAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{\"kind\":\"SelfSubjectReview\",\"apiVersion\":\"authentication.k8s.io/v1\"}", headers: ("Authorization", "Bearer " + token));

    [Fact]
    public async Task Whom_the_webhook_knows_comes_in_and_is_remembered_for_two_minutes()
    {
        Assert.Equal("{\"username\":\"ann\",\"uid\":\"u1\",\"groups\":[\"devs\",\"system:authenticated\"],\"extra\":{\"a.io/b\":[\"c\"]}}", (await WhoAmIAsync("good")).Text("status", "userInfo"));
        await WhoAmIAsync("good");
        Assert.Equal(1, _asked);
        _server.Clock.Now += TimeSpan.FromSeconds(121);
        await WhoAmIAsync("good");
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task Whom_it_does_not_know_stays_out()
    {
        Assert.Equal(401, (await WhoAmIAsync("bad")).Code);
        await _hook.DisposeAsync();
        Assert.Equal(401, (await WhoAmIAsync("good")).Code);
    }

    [Fact]
    public async Task A_token_for_others_is_no_token_here()
    {
        _audiences = ["elsewhere"];
        Assert.Equal(401, (await WhoAmIAsync("good")).Code);
    }
}
