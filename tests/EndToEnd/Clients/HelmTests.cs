using System.Text.Json;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Clients;

/// <summary>What Helm 3 sends, in its order, since no registry here has Helm itself: install, upgrade, rollback, uninstall of one release.</summary>
[Collection(ClientCluster.Name)]
public sealed class HelmTests(ClientCluster shared)
{
    const string Namespace = "helm", Secrets = $"/api/v1/namespaces/{Namespace}/secrets", Deployments = $"/apis/apps/v1/namespaces/{Namespace}/deployments",
        Manager = "?fieldManager=helm", Strategic = "application/strategic-merge-patch+json";

    [ClientFact]
    public async Task A_release_is_installed_upgraded_rolled_back_and_uninstalled()
    {
        await shared.Cluster.KubectlAsync("create", "namespace", Namespace);
        using var api = await RawApi.OfAsync(shared.Cluster);

        // What there is, and what shape it has.
        Assert.Equal("1", (await GetAsync(api, "/version")).GetProperty("major").GetString());
        Assert.Contains((await GetAsync(api, "/apis")).GetProperty("groups").EnumerateArray(), g => g.GetProperty("name").GetString() == "apps");
        Assert.Contains((await GetAsync(api, "/apis/apps/v1")).GetProperty("resources").EnumerateArray(), r => r.GetProperty("name").GetString() == "deployments");
        Assert.True((await GetAsync(api, "/openapi/v2")).GetProperty("definitions").TryGetProperty("io.k8s.api.apps.v1.Deployment", out _));

        // Install: no release of that name, nothing in the way, the record first, the objects, their readiness, the record again.
        Assert.Empty(await ReleasesAsync(api));
        Assert.Equal(404, (await api.SendAsync(HttpMethod.Get, Deployments + "/web")).Code);
        await CreateAsync(api, Secrets, Release(1, "pending-install"));
        await CreateAsync(api, Deployments, Deployment("web:1", 2));
        await ReadyAsync(api, 2);
        await ReplaceAsync(api, Release(1, "deployed"));

        // Upgrade: the difference between what was, what is to be and what is there, as one patch.
        await CreateAsync(api, Secrets, Release(2, "pending-upgrade"));
        string patch = """{"spec":{"replicas":3,"template":{"spec":{"$setElementOrder/containers":[{"name":"web"}],"containers":[{"name":"web","image":"web:2","env":[{"name":"A","value":"1"}]}]}}}}""";
        var (code, patched) = await api.SendAsync(HttpMethod.Patch, $"{Deployments}/web{Manager}", patch, Strategic);
        Assert.Equal(200, code);
        Assert.Equal("web:2", Image(patched));
        Assert.Equal("IfNotPresent", patched.GetProperty("spec").GetProperty("template").GetProperty("spec").GetProperty("containers")[0].GetProperty("imagePullPolicy").GetString());
        await ReadyAsync(api, 3);
        await ReplaceAsync(api, Release(1, "superseded"));
        await ReplaceAsync(api, Release(2, "deployed"));
        Assert.Equal(["web.v1 superseded", "web.v2 deployed"], await ReleasesAsync(api));

        // Rollback: the first version's objects again, and a third record. A value that was added goes by its key.
        await CreateAsync(api, Secrets, Release(3, "pending-rollback"));
        string back = """{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"web","image":"web:1","env":[{"name":"A","$patch":"delete"}]}]}}}}""";
        (code, patched) = await api.SendAsync(HttpMethod.Patch, $"{Deployments}/web{Manager}", back, Strategic);
        Assert.Equal((200, "web:1"), (code, Image(patched)));
        Assert.False(patched.GetProperty("spec").GetProperty("template").GetProperty("spec").GetProperty("containers")[0].TryGetProperty("env", out _));
        await ReadyAsync(api, 2);

        // Uninstall: the objects, then every record.
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Delete, Deployments + "/web", """{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"}""")).Code);
        await Until.Async("no Pods", async () => (await GetAsync(api, $"/api/v1/namespaces/{Namespace}/pods?labelSelector=app%3Dweb")).GetProperty("items").GetArrayLength(), n => n == 0);
        for (int version = 1; version <= 3; version++) Assert.Equal(200, (await api.SendAsync(HttpMethod.Delete, $"{Secrets}/sh.helm.release.v1.web.v{version}")).Code);
        Assert.Empty(await ReleasesAsync(api));
    }

    static async Task<JsonElement> GetAsync(RawApi api, string path)
    {
        var (code, body) = await api.SendAsync(HttpMethod.Get, path);
        Assert.Equal(200, code);
        return body;
    }

    static async Task CreateAsync(RawApi api, string path, string body) => Assert.Equal(201, (await api.SendAsync(HttpMethod.Post, path + Manager, body)).Code);

    /// <summary>Helm reads no record before it writes it: an update without a resourceVersion.</summary>
    static async Task ReplaceAsync(RawApi api, string release)
    {
        string name = JsonDocument.Parse(release).RootElement.GetProperty("metadata").GetProperty("name").GetString()!;
        Assert.Equal(200, (await api.SendAsync(HttpMethod.Put, $"{Secrets}/{name}", release)).Code);
    }

    static async Task<IReadOnlyList<string>> ReleasesAsync(RawApi api) =>
    [
        .. (await GetAsync(api, Secrets + "?labelSelector=name%3Dweb%2Cowner%3Dhelm")).GetProperty("items").EnumerateArray().Select(s => s.GetProperty("metadata"))
            .Select(m => $"{m.GetProperty("name").GetString()![^6..]} {m.GetProperty("labels").GetProperty("status").GetString()}"),
    ];

    static Task ReadyAsync(RawApi api, int replicas) => Until.Async($"{replicas} updated and ready", async () =>
    {
        var web = await GetAsync(api, Deployments + "/web");
        var status = web.GetProperty("status");
        int Of(string name) => status.TryGetProperty(name, out var value) ? value.GetInt32() : 0;
        return (Of("observedGeneration") >= web.GetProperty("metadata").GetProperty("generation").GetInt32(), Of("updatedReplicas"), Of("readyReplicas"), Of("replicas"));
    }, seen => seen == (true, replicas, replicas, replicas));

    static string Image(JsonElement deployment) =>
        deployment.GetProperty("spec").GetProperty("template").GetProperty("spec").GetProperty("containers")[0].GetProperty("image").GetString()!;

    static string Release(int version, string status) => $$"""
        {"kind":"Secret","apiVersion":"v1","type":"helm.sh/release.v1","metadata":{"name":"sh.helm.release.v1.web.v{{version}}",
         "labels":{"name":"web","owner":"helm","status":"{{status}}","version":"{{version}}","createdAt":"1790000000"} },
         "data":{"release":"SDRzSUFBQUFBQUFDL3dBPQ=="} }
        """;

    static string Deployment(string image, int replicas) => $$"""
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels":{"app.kubernetes.io/managed-by":"Helm"},
          "annotations":{"meta.helm.sh/release-name":"web","meta.helm.sh/release-namespace":"helm"} },
         "spec":{"replicas":{{replicas}},"selector":{"matchLabels":{"app":"web"} },"template":{"metadata":{"labels":{"app":"web"} },
          "spec":{"containers":[{"name":"web","image":"{{image}}"}]} } } }
        """;
}
