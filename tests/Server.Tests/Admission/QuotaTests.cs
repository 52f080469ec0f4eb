using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Server.Tests.Auth;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Quotas with all that keeps them: admission charges, the controller counts.</summary>
public sealed class QuotaTests : IAsyncLifetime
{
    const string Titles = "[sig-api-machinery] ResourceQuota should ";
    readonly CancellationTokenSource _stop = new();
    SecureServer _server = null!;
    InformerFactory _informers = null!;
    ICache<ResourceQuota> _quotas = null!;
    Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        var transport = new IdentityTransport(_server.Api.Transport, Admin, "tests");
        _informers = new(transport, TimeProvider.System);
        _quotas = _informers.Cache<ResourceQuota>();
        var access = new ClusterAccess(transport, _informers, "tests", TimeProvider.System);
        _running = Task.WhenAll(_informers.RunAsync(_stop.Token), Controllers.Catalog.RunAsync(_ => access, new() { Run = Controllers.ControllerChoice.Of(["resourcequota"]) }, _stop.Token));
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        await _server.DisposeAsync();
    }

    static Map<Quantity> Amounts(string text) => text.Length == 0 ? default : text.Split(',').Select(p => p.Split('=')).Select(p => KeyValuePair.Create(p[0], Quantity.Parse(p[1]))).ToMap();

    async Task<ResourceQuota> QuotaAsync(string hard, Seq<string> scopes = default, string name = "q")
    {
        await _server.MakeAsync(new ResourceQuota { Metadata = new() { Name = name, Namespace = "default" }, Spec = new() { Hard = Amounts(hard), Scopes = scopes } });
        return await UsedAsync(string.Join(',', Amounts(hard).Select(h => h.Key + "=0")), name);
    }

    /// <summary>Waits until that is used, and of all that is limited.</summary>
    async Task<ResourceQuota> UsedAsync(string used, string name = "q", string hard = "")
    {
        var (wanted, limits) = (Amounts(used), Amounts(hard));
        var found = new TaskCompletionSource<ResourceQuota>(TaskCreationOptions.RunContinuationsAsynchronously);
        string last = "";
        using var subscription = _quotas.Subscribe(e =>
        {
            if (e.New is not { } q || q.Metadata.Name != name) return;
            last = string.Join(',', q.Status.Used.Select(u => $"{u.Key}={u.Value}"));
            if (q.Status.Hard == q.Spec.Hard && limits.All(l => q.Status.Hard[l.Key] == l.Value) && wanted.All(w => q.Status.Used.TryGet(w.Key, out var u) && u == w.Value)) found.TrySetResult(q);
        });
        try { return await found.Task.WaitAsync(TimeSpan.FromSeconds(90)); }
        catch (TimeoutException) { throw new TimeoutException($"used is {last} and not {used}"); }
    }

    static Pod Asking(string name, string requests = "", string limits = "") => SecureServer.Pod(name) with
    {
        Spec = new() { Containers = [new() { Name = "c", Image = "example/app:1", Resources = new() { Requests = Amounts(requests), Limits = Amounts(limits) } }] },
    };

    async Task<string> RefusedAsync<T>(T obj) where T : class, IObject<T> => Message(await _server.CreateAsync(Admin, obj));

    [Fact]
    [Trait("Conformance", Titles + "create a ResourceQuota and ensure its status is promptly calculated. [Conformance]")]
    public async Task The_status_tells_limits_and_use() =>
        Assert.Equal(Amounts("pods=3,secrets=5,count/deployments.apps=1"), (await QuotaAsync("pods=3,secrets=5,count/deployments.apps=1")).Status.Hard);

    [Fact]
    [Trait("Conformance", Titles + "create a ResourceQuota and capture the life of a pod. [Conformance]")]
    public async Task A_Pod_costs_from_its_creation_until_it_is_gone()
    {
        await QuotaAsync("pods=2,requests.cpu=1,requests.memory=500Mi,requests.example.com/dongle=3");
        await _server.MakeAsync(Asking("a", "cpu=600m,memory=200Mi,example.com/dongle=2", "example.com/dongle=2"));
        await UsedAsync("pods=1,requests.cpu=600m,requests.memory=200Mi,requests.example.com/dongle=2");
        Assert.Equal("pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1", await RefusedAsync(Asking("b", "cpu=500m,memory=1Mi")));
        Assert.Equal("pods \"b\" is forbidden: failed quota: q: must specify requests.memory for: c", await RefusedAsync(Asking("b", "cpu=100m")));
        await _server.DeleteAsync<Pod>(Admin, "default", "a");
        await UsedAsync("pods=0,requests.cpu=0,requests.memory=0,requests.example.com/dongle=0");
    }

    [Fact]
    public async Task Devices_cost_the_same_by_whichever_name_they_are_asked_for()
    {
        const string Named = "requests.example.com/gpu", Implicit = "requests.deviceclass.resource.kubernetes.io/gpu", Class = "gpu.deviceclass.resource.k8s.io/devices", Claims = "count/resourceclaims.resource.k8s.io";
        static string Used(int claims, int named, int @implicit, int devices) => $"{Claims}={claims},{Named}={named},{Implicit}={@implicit},{Class}={devices}";
        await _server.MakeAsync(new DeviceClass { Metadata = new() { Name = "gpu" }, Spec = new() { ExtendedResourceName = "example.com/gpu" } });
        await QuotaAsync(Used(5, 5, 5, 5));
        var pod = await _server.MakeAsync(Asking("a", Named[9..] + "=2," + Implicit[9..] + "=1", Named[9..] + "=2," + Implicit[9..] + "=1"));
        await UsedAsync(Used(0, 2, 1, 0));
        static ResourceClaim Claim(string name, params long[] counts) => new()
        {
            Metadata = new() { Name = name, Namespace = "default" },
            Spec = new() { Devices = new() { Requests = [.. counts.Select((c, i) => new DeviceRequest { Name = "r" + i, Exactly = new() { DeviceClassName = "gpu", Count = c } })] } },
        };
        var made = Claim("made", 2, 1);
        await _server.MakeAsync(made with
        {
            Metadata = made.Metadata with
            {
                Annotations = Map.Of(("resource.kubernetes.io/extended-resource-claim", "true")),
                OwnerReferences = [new() { ApiVersion = "v1", Kind = "Pod", Name = "a", Uid = pod.Metadata.Uid, Controller = true }],
            },
        });
        await UsedAsync(Used(1, 3, 3, 3));
        await _server.MakeAsync(Claim("plain", 2));
        await UsedAsync(Used(2, 5, 5, 5));
        Assert.Equal($"pods \"b\" is forbidden: exceeded quota: q, requested: {Named}=1, used: {Named}=5, limited: {Named}=5", await RefusedAsync(Asking("b", Named[9..] + "=1", Named[9..] + "=1")));
        await _server.DeleteAsync<ResourceClaim>(Admin, "default", "plain");
        await UsedAsync(Used(1, 3, 3, 3));
    }

    [Fact]
    public async Task A_Pod_that_ended_costs_nothing_but_its_count()
    {
        await QuotaAsync("pods=1,count/pods=5");
        var pod = await _server.MakeAsync(Asking("a"));
        Assert.Equal("pods \"b\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1", await RefusedAsync(Asking("b")));
        Good(await _server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/pods/a/status", pod with { Status = pod.Status with { Phase = "Succeeded" } }));
        await UsedAsync("pods=0,count/pods=1");
        await _server.MakeAsync(Asking("b"));
    }

    [Fact]
    [Trait("Attack", "quota races")]
    public async Task Many_at_once_get_exactly_what_there_is()
    {
        await QuotaAsync("pods=7,count/pods=100");
        await QuotaAsync("requests.cpu=600m", name: "cpu");
        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => _server.CreateAsync(Admin, Asking("p" + i, "cpu=100m"))));
        Assert.Equal(6, results.Count(r => r.Code == 201));
        Assert.Equal(6, (await _server.GetAsync<ResourceQuota>("default", "q")).Status.Used["pods"].Value());
    }

    [Fact]
    [Trait("Conformance", Titles + "create a ResourceQuota and capture the life of a service. [Conformance]")]
    public async Task Services_cost_by_their_type_which_may_change()
    {
        await QuotaAsync("services=3,services.nodeports=1,services.loadbalancers=1");
        Service Made(string name, string type) => new() { Metadata = new() { Name = name, Namespace = "default" }, Spec = new() { Type = type, Ports = [new() { Port = 80 }] } };
        var cluster = await _server.MakeAsync(Made("a", "ClusterIP"));
        await _server.MakeAsync(Made("b", "NodePort"));
        Assert.Contains("exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1", await RefusedAsync(Made("c", "LoadBalancer")));
        var changed = await _server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/services/a", cluster with { Spec = cluster.Spec with { Type = "NodePort" } });
        Assert.Contains("exceeded quota: q", Message(changed));
        // Such as it will be again was it before the second came: that must be past.
        await UsedAsync("services=2,services.nodeports=1");
        await _server.DeleteAsync<Service>(Admin, "default", "b");
        await UsedAsync("services=1,services.nodeports=0");
        Good(await _server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/services/a", cluster with { Spec = cluster.Spec with { Type = "NodePort" } }));
        await _server.DeleteAsync<Service>(Admin, "default", "a");
        await UsedAsync("services=0,services.nodeports=0,services.loadbalancers=0");
    }

    async Task LivesAsync<T>(T obj, string name) where T : class, IObject<T>
    {
        await QuotaAsync(name + "=1");
        await _server.MakeAsync(obj);
        await UsedAsync(name + "=1");
        Assert.Contains($"exceeded quota: q, requested: {name}=1, used: {name}=1, limited: {name}=1", await RefusedAsync(obj.WithMetadata(obj.Metadata with { Name = "other" }) as T ?? obj));
        Good(await _server.CallAsync(Admin, "DELETE", Resources.Of<T>().Path("default", obj.Metadata.Name), new DeleteOptions { PropagationPolicy = "Background" }));
        await UsedAsync(name + "=0");
    }

    static PodTemplateSpec Template => new() { Metadata = new() { Labels = Map.Of(("app", "web")) }, Spec = new() { Containers = [new() { Name = "c", Image = "example/app:1" }] } };

    [Fact]
    [Trait("Conformance", Titles + "create a ResourceQuota and capture the life of a configMap. [Conformance]")]
    public Task ConfigMaps_are_counted() => LivesAsync(new ConfigMap { Metadata = new() { Name = "one", Namespace = "default" } }, "configmaps");

    [Fact]
    [Trait("Conformance", Titles + "create a ResourceQuota and capture the life of a secret. [Conformance]")]
    public Task Secrets_are_counted() => LivesAsync(new Secret { Metadata = new() { Name = "one", Namespace = "default" } }, "secrets");

    [Fact]
    [Trait("Conformance", Titles + "create a ResourceQuota and capture the life of a replication controller. [Conformance]")]
    public Task ReplicationControllers_are_counted() => LivesAsync(new ReplicationController
    {
        Metadata = new() { Name = "one", Namespace = "default" }, Spec = new() { Replicas = 0, Selector = Map.Of(("app", "web")), Template = Template },
    }, "replicationcontrollers");

    [Fact]
    [Trait("Conformance", Titles + "create a ResourceQuota and capture the life of a replica set. [Conformance]")]
    public Task Objects_of_any_group_are_counted() => LivesAsync(new ReplicaSet
    {
        Metadata = new() { Name = "one", Namespace = "default" }, Spec = new() { Replicas = 0, Selector = new() { MatchLabels = Map.Of(("app", "web")) }, Template = Template },
    }, "count/replicasets.apps");

    [Fact]
    public async Task Claims_cost_by_their_storage_class_too()
    {
        await QuotaAsync("persistentvolumeclaims=2,requests.storage=5Gi,gold.storageclass.storage.k8s.io/requests.storage=2Gi");
        PersistentVolumeClaim Claim(string name, string size, string storage) => new()
        {
            Metadata = new() { Name = name, Namespace = "default" },
            Spec = new() { AccessModes = ["ReadWriteOnce"], StorageClassName = storage, Resources = new() { Requests = Amounts("storage=" + size) } },
        };
        await _server.MakeAsync(Claim("a", "2Gi", "gold"));
        Assert.Contains("requested: gold.storageclass.storage.k8s.io/requests.storage=1Gi, used: gold.storageclass.storage.k8s.io/requests.storage=2Gi", await RefusedAsync(Claim("b", "1Gi", "gold")));
        await _server.MakeAsync(Claim("b", "3Gi", "silver"));
        await UsedAsync("persistentvolumeclaims=2,requests.storage=5Gi,gold.storageclass.storage.k8s.io/requests.storage=2Gi");
    }

    [Fact]
    [Trait("Conformance", Titles + "verify ResourceQuota with terminating scopes. [Conformance]")]
    public async Task Pods_with_a_deadline_are_of_another_scope()
    {
        await QuotaAsync("pods=1", ["Terminating"], "short");
        await QuotaAsync("pods=1", ["NotTerminating"], "long");
        var pod = Asking("a");
        await _server.MakeAsync(pod);
        await UsedAsync("pods=1", "long");
        Assert.Equal(0, (await UsedAsync("pods=0", "short")).Status.Used["pods"].Value());
        await _server.MakeAsync(Asking("b") with { Spec = pod.Spec with { ActiveDeadlineSeconds = 3600 } });
        await UsedAsync("pods=1", "short");
        await _server.DeleteAsync<Pod>(Admin, "default", "a");
        await _server.DeleteAsync<Pod>(Admin, "default", "b");
        await UsedAsync("pods=0", "short");
        await UsedAsync("pods=0", "long");
    }

    [Fact]
    [Trait("Conformance", Titles + "verify ResourceQuota with best effort scope. [Conformance]")]
    public async Task Pods_that_ask_for_nothing_are_of_another_scope()
    {
        await QuotaAsync("pods=1", ["BestEffort"], "best");
        await QuotaAsync("pods=1", ["NotBestEffort"], "not");
        await _server.MakeAsync(Asking("a"));
        await UsedAsync("pods=1", "best");
        await UsedAsync("pods=0", "not");
        await _server.MakeAsync(Asking("b", "cpu=1m"));
        await UsedAsync("pods=1", "not");
        await _server.DeleteAsync<Pod>(Admin, "default", "a");
        await UsedAsync("pods=0", "best");
        await _server.DeleteAsync<Pod>(Admin, "default", "b");
        await UsedAsync("pods=0", "not");
    }

    [Fact]
    [Trait("Conformance", Titles + "be able to update and delete ResourceQuota. [Conformance]")]
    public async Task New_limits_hold_and_none_do_once_the_quota_is_gone()
    {
        var quota = await QuotaAsync("configmaps=0");
        var map = new ConfigMap { Metadata = new() { Name = "one", Namespace = "default" } };
        Assert.Contains("exceeded quota", await RefusedAsync(map));
        Good(await _server.CallAsync(Admin, "PUT", "/api/v1/namespaces/default/resourcequotas/q", quota with { Spec = quota.Spec with { Hard = Amounts("configmaps=1") } }));
        await UsedAsync("configmaps=0", hard: "configmaps=1");
        await _server.MakeAsync(map);
        Assert.Contains("exceeded quota", await RefusedAsync(map with { Metadata = map.Metadata with { Name = "two" } }));
        await _server.DeleteAsync<ResourceQuota>(Admin, "default", "q");
        Assert.Equal(404, (await _server.CallAsync(Admin, "GET", "/api/v1/namespaces/default/resourcequotas/q")).Code);
        await _server.MakeAsync(map with { Metadata = map.Metadata with { Name = "two" } });
    }

    [Fact]
    public async Task A_dry_run_costs_nothing()
    {
        await QuotaAsync("configmaps=1");
        var map = new ConfigMap { Metadata = new() { Name = "one", Namespace = "default" } };
        Good(await _server.CallAsync(Admin, "POST", "/api/v1/namespaces/default/configmaps", map, ("dryRun", "All")));
        await _server.MakeAsync(map);
    }
}
