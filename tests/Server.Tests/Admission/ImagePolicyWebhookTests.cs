using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Server.Admission.Configuration;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Somebody else says which images may run.</summary>
public sealed class ImagePolicyWebhookTests : IAsyncLifetime
{
    readonly TestFolder _folder = new();
    readonly List<JsonObject> _seen = [];
    HttpsServer _hook = null!;

    public async Task InitializeAsync() => _hook = await HttpsServer.StartAsync((http, body) =>
    {
        var review = (JsonObject)JsonValue.Parse(body);
        lock (_seen) _seen.Add(review);
        if (http.Request.Headers.Authorization != "Bearer mine") return null;
        bool bad = review.ToString()!.Contains("evil", StringComparison.Ordinal);
        return review.With("status", JsonObject.Of(("allowed", !bad), ("reason", bad ? "it is evil" : "")));
    });

    public async Task DisposeAsync()
    {
        await _hook.DisposeAsync();
        _folder.Dispose();
    }

    Task<SecureServer> ServerAsync(string more = "")
    {
        string file = _folder.Write("images.yaml", _hook.Kubeconfig("/images", "{token: mine}"));
        var configuration = AdmissionConfiguration.Parse($$"""
            apiVersion: apiserver.config.k8s.io/v1
            kind: AdmissionConfiguration
            plugins:
            - name: ImagePolicyWebhook
              configuration: {imagePolicy: {kubeConfigFile: {{file}}, allowTTL: 50, denyTTL: 50, retryBackoff: 1{{more}} } }
            """, _ => throw new IOException("no other file is named"));
        return StartAsync(o => o with { Admission = new() { Enable = ["ImagePolicyWebhook"], Configuration = configuration } });
    }

    static Pod Of(string name, string image, params (string, string)[] annotations) =>
        Pod(name) with { Metadata = new() { Name = name, Namespace = "default", Annotations = Map.Of(annotations) }, Spec = new() { Containers = [new() { Name = "main", Image = image }] } };

    [Fact]
    public async Task Images_are_asked_about_and_answers_hold_for_a_while()
    {
        await using var server = await ServerAsync();
        await server.MakeAsync(Of("a", "good/app:1", ("x.image-policy.k8s.io/break-glass", "ticket"), ("other", "no")));
        var spec = (JsonObject)_seen.Single()["spec"]!;
        Assert.Equal("""{"containers":[{"image":"good/app:1"}],"annotations":{"x.image-policy.k8s.io/break-glass":"ticket"},"namespace":"default"}""", spec.ToString());
        var refused = await server.CreateAsync(Admin, Of("b", "evil/app:1"));
        Assert.Equal((403, "pods \"b\" is forbidden: image policy webhook backend denied one or more images: it is evil"), (refused.Code, Message(refused)));
        Assert.Equal(403, (await server.CreateAsync(Admin, Of("c", "evil/app:1"))).Code);
        Assert.Equal(2, _seen.Count);
        server.Clock.Now += TimeSpan.FromSeconds(51);
        Assert.Equal(403, (await server.CreateAsync(Admin, Of("c", "evil/app:1"))).Code);
        Assert.Equal(3, _seen.Count);
    }

    [Fact]
    public async Task A_running_Pod_s_new_image_is_asked_about_and_its_old_one_is_not()
    {
        await using var server = await ServerAsync();
        var pod = await server.MakeAsync(Of("a", "good/app:1"));
        Assert.Equal(200, (await server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/pods/a", pod with { Metadata = pod.Metadata with { Labels = Map.Of(("a", "b")) } })).Code);
        Assert.Single(_seen);
        pod = await server.GetAsync<Pod>("default", "a");
        Assert.Equal(403, (await server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/pods/a", pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { Image = "evil/app:2" }] } })).Code);
    }

    [Theory]
    [InlineData("", 403)]
    [InlineData(", defaultAllow: true", 201)]
    public async Task When_nobody_answers_the_configuration_says(string more, int code)
    {
        await using var server = await ServerAsync(more);
        await _hook.DisposeAsync();
        Assert.Equal(code, (await server.CreateAsync(Admin, Of("a", "good/app:1"))).Code);
    }
}
