using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Admission.Configuration;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Plugins that few turn on, and rare cases of those that are on.</summary>
public sealed class RarePluginTests
{
    static Task<SecureServer> WithAsync(string enable, AdmissionConfiguration? configuration = null, string disable = "") => StartAsync(o => o with
    {
        Admission = new() { Enable = enable.Split(',', StringSplitOptions.RemoveEmptyEntries).ToSeq(), Disable = disable.Split(',', StringSplitOptions.RemoveEmptyEntries).ToSeq(), Configuration = configuration ?? new() },
    });

    static AdmissionConfiguration Configured(string plugins) => AdmissionConfiguration.Parse("apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n" + plugins, _ => "");

    static ConfigMap Map_(string name, string ns = "default") => new() { Metadata = new() { Name = name, Namespace = ns } };

    [Fact]
    public async Task What_denies_everything_denies_every_write_and_no_read()
    {
        // The server's own set-up is a write, too: it is made before.
        var security = new Hanbae.Server.Auth.Security(new() { Admission = new() { Enable = ["AlwaysDeny"] } });
        await using var server = await TestServer.StartAsync(security.AddTo);
        security.Objects.Attach(server.Server.Resources.Stored);
        async Task<Api.Rest.ApiResult> AskAsync(string method, string path, IKind? body = null) => await server.Server.Transport.SendAsync(new() { Method = method, Path = path, Object = body, Identity = Admin }, CancellationToken.None);
        var refused = await AskAsync("POST", "/api/v1/namespaces", new Namespace { Metadata = new() { Name = "one" } });
        Assert.Equal((403, "namespaces \"one\" is forbidden: admission control is denying all modifications"), (refused.Code, Message(refused)));
        Assert.Equal(200, (await AskAsync("GET", "/api/v1/namespaces")).Code);
        security.Dispose();
    }

    [Fact]
    public async Task What_admits_everything_turns_nobody_else_off()
    {
        await using var server = await WithAsync("AlwaysAdmit");
        Assert.Equal(404, (await server.CreateAsync(Admin, Map_("a", "nowhere"))).Code);
        await server.MakeAsync(Map_("a"));
    }

    [Fact]
    public async Task Nothing_is_made_in_a_namespace_that_is_not_there_even_without_its_lifecycle()
    {
        await using var server = await WithAsync("NamespaceExists", disable: "NamespaceLifecycle");
        var answer = await server.CreateAsync(Admin, Map_("a", "nowhere"));
        Assert.Equal((404, "namespaces \"nowhere\" not found"), (answer.Code, Message(answer)));
        await server.MakeAsync(Map_("a"));
        await server.MakeAsync(new Namespace { Metadata = new() { Name = "somewhere" } });
        await server.MakeAsync(Map_("a", "somewhere"));
    }

    [Fact]
    public async Task Pods_keep_others_off_their_node_and_no_further()
    {
        static Pod Apart(string name, string key) => Pod(name) with
        {
            Spec = Pod(name).Spec with { Affinity = new() { PodAntiAffinity = new() { RequiredDuringSchedulingIgnoredDuringExecution = [new() { TopologyKey = key, LabelSelector = new() { MatchLabels = Map.Of(("a", "b")) } }] } } },
        };
        await using var server = await WithAsync("LimitPodHardAntiAffinityTopology");
        await server.MakeAsync(Apart("a", "kubernetes.io/hostname"));
        var refused = await server.CreateAsync(Admin, Apart("b", "topology.kubernetes.io/zone"));
        Assert.Equal((403, "pods \"b\" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey topology.kubernetes.io/zone but only key kubernetes.io/hostname is allowed"), (refused.Code, Message(refused)));
    }

    [Fact]
    public async Task What_is_limited_needs_a_quota_that_covers_it()
    {
        await using var server = await WithAsync("", Configured("""
            - name: ResourceQuota
              configuration:
                apiVersion: apiserver.config.k8s.io/v1
                kind: ResourceQuotaConfiguration
                limitedResources:
                - resource: persistentvolumeclaims
                  matchContains: [.storageclass.storage.k8s.io/requests.storage]
                - resource: pods
                  matchScopes: [{scopeName: PriorityClass, operator: In, values: [dear]}]
            """));
        await server.MakeAsync(new Api.Scheduling.V1.PriorityClass { Metadata = new() { Name = "dear" }, Value = 10 });
        var claim = new PersistentVolumeClaim
        {
            Metadata = new() { Name = "c", Namespace = "default" },
            Spec = new() { AccessModes = ["ReadWriteOnce"], StorageClassName = "gold", Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Gi"))) } },
        };
        var refused = await server.CreateAsync(Admin, claim);
        Assert.Equal((403, "persistentvolumeclaims \"c\" is forbidden: insufficient quota to consume: gold.storageclass.storage.k8s.io/requests.storage"), (refused.Code, Message(refused)));
        // No class, no limit.
        await server.MakeAsync(claim with { Metadata = claim.Metadata with { Name = "plain" }, Spec = claim.Spec with { StorageClassName = "" } });
        var dear = Pod("dear") with { Spec = Pod("dear").Spec with { PriorityClassName = "dear" } };
        refused = await server.CreateAsync(Admin, dear);
        Assert.Equal((403, "pods \"dear\" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [dear]}]"), (refused.Code, Message(refused)));
        await server.MakeAsync(Pod("cheap"));

        var hard = Map.Of(("gold.storageclass.storage.k8s.io/requests.storage", Quantity.Parse("5Gi")));
        await server.MakeAsync(new ResourceQuota { Metadata = new() { Name = "gold", Namespace = "default" }, Spec = new() { Hard = hard } });
        var quota = await server.GetAsync<ResourceQuota>("default", "gold");
        Good(await server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/resourcequotas/gold/status", quota with { Status = new() { Hard = hard, Used = Map.Of(("gold.storageclass.storage.k8s.io/requests.storage", Quantity.Parse("0"))) } }));
        await server.MakeAsync(claim);
    }

    [Fact]
    public async Task Limits_default_by_what_the_range_says_and_then_by_its_bounds()
    {
        await using var server = await WithAsync("");
        await server.MakeAsync(new LimitRange
        {
            Metadata = new() { Name = "l", Namespace = "default" },
            Spec = new()
            {
                Limits =
                [
                    new() { Type = "Container", Max = Map.Of(("cpu", Quantity.Parse("2")), ("memory", Quantity.Parse("1Gi"))), Min = Map.Of(("cpu", Quantity.Parse("100m"))), MaxLimitRequestRatio = Map.Of(("cpu", Quantity.Parse("4"))), Default = Map.Of(("cpu", Quantity.Parse("1"))), DefaultRequest = Map.Of(("cpu", Quantity.Parse("500m"))) },
                    new() { Type = "Pod", Max = Map.Of(("cpu", Quantity.Parse("3"))) },
                ],
            },
        });
        var resources = (await server.MakeAsync(Pod("a"))).Spec.Containers[0].Resources;
        Assert.Equal(("1", "500m", "1Gi", "1Gi"), (resources.Limits["cpu"].ToString(), resources.Requests["cpu"].ToString(), resources.Limits["memory"].ToString(), resources.Requests["memory"].ToString()));
        async Task<string> RefusedAsync(Map<Quantity> requests, Map<Quantity> limits, int containers = 1, bool init = false)
        {
            Container[] all = [.. Enumerable.Range(0, containers).Select(i => new Container { Name = "c" + i, Image = "x", Resources = new() { Requests = requests, Limits = limits } })];
            var answer = await server.CreateAsync(Admin, Pod("b") with { Spec = init ? new() { Containers = [new() { Name = "main", Image = "x" }], InitContainers = all.ToSeq() } : new() { Containers = all.ToSeq() } });
            Assert.Equal(403, answer.Code);
            return Message(answer);
        }
        static Map<Quantity> Cpu(string text) => Map.Of(("cpu", Quantity.Parse(text)));
        const string pods = "pods \"b\" is forbidden: ";
        Assert.Equal(pods + "minimum cpu usage per Container is 100m, but request is 50m", await RefusedAsync(Cpu("50m"), Cpu("200m")));
        Assert.Equal(pods + "[maximum cpu usage per Container is 2, but limit is 3, cpu max limit to request ratio per Container is 4, but provided ratio is 6.000000]", await RefusedAsync(Cpu("500m"), Cpu("3")));
        Assert.Equal(pods + "[maximum cpu usage per Container is 2, but limit is 3, cpu max limit to request ratio per Container is 4, but provided ratio is 6.000000]", await RefusedAsync(Cpu("500m"), Cpu("3"), init: true));
        Assert.Equal(pods + "maximum cpu usage per Pod is 3, but limit is 4", await RefusedAsync(Cpu("1"), Cpu("2"), containers: 2));
        // Of a bound alone for claims, and ranges of other namespaces say nothing.
        await server.MakeAsync(new Namespace { Metadata = new() { Name = "free" } });
        await server.MakeAsync(new ServiceAccount { Metadata = new() { Name = "default", Namespace = "free" } });
        Assert.True((await server.MakeAsync(Pod("a", "free"))).Spec.Containers[0].Resources.Limits.IsEmpty);
    }

    [Fact]
    public async Task Webhooks_are_shown_the_user_that_the_configuration_has_for_their_host()
    {
        using var folder = new TestFolder();
        var seen = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var hook = await HttpsServer.StartAsync((http, body) =>
        {
            seen.Enqueue($"{http.Request.Path} {http.Request.Headers.Authorization}");
            var review = (Api.Json.JsonObject)Api.Json.JsonValue.Parse(body);
            return review.With("response", Api.Json.JsonObject.Of(("uid", ((Api.Json.JsonObject)review["request"]!)["uid"]!), ("allowed", true)));
        });
        string mutating = folder.Write("mutating.yaml", $$"""
            apiVersion: v1
            kind: Config
            users:
            - {name: "localhost:{{hook.Address.Port}}", user: {token: exact} }
            - {name: "*", user: {token: anybody} }
            """);
        string validating = folder.Write("validating.yaml", "apiVersion: v1\nkind: Config\nusers:\n- {name: \"*\", user: {username: me, password: secret}}\n");
        await using var server = await WithAsync("", Configured($$"""
            - name: MutatingAdmissionWebhook
              configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: {{mutating}} }
            - name: ValidatingAdmissionWebhook
              configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: {{validating}} }
            """));
        Api.Admissionregistration.V1.WebhookClientConfig Client(string path) => new() { Url = hook.Address + path, CaBundle = Bytes.FromText(hook.Authority) };
        Api.Admissionregistration.V1.RuleWithOperations rule = new() { Operations = ["CREATE"], ApiGroups = [""], ApiVersions = ["v1"], Resources = ["configmaps"] };
        await server.MakeAsync(new Api.Admissionregistration.V1.MutatingWebhookConfiguration { Metadata = new() { Name = "m" }, Webhooks = [new() { Name = "m.example.com", ClientConfig = Client("m"), Rules = [rule], SideEffects = "None", AdmissionReviewVersions = ["v1"] }] });
        await server.MakeAsync(new Api.Admissionregistration.V1.ValidatingWebhookConfiguration { Metadata = new() { Name = "v" }, Webhooks = [new() { Name = "v.example.com", ClientConfig = Client("v"), Rules = [rule], SideEffects = "None", AdmissionReviewVersions = ["v1"] }] });
        await server.MakeAsync(Map_("a"));
        Assert.Equal(["/m Bearer exact", "/v Basic bWU6c2VjcmV0"], seen);
        Assert.Contains("must be an absolute file path", Assert.Throws<FormatException>(() => Configured("- {name: MutatingAdmissionWebhook, configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: here}}")).Message);
    }
}
