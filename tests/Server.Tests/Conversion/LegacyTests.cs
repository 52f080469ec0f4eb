using Hanbae.Kit;
using Hanbae.Server.Tests.Discovery;

namespace Hanbae.Server.Tests.Conversion;

/// <summary>Manifests of 2018 are taken, mean what they meant, and are kept as what they have become.</summary>
public sealed class LegacyTests
{
    const string Old = "/apis/extensions/v1beta1/namespaces/default/", Apps = "/apis/apps/v1/namespaces/default/", Networking = "/apis/networking.k8s.io/v1/namespaces/default/";
    const string Template = "\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}";

    static Task<TestServer> StartAsync() => TestServer.StartAsync(o => o with { LegacyApis = true });

    static string Body(string version, string kind, string spec) => $$"""{"kind":"{{kind}}","apiVersion":"{{version}}","metadata":{"name":"web"},"spec":{ {{spec}} } }""";

    [Fact]
    public async Task An_old_deployment_takes_its_selector_from_its_template()
    {
        await using var server = await StartAsync();
        var made = await server.PostAsync(Old + "deployments", Body("extensions/v1beta1", "Deployment", "\"rollbackTo\":{\"revision\":3}," + Template));
        Assert.Equal((201, "extensions/v1beta1"), (made.Code, made.Text("apiVersion")));
        Assert.Contains("299 - \"extensions/v1beta1 Deployment is deprecated in v1.8+, unavailable in v1.16+; use apps/v1 Deployment\"", made.Headers.GetValues("Warning"));
        var kept = await server.GetAsync(Apps + "deployments/web");
        Assert.False(kept.Headers.Contains("Warning"));
        Assert.Equal("""{"matchLabels":{"app":"web"}}""", kept.Text("spec", "selector"));
        Assert.Equal("""{"app":"web"}""", kept.Text("metadata", "labels"));
        Assert.Equal("""{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":1}}""", kept.Text("spec", "strategy"));
        Assert.Equal(("2147483647", "2147483647", ""), (kept.Text("spec", "revisionHistoryLimit"), kept.Text("spec", "progressDeadlineSeconds"), kept.Text("spec", "rollbackTo")));
    }

    [Theory]
    [InlineData("apps/v1beta1", "deployments", "Deployment", "spec.revisionHistoryLimit", "2")]
    [InlineData("apps/v1beta1", "statefulsets", "StatefulSet", "spec.updateStrategy.type", "OnDelete")]
    [InlineData("apps/v1beta1", "statefulsets", "StatefulSet", "spec.selector.matchLabels.app", "web")]
    [InlineData("extensions/v1beta1", "daemonsets", "DaemonSet", "spec.updateStrategy.type", "OnDelete")]
    [InlineData("extensions/v1beta1", "replicasets", "ReplicaSet", "spec.selector.matchLabels.app", "web")]
    public async Task Old_defaults_are_honoured(string version, string resource, string kind, string field, string value)
    {
        await using var server = await StartAsync();
        Assert.Equal(201, (await server.PostAsync($"/apis/{version}/namespaces/default/{resource}", Body(version, kind, Template))).Code);
        Assert.Equal(value, (await server.GetAsync(Apps + resource + "/web")).Text(field.Split('.')));
    }

    [Fact]
    public async Task An_old_ingress_has_its_backend_in_the_new_place_and_back()
    {
        await using var server = await StartAsync();
        const string rules = "\"backend\":{\"serviceName\":\"a\",\"servicePort\":\"http\"},\"rules\":[{\"http\":{\"paths\":[{\"path\":\"/\",\"backend\":{\"serviceName\":\"b\",\"servicePort\":80}}]}}]";
        Assert.Equal(201, (await server.PostAsync(Old + "ingresses", Body("extensions/v1beta1", "Ingress", rules))).Code);
        Assert.Equal("""{"defaultBackend":{"service":{"name":"a","port":{"name":"http"}}},"rules":[{"http":{"paths":[{"path":"/","pathType":"ImplementationSpecific","backend":{"service":{"name":"b","port":{"number":80}}}}]}}]}""",
            (await server.GetAsync(Networking + "ingresses/web")).Text("spec"));
        Assert.Equal("""{"backend":{"serviceName":"a","servicePort":"http"},"rules":[{"http":{"paths":[{"path":"/","pathType":"ImplementationSpecific","backend":{"serviceName":"b","servicePort":80}}]}}]}""",
            (await server.GetAsync(Old + "ingresses/web")).Text("spec"));
    }

    [Fact]
    public async Task An_empty_selector_of_an_old_budget_selects_nothing()
    {
        await using var server = await StartAsync();
        const string path = "/namespaces/default/poddisruptionbudgets";
        Assert.Equal(201, (await server.PostAsync("/apis/policy/v1beta1" + path, Body("policy/v1beta1", "PodDisruptionBudget", "\"selector\":{}"))).Code);
        Assert.Equal("pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match", (await server.GetAsync("/apis/policy/v1" + path + "/web")).Text("spec", "selector", "matchExpressions", "0", "key"));
        Assert.Equal("{}", (await server.GetAsync("/apis/policy/v1beta1" + path + "/web")).Text("spec", "selector"));
    }

    [Fact]
    public async Task Nothing_of_old_is_served_unless_wanted()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(404, (await server.PostAsync(Old + "deployments", Body("extensions/v1beta1", "Deployment", Template))).Code);
    }

    [Theory, Kubectl("1.27"), Kubectl("1.33")]
    public async Task Kubectl_applies_manifests_of_2018(string kubectl)
    {
        await using var session = await KubectlSession.StartAsync(kubectl, legacy: true);
        await session.RunAsync("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}}""", "create", "-f", "-");
        string folder = Path.Combine(Repository.Root, "examples", "legacy");
        foreach (string file in Directory.EnumerateFiles(folder, "*.yaml"))
        {
            string made = await session.RunAsync("", "apply", "-n", "default", "-f", file);
            Assert.DoesNotContain("unchanged", made);
            Assert.Contains("Warning: ", session.Errors);
            // A list without keys that got defaults is sent again each time, as to upstream: that is configured, and nothing changes.
            string again = await session.RunAsync("", "apply", "-n", "default", "-f", file);
            Assert.DoesNotContain("created", again);
            foreach (string line in again.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                if (!line.StartsWith("ingress.", StringComparison.Ordinal) && !line.StartsWith("networkpolicy.", StringComparison.Ordinal)) Assert.EndsWith("unchanged", line);
        }
        Assert.Contains("use apps/v1 Deployment", (await session.RunAsync("", "get", "deployments.v1beta1.extensions", "guestbook", "-n", "default")) + session.Errors);
        foreach (string format in (string[])["plaintext", "plaintext-openapiv2"])
            Assert.Matches(@"progressDeadlineSeconds\s+<integer>", await session.RunAsync("", "explain", "deployments.spec", "--api-version=apps/v1beta2", "--output=" + format));
        // Kubectl's own choice is never an old one.
        string shown = await session.RunAsync("", "get", "deployments,ingresses", "-n", "default");
        Assert.Matches(@"deployment.apps/guestbook\s+0/2", shown);
        Assert.Matches(@"ingress.networking.k8s.io/guestbook\s+<none>\s+guestbook.example.com", shown);
        await session.RunAsync("", "scale", "deployment/guestbook", "--replicas=5", "-n", "default");
        string patched = await session.RunAsync("", "get", "deployments.v1beta1.extensions", "guestbook", "-n", "default", "-o", "jsonpath={.spec.replicas} {.apiVersion}");
        Assert.Equal("5 extensions/v1beta1", patched);
        await session.RunAsync("", "delete", "-n", "default", "--wait=false", "-f", Path.Combine(folder, "extensions.yaml"));
        Assert.Equal("", (await session.RunAsync("", "get", "ingresses", "-n", "default", "-o", "name")).Trim());
    }
}
