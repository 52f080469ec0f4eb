using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

/// <summary>Quotas: what is in a namespace counts while it is there, and what is too much is refused.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class QuotaTests(ControlPlaneRig rig) : IAsyncLifetime
{
    const string Hard = """
        {"pods":"5","services":"10","services.nodeports":"1","services.loadbalancers":"1","replicationcontrollers":"10","resourcequotas":"1","cpu":"1","memory":"500Mi","configmaps":"10","secrets":"10",
        "persistentvolumeclaims":"10","requests.storage":"10Gi","ephemeral-storage":"50Gi","requests.example.com/dongle":"3","count/replicasets.apps":"5"}
        """;
    string _root = "";

    public async Task InitializeAsync() => _root = $"/api/v1/namespaces/{await rig.NamespaceAsync()}";
    public Task DisposeAsync() => Task.CompletedTask;

    string Quotas => _root + "/resourcequotas";

    /// <summary>Makes the quota of all tests, and waits until it is counted.</summary>
    async Task QuotaAsync(string more = "{}", string name = "test-quota")
    {
        await rig.Admin.CreateAsync(Quotas, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = new JsonObject { ["hard"] = JsonNode.Parse(Hard).With(more) } }.ToJsonString());
        await UsedAsync("""{"resourcequotas":"1"}""");
    }

    Task<JsonObject> UsedAsync(string used, string name = "test-quota") => rig.Admin.UntilAsync(Quotas, name, q => q.At("status", "used").Has(JsonNode.Parse(used)), "used " + used);

    Task<JsonObject> RefusedAsync(string collection, string body) => rig.Admin.RefusedAsync(403, "Forbidden", "POST", collection, body);

    static string Pod(string name, string requests = "{}", string limits = "{}", string spec = "{}") => new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = JsonNode.Parse($$"""{"terminationGracePeriodSeconds":0,"nodeSelector":{"nobody":"here"},"containers":[{"name":"pause","image":"pause","resources":{"requests":{{requests}},"limits":{{limits}} } }]}""").With(spec),
    }.ToJsonString();

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated. [Conformance]")]
    public async Task A_quota_is_counted_at_once()
    {
        await QuotaAsync();
        var counted = await rig.Admin.GetAsync(Quotas + "/test-quota");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Hard), counted.At("status", "hard")), counted.ToJsonString());
        Assert.Equal(JsonNode.Parse(Hard)!.AsObject().Select(h => h.Key).Order(StringComparer.Ordinal), counted.At("status", "used")!.AsObject().Select(u => u.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a service. [Conformance]")]
    public async Task Services_count_and_a_load_balancers_node_port_too()
    {
        static string Service(string name, string type, string more = "{}") => JsonNode.Parse($$"""{"metadata":{"name":"{{name}}"},"spec":{"type":"{{type}}","ports":[{"port":80,"targetPort":80}]} }""").With(more).ToJsonString();
        await QuotaAsync();
        await rig.Admin.CreateAsync(_root + "/services", Service("test-service", "ClusterIP"));
        await rig.Admin.CreateAsync(_root + "/services", Service("test-service-np", "NodePort"));
        await RefusedAsync(_root + "/services", Service("test-service-lb", "LoadBalancer", """{"spec":{"allocateLoadBalancerNodePorts":true}}"""));
        await UsedAsync("""{"resourcequotas":"1","services":"2","services.nodeports":"1"}""");
        foreach (string name in (string[])["test-service", "test-service-np"]) await rig.Admin.DeleteAsync(_root + "/services/" + name);
        await UsedAsync("""{"services":"0","services.nodeports":"0"}""");
    }

    [Theory]
    [InlineData("secrets", """{"metadata":{"name":"test"},"data":{"data-1":"dmFsdWUtMQ0K"}}""")]
    [InlineData("configmaps", """{"metadata":{"name":"test"},"data":{"a":"b"}}""")]
    [InlineData("replicationcontrollers", """{"metadata":{"name":"test"},"spec":{"replicas":0,"selector":{"name":"test"},"template":{"metadata":{"labels":{"name":"test"}},"spec":{"containers":[{"name":"c","image":"nginx"}]}}}}""")]
    [InlineData("count/replicasets.apps", """{"metadata":{"name":"test"},"spec":{"replicas":0,"selector":{"matchLabels":{"name":"test"}},"template":{"metadata":{"labels":{"name":"test"}},"spec":{"containers":[{"name":"c","image":"nginx"}]}}}}""")]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a configMap. [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a secret. [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replication controller. [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replica set. [Conformance]")]
    public async Task An_object_counts_while_it_is_there(string counted, string body)
    {
        string collection = counted == "count/replicasets.apps" ? _root.Replace("/api/v1", "/apis/apps/v1") + "/replicasets" : _root + "/" + counted;
        int before = (await rig.Admin.ListAsync(collection)).Count;
        string Used(int n) => $$"""{"{{counted}}":"{{n}}"}""";
        await QuotaAsync(Used(before + 1));
        await UsedAsync(Used(before));
        await rig.Admin.CreateAsync(collection, body);
        await UsedAsync(Used(before + 1));
        await RefusedAsync(collection, body.Replace("\"test\"}", "\"too-many\"}"));
        await rig.Admin.DeleteAsync(collection + "/test", """{"propagationPolicy":"Background"}""");
        await UsedAsync(Used(before));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a pod. [Conformance]")]
    public async Task A_Pod_counts_with_what_it_asks_for()
    {
        await QuotaAsync();
        const string Dongles = """{"example.com/dongle":"2"}""";
        var pod = await rig.Admin.CreateAsync(_root + "/pods", Pod("test-pod", """{"cpu":"500m","memory":"252Mi","ephemeral-storage":"30Gi","example.com/dongle":"2"}""", Dongles));
        const string Used = """{"resourcequotas":"1","pods":"1","cpu":"500m","memory":"252Mi","ephemeral-storage":"30Gi","requests.example.com/dongle":"2"}""";
        await UsedAsync(Used);
        Assert.Contains("exceeded quota: test-quota, requested: cpu=600m, used: cpu=500m, limited: cpu=1", (await RefusedAsync(_root + "/pods", Pod("fail-pod", """{"cpu":"600m","memory":"100Mi","ephemeral-storage":"1Gi"}"""))).Text("message"));
        // The processor and the memory that a quota limits must be asked for.
        Assert.Contains("must specify memory for: pause", (await RefusedAsync(_root + "/pods", Pod("fail-pod", """{"cpu":"100m"}"""))).Text("message"));
        Assert.Contains("requests.example.com/dongle=2", (await RefusedAsync(_root + "/pods", Pod("fail-pod-2", """{"cpu":"500m","memory":"100Mi","ephemeral-storage":"1Gi","example.com/dongle":"2"}""", Dongles))).Text("message"));
        // The scheduler writes to it meanwhile: whatever version there is.
        ((JsonObject)pod["metadata"]!).Remove("resourceVersion");
        pod["spec"]!["containers"]![0]!["resources"]!["requests"] = JsonNode.Parse("""{"cpu":"100m","memory":"100Mi","ephemeral-storage":"10Gi"}""");
        await rig.Admin.RefusedAsync(422, "Invalid", "PUT", _root + "/pods/test-pod", pod.ToJsonString());
        await UsedAsync(Used);
        await rig.Admin.DeleteAsync(_root + "/pods/test-pod", """{"gracePeriodSeconds":0}""");
        await UsedAsync("""{"resourcequotas":"1","pods":"0","cpu":"0","memory":"0","ephemeral-storage":"0","requests.example.com/dongle":"0"}""");
    }

    const string Requests = """{"cpu":"500m","memory":"200Mi"}""", Limits = """{"cpu":"1","memory":"400Mi"}""";

    [Theory]
    [InlineData("Terminating", "NotTerminating", """{"pods":"5","requests.cpu":"1","requests.memory":"500Mi","limits.cpu":"2","limits.memory":"1Gi"}""")]
    [InlineData("BestEffort", "NotBestEffort", """{"pods":"5"}""")]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should verify ResourceQuota with terminating scopes. [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should verify ResourceQuota with best effort scope. [Conformance]")]
    public async Task A_Pod_counts_where_its_scope_is(string scope, string other, string hard)
    {
        bool effort = scope == "BestEffort";
        foreach (string name in (string[])[scope, other])
        {
            await rig.Admin.CreateAsync(Quotas, $$"""{"metadata":{"name":"{{name.ToLowerInvariant()}}"},"spec":{"hard":{{hard}},"scopes":["{{name}}"]} }""");
            await UsedAsync("""{"pods":"0"}""", name.ToLowerInvariant());
        }
        string first = effort ? scope : other, second = effort ? other : scope;
        foreach (var (within, without, pod) in ((string, string, string)[])
            [
                (first, second, effort ? Pod("pfpod") : Pod("pfpod", Requests, Limits)),
                (second, first, effort ? Pod("burstable", Requests, Limits) : Pod("terminating", Requests, Limits, """{"activeDeadlineSeconds":3600}""")),
            ])
        {
            string full = effort ? """{"pods":"1"}""" : """{"pods":"1","requests.cpu":"500m","requests.memory":"200Mi","limits.cpu":"1","limits.memory":"400Mi"}""";
            string none = effort ? """{"pods":"0"}""" : """{"pods":"0","requests.cpu":"0","requests.memory":"0","limits.cpu":"0","limits.memory":"0"}""";
            var made = await rig.Admin.CreateAsync(_root + "/pods", pod);
            await UsedAsync(full, within.ToLowerInvariant());
            await UsedAsync(none, without.ToLowerInvariant());
            await rig.Admin.DeleteAsync($"{_root}/pods/{made.Name()}", """{"gracePeriodSeconds":0}""");
            await UsedAsync(none, within.ToLowerInvariant());
        }
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota. [Conformance]")]
    public async Task A_ResourceQuota_lives_its_whole_life()
    {
        await new ApiWalk(rig, "v1", "resourcequotas", """{"kind":"ResourceQuota","spec":{"hard":{"cpu":"1","memory":"500Mi"}}}""", """{"spec":{"hard":{"cpu":"2","memory":"1Gi"}}}""")
        {
            Alive = true, Status = """{"status":{"hard":{"cpu":"1","memory":"500Mi"}}}""",
        }.WalkAsync();
        await rig.Admin.CreateAsync(Quotas, """{"metadata":{"name":"test-quota"},"spec":{"hard":{"cpu":"1","memory":"500Mi"}}}""");
        // An update without a revision, of what was once asked for.
        var updated = await rig.Admin.PutAsync(Quotas + "/test-quota", (JsonObject)JsonNode.Parse("""{"metadata":{"name":"test-quota"},"spec":{"hard":{"cpu":"2","memory":"1Gi"}}}""")!);
        Assert.Equal("""{"cpu":"2","memory":"1Gi"}""", updated.At("spec", "hard")!.ToJsonString());
        Assert.Equal("""{"cpu":"2","memory":"1Gi"}""", (await rig.Admin.GetAsync(Quotas + "/test-quota")).At("spec", "hard")!.ToJsonString());
        await rig.Admin.DeleteAsync(Quotas + "/test-quota");
        await rig.Admin.RefusedAsync(404, "NotFound", "GET", Quotas + "/test-quota");
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status [Conformance]")]
    public async Task A_status_is_written_beside_the_controller_and_follows_the_spec()
    {
        using var watch = await rig.Admin.WatchAsync(Quotas, (await rig.Admin.GetAsync(Quotas)).Revision());
        string path = Quotas + "/status-quota";
        await rig.Admin.CreateAsync(Quotas, """{"metadata":{"name":"status-quota"},"spec":{"hard":{"cpu":"500m","memory":"500Mi"}}}""");
        await rig.Admin.ChangeAsync(path + "/status", now => now.With("""{"status":null}""").With("""{"status":{"hard":{"cpu":"500m","memory":"500Mi"}}}"""), path);
        await watch.UntilAsync("MODIFIED", q => JsonNode.DeepEquals(q.At("status", "hard"), q.At("spec", "hard")));
        await rig.Admin.PatchAsync(path, """{"spec":{"hard":{"cpu":"1","memory":"1Gi"}}}""", Wire.Strategic);
        var patched = await rig.Admin.PatchAsync(path + "/status", """{"status":{"hard":{"cpu":"1","memory":"1Gi"}}}""", Wire.Strategic);
        Assert.Equal("""{"cpu":"1","memory":"1Gi"}""", patched.At("status", "hard")!.ToJsonString());
        await watch.UntilAsync("MODIFIED", q => q.Text("spec", "hard", "cpu") == "1" && JsonNode.DeepEquals(q.At("status", "hard"), q.At("spec", "hard")));
        Assert.Equal("1", (await rig.Admin.GetAsync(path + "/status")).Text("status", "hard", "cpu"));
        // Spec is not written by way of status, and what status says wrongly is put right.
        var again = await rig.Admin.PatchAsync(path + "/status", """{"spec":{"hard":{"cpu":"7"}},"status":{"hard":{"cpu":"2","memory":"2Gi"}}}""", Wire.Strategic);
        Assert.Equal(("1", "2"), (again.Text("spec", "hard", "cpu"), again.Text("status", "hard", "cpu")));
        await rig.Admin.UntilAsync(Quotas, "status-quota", q => q.Text("status", "hard", "cpu") == "1" && q.Text("spec", "hard", "cpu") == "1");
    }
}
