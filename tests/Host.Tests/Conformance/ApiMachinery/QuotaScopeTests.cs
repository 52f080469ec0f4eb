using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

/// <summary>Which of a namespace's objects a quota is about: what upstream's end-to-end tests ask beyond conformance.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class QuotaScopeTests(ControlPlaneRig rig) : IAsyncLifetime
{
    string _root = "";

    public async Task InitializeAsync() => _root = $"/api/v1/namespaces/{await rig.NamespaceAsync()}";
    public Task DisposeAsync() => Task.CompletedTask;

    string Quotas => _root + "/resourcequotas";

    async Task QuotaAsync(string name, string hard, string scope, string op = "Exists", params string[] values)
    {
        await rig.Admin.CreateAsync(Quotas, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject
            {
                ["hard"] = JsonNode.Parse(hard),
                ["scopeSelector"] = new JsonObject { ["matchExpressions"] = new JsonArray(new JsonObject { ["scopeName"] = scope, ["operator"] = op, ["values"] = new JsonArray([.. values.Select(v => (JsonNode)v)]) }) },
            },
        }.ToJsonString());
        await UsedAsync(name, new JsonObject(JsonNode.Parse(hard)!.AsObject().Select(h => KeyValuePair.Create<string, JsonNode?>(h.Key, "0"))).ToJsonString());
    }

    Task UsedAsync(string name, string used) => rig.Admin.UntilAsync(Quotas, name, q => q.At("status", "used").Has(JsonNode.Parse(used)), $"{name} has used {used}");

    async Task StaysAsync(string name, string used) => Assert.True((await rig.Admin.GetAsync($"{Quotas}/{name}")).At("status", "used").Has(JsonNode.Parse(used)));

    static string Pod(string name, string spec = "{}") => new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = JsonNode.Parse("""{"terminationGracePeriodSeconds":0,"nodeSelector":{"nobody":"here"},"containers":[{"name":"pause","image":"pause"}]}""").With(spec),
    }.ToJsonString();

    Task MakeAsync(string name, string spec) => rig.Admin.CreateAsync(_root + "/pods", Pod(name, spec));
    Task EndAsync(string name) => rig.Admin.DeleteAsync($"{_root}/pods/{name}", """{"gracePeriodSeconds":0}""");

    [Fact]
    public async Task A_Pod_that_gets_a_deadline_comes_under_the_other_quota_at_once()
    {
        const string Hard = """{"pods":"1","requests.cpu":"1"}""", One = """{"pods":"1","requests.cpu":"500m"}""", None = """{"pods":"0","requests.cpu":"0"}""";
        const string Asks = """{"containers":[{"name":"pause","image":"pause","resources":{"requests":{"cpu":"500m"}}}]}""";
        string mortal = JsonNode.Parse(Asks).With("""{"activeDeadlineSeconds":3600}""").ToJsonString();
        await QuotaAsync("short", Hard, "Terminating");
        await QuotaAsync("long", Hard, "NotTerminating");
        await MakeAsync("a", Asks);
        await UsedAsync("long", One);
        await StaysAsync("short", None);
        await rig.Admin.ChangeAsync(_root + "/pods/a", now => now.With("""{"spec":{"activeDeadlineSeconds":3600}}"""));
        // Whoever comes next finds it taken, whether anybody has counted since or not.
        Assert.Contains("exceeded quota: short, requested: pods=1, used: pods=1, limited: pods=1", (await rig.Admin.RefusedAsync(403, "Forbidden", "POST", _root + "/pods", Pod("b", mortal))).Text("message"));
        await UsedAsync("short", One);
        await UsedAsync("long", None);
        await EndAsync("a");
        await UsedAsync("short", None);
        await MakeAsync("b", mortal);
        await UsedAsync("short", One);
        await StaysAsync("long", None);
        // It does not come where there is no room for it.
        await MakeAsync("c", Asks);
        Assert.Contains("exceeded quota: short", (await rig.Admin.RefusedAsync(403, "Forbidden", "PATCH", _root + "/pods/c", """{"spec":{"activeDeadlineSeconds":3600}}""", Wire.Merge)).Text("message"));
        await EndAsync("b");
        await UsedAsync("short", None);
    }

    [Fact]
    public async Task Pods_are_told_apart_by_what_they_ask_for()
    {
        await QuotaAsync("best", """{"pods":"5"}""", "BestEffort");
        await QuotaAsync("not", """{"pods":"5"}""", "NotBestEffort");
        await MakeAsync("a", "{}");
        await UsedAsync("best", """{"pods":"1"}""");
        await StaysAsync("not", """{"pods":"0"}""");
        await EndAsync("a");
        await UsedAsync("best", """{"pods":"0"}""");
        await MakeAsync("b", """{"containers":[{"name":"pause","image":"pause","resources":{"requests":{"cpu":"500m"},"limits":{"cpu":"1"}}}]}""");
        await UsedAsync("not", """{"pods":"1"}""");
        await StaysAsync("best", """{"pods":"0"}""");
    }

    [Theory]
    [InlineData("In", "first,second", "1", 1), InlineData("NotIn", "second", "1", 1), InlineData("NotIn", "first", "0", 2), InlineData("In", "second", "0", 2), InlineData("Exists", "", "1", 1), InlineData("DoesNotExist", "", "0", 2)]
    public async Task Pods_are_told_apart_by_their_priority_class(string op, string values, string counted, int fit)
    {
        string name = "first-" + Guid.NewGuid().ToString("N")[..8];
        await rig.Admin.CreateAsync("/apis/scheduling.k8s.io/v1/priorityclasses", $$"""{"metadata":{"name":"{{name}}"},"value":1000}""");
        try
        {
            await QuotaAsync("class", """{"pods":"1"}""", "PriorityClass", op, [.. values.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(v => v == "first" ? name : v)]);
            string spec = $$"""{"priorityClassName":"{{name}}"}""";
            await MakeAsync("a", spec);
            await UsedAsync("class", $$"""{"pods":"{{counted}}"}""");
            if (fit == 1) Assert.Contains("exceeded quota: class", (await rig.Admin.RefusedAsync(403, "Forbidden", "POST", _root + "/pods", Pod("b", spec))).Text("message"));
            else await MakeAsync("b", spec);
            await EndAsync("a");
            await UsedAsync("class", """{"pods":"0"}""");
        }
        finally { await rig.Admin.DeleteAsync("/apis/scheduling.k8s.io/v1/priorityclasses/" + name); }
    }

    [Fact]
    public async Task Pods_that_look_across_namespaces_are_counted_by_themselves()
    {
        static string Apart(string term) => $$"""{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"region"{{term}}}]} } }""";
        await QuotaAsync("across", """{"pods":"5"}""", "CrossNamespacePodAffinity");
        await MakeAsync("none", Apart(""));
        await MakeAsync("named", Apart(""","namespaces":["ns1"]"""));
        await UsedAsync("across", """{"pods":"1"}""");
        await MakeAsync("selected", Apart(""","namespaceSelector":{"matchExpressions":[{"key":"team","operator":"In","values":["ads"]}]}"""));
        await UsedAsync("across", """{"pods":"2"}""");
        foreach (string name in (string[])["none", "named", "selected"]) await EndAsync(name);
        await UsedAsync("across", """{"pods":"0"}""");
    }

    [Fact]
    public async Task A_claim_counts_under_the_class_it_has_and_the_one_it_is_to_have()
    {
        const string Hard = """{"requests.storage":"5Gi","persistentvolumeclaims":"1"}""", One = """{"requests.storage":"1Gi","persistentvolumeclaims":"1"}""", None = """{"requests.storage":"0","persistentvolumeclaims":"0"}""";
        string volume = "quota-" + Guid.NewGuid().ToString("N")[..8], claims = _root + "/persistentvolumeclaims", ns = _root.Split('/')[^1];
        string Claim(string name, string more) => JsonNode.Parse($$"""{"metadata":{"name":"{{name}}"},"spec":{"storageClassName":"","volumeAttributesClassName":"gold","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"} } } }""").With(more).ToJsonString();
        await QuotaAsync("gold", Hard, "VolumeAttributesClass", "In", "gold");
        await QuotaAsync("silver", Hard, "VolumeAttributesClass", "In", "silver");
        await rig.Admin.CreateAsync(claims, Claim("claim", $$"""{"spec":{"volumeName":"{{volume}}"} }"""));
        await rig.Admin.CreateAsync("/api/v1/persistentvolumes", $$"""
            {"metadata":{"name":"{{volume}}"},"spec":{"volumeAttributesClassName":"gold","persistentVolumeReclaimPolicy":"Delete","accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},
            "csi":{"driver":"fake.csi.k8s.io","volumeHandle":"handle"},"claimRef":{"apiVersion":"v1","kind":"PersistentVolumeClaim","namespace":"{{ns}}","name":"claim"} } }
            """);
        try
        {
            await rig.Admin.UntilAsync(claims, "claim", c => c.Text("status", "phase") == "Bound" && c.Text("status", "currentVolumeAttributesClassName") == "gold");
            await UsedAsync("gold", One);
            Assert.Contains("exceeded quota: gold", (await rig.Admin.RefusedAsync(403, "Forbidden", "POST", claims, Claim("second", "{}"))).Text("message"));
            await rig.Admin.ChangeAsync(claims + "/claim", now => now.With("""{"spec":{"volumeAttributesClassName":"silver"}}"""));
            // It still has the one, and wants the other.
            await UsedAsync("silver", One);
            await UsedAsync("gold", One);
            await rig.Admin.ChangeAsync("/api/v1/persistentvolumes/" + volume, now => now.With("""{"spec":{"volumeAttributesClassName":"silver"}}"""));
            await rig.Admin.ChangeAsync(claims + "/claim/status", now => now.With("""{"status":{"currentVolumeAttributesClassName":"silver"}}"""), claims + "/claim");
            await UsedAsync("gold", None);
            await UsedAsync("silver", One);
        }
        finally
        {
            await rig.Admin.DeleteAsync(claims + "/claim");
            await rig.Admin.PatchAsync("/api/v1/persistentvolumes/" + volume, """{"metadata":{"finalizers":null}}""");
            await rig.Admin.SendAsync("DELETE", "/api/v1/persistentvolumes/" + volume);
        }
    }

    [Fact]
    public async Task Custom_resources_are_counted_as_soon_as_they_are_served()
    {
        await using var definition = await Definition.MakeAsync(rig.Admin, "Namespaced", null, Definition.Version("v1", Definition.Anything));
        string counted = $"count/{definition.Name}", objects = definition.Path(ns: _root.Split('/')[^1]);
        string Used(int n) => $$"""{"{{counted}}":"{{n}}"}""";
        await rig.Admin.CreateAsync(Quotas, $$"""{"metadata":{"name":"custom"},"spec":{"hard":{{Used(1)}} } }""");
        await UsedAsync("custom", Used(0));
        await rig.Admin.CreateAsync(objects, definition.Object("one"));
        await UsedAsync("custom", Used(1));
        Assert.Contains($"exceeded quota: custom, requested: {counted}=1, used: {counted}=1, limited: {counted}=1", (await rig.Admin.RefusedAsync(403, "Forbidden", "POST", objects, definition.Object("two"))).Text("message"));
        await rig.Admin.DeleteAsync(objects + "/one");
        await UsedAsync("custom", Used(0));
    }

    [Fact]
    public async Task Claims_to_devices_cost_what_they_may_be_given_of_each_class()
    {
        const string Gold = "gold.deviceclass.resource.k8s.io/devices", Silver = "silver.deviceclass.resource.k8s.io/devices", Claims = "count/resourceclaims.resource.k8s.io";
        string claims = _root.Replace("/api/v1", "/apis/resource.k8s.io/v1") + "/resourceclaims";
        static string Claim(string name, string requests) => $$"""{"metadata":{"name":"{{name}}"},"spec":{"devices":{"requests":[{{requests}}]} } }""";
        static string Used(int claims, int gold, int silver) => $$"""{"{{Claims}}":"{{claims}}","{{Gold}}":"{{gold}}","{{Silver}}":"{{silver}}"}""";
        await rig.Admin.CreateAsync(Quotas, $$"""{"metadata":{"name":"devices"},"spec":{"hard":{{Used(5, 4, 40)}} } }""");
        await UsedAsync("devices", Used(0, 0, 0));
        await rig.Admin.CreateAsync(claims, Claim("one", """{"name":"r","exactly":{"deviceClassName":"gold"}}"""));
        await UsedAsync("devices", Used(1, 1, 0));
        // Of alternatives the most of each class counts, and all devices for as many as there may be.
        await rig.Admin.CreateAsync(claims, Claim("either", """
            {"name":"r","firstAvailable":[{"name":"a","deviceClassName":"gold","count":2},{"name":"b","deviceClassName":"gold"},{"name":"c","deviceClassName":"silver","allocationMode":"All"}]}
            """));
        await UsedAsync("devices", Used(2, 3, 32));
        Assert.Contains($"exceeded quota: devices, requested: {Gold}=2, used: {Gold}=3, limited: {Gold}=4",
            (await rig.Admin.RefusedAsync(403, "Forbidden", "POST", claims, Claim("two", """{"name":"r","exactly":{"deviceClassName":"gold","count":2}}"""))).Text("message"));
        await rig.Admin.DeleteAsync(claims + "/one");
        await rig.Admin.DeleteAsync(claims + "/either");
        await UsedAsync("devices", Used(0, 0, 0));
    }

    [Theory]
    [InlineData("", false), InlineData("gold", true)]
    public async Task Claims_to_volumes_cost_their_size_and_once_more_by_class(string @class, bool golden)
    {
        const string Named = "gold.storageclass.storage.k8s.io/";
        static string Used(int n, bool golden) => $$"""{"persistentvolumeclaims":"{{n}}","requests.storage":"{{(n > 0 ? "1Gi" : "0")}}","{{Named}}persistentvolumeclaims":"{{(golden ? n : 0)}}","{{Named}}requests.storage":"{{(golden && n > 0 ? "1Gi" : "0")}}"}""";
        await rig.Admin.CreateAsync(Quotas, $$"""{"metadata":{"name":"storage"},"spec":{"hard":{"persistentvolumeclaims":"10","requests.storage":"10Gi","{{Named}}persistentvolumeclaims":"10","{{Named}}requests.storage":"10Gi"} } }""");
        await UsedAsync("storage", Used(0, golden));
        await rig.Admin.CreateAsync(_root + "/persistentvolumeclaims", $$"""{"metadata":{"name":"claim"},"spec":{"storageClassName":"{{@class}}","accessModes":["ReadWriteOnce","ReadOnlyMany"],"resources":{"requests":{"storage":"1Gi"} } } }""");
        await UsedAsync("storage", Used(1, golden));
        await rig.Admin.DeleteAsync(_root + "/persistentvolumeclaims/claim");
        await UsedAsync("storage", Used(0, golden));
    }
}
