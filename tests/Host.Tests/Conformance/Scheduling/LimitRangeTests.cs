using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Scheduling;

[Collection(ControlPlaneRig.Name)]
public sealed class LimitRangeTests(ControlPlaneRig rig)
{
    const string Range = """
        {"kind":"LimitRange","metadata":{"name":"limit-range"},"spec":{"limits":[{"type":"Container",
        "min":{"cpu":"50m","memory":"100Mi","ephemeral-storage":"100Gi"},"max":{"cpu":"500m","memory":"500Mi","ephemeral-storage":"500Gi"},
        "default":{"cpu":"500m","memory":"500Mi","ephemeral-storage":"500Gi"},"defaultRequest":{"cpu":"100m","memory":"200Mi","ephemeral-storage":"200Gi"},
        "maxLimitRequestRatio":{"cpu":"5"}}]}}
        """;

    static string Pod(string name, string requests = "{}", string limits = "{}") =>
        $$"""{"metadata":{"name":"{{name}}"},"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"pause","image":"pause","resources":{"requests":{{requests}},"limits":{{limits}} } }]} }""";

    [Fact]
    [Trait("Conformance", "[sig-scheduling] LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied. [Conformance]")]
    public async Task Pods_get_what_the_range_gives_and_keep_within_it()
    {
        string root = $"/api/v1/namespaces/{await rig.NamespaceAsync()}", ranges = root + "/limitranges", pods = root + "/pods";
        using var watch = await rig.Admin.WatchAsync(ranges, (await rig.Admin.GetAsync(ranges)).Revision());
        var made = await rig.Admin.CreateAsync(ranges, Range);
        Assert.True((await watch.UntilAsync("ADDED")).Has(JsonNode.Parse(Range)));
        Assert.True((await rig.Admin.GetAsync(ranges + "/limit-range")).Has(JsonNode.Parse(Range)));

        await rig.Admin.CreateAsync(pods, Pod("bare"));
        await ResourcesAsync(pods + "/bare", """{"requests":{"cpu":"100m","memory":"200Mi","ephemeral-storage":"200Gi"},"limits":{"cpu":"500m","memory":"500Mi","ephemeral-storage":"500Gi"}}""");
        // What is asked for stays; limits become requests where only they are given; the rest is the range's.
        await rig.Admin.CreateAsync(pods, Pod("partial", """{"cpu":"300m","memory":"150Mi"}""", """{"cpu":"300m"}"""));
        await ResourcesAsync(pods + "/partial", """{"requests":{"cpu":"300m","memory":"150Mi","ephemeral-storage":"200Gi"},"limits":{"cpu":"300m","memory":"500Mi","ephemeral-storage":"500Gi"}}""");
        await ForbiddenAsync(pods, Pod("little", """{"cpu":"10m","memory":"50Mi","ephemeral-storage":"50Gi"}"""), "minimum cpu usage per Container is 50m, but request is 10m");
        await ForbiddenAsync(pods, Pod("much", "{}", """{"cpu":"600m","memory":"600Mi","ephemeral-storage":"600Gi"}"""), "maximum cpu usage per Container is 500m, but limit is 600m");

        var updated = await rig.Admin.ChangeAsync(ranges + "/limit-range", now =>
        {
            now["spec"]!["limits"]![0]!["min"] = JsonNode.Parse("""{"cpu":"9m","memory":"49Mi","ephemeral-storage":"49Gi"}""");
            return now;
        });
        Assert.Equal("9m", (await watch.UntilAsync("MODIFIED")).Text("spec", "limits", "0", "min", "cpu"));
        Assert.NotEqual(made.Revision(), updated.Revision());
        const string Little = """{"cpu":"10m","memory":"50Mi","ephemeral-storage":"50Gi"}""";
        await Wire.EventuallyAsync(async () => (await rig.Admin.SendAsync("POST", pods + "?dryRun=All", Pod("tried", Little, """{"cpu":"50m"}"""))).Code == 201);
        await rig.Admin.CreateAsync(pods, Pod("little", Little, """{"cpu":"50m"}"""));
        await ForbiddenAsync(pods, Pod("much", "{}", """{"cpu":"600m","memory":"600Mi","ephemeral-storage":"600Gi"}"""), "maximum memory usage per Container is 500Mi, but limit is 600Mi");

        await rig.Admin.DeleteAsync(ranges + "/limit-range", """{"gracePeriodSeconds":30}""");
        Assert.Equal("limit-range", (await watch.UntilAsync("DELETED")).Name());
        Assert.Empty(await rig.Admin.ListAsync(ranges));
        await rig.Admin.CreateAsync(pods, Pod("free", """{"cpu":"600m"}"""));
        await ResourcesAsync(pods + "/free", """{"requests":{"cpu":"600m"}}""");
    }

    async Task ResourcesAsync(string pod, string wanted)
    {
        var got = (await rig.Admin.GetAsync(pod)).At("spec", "containers", "0", "resources");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(wanted), got), $"{pod}: {got?.ToJsonString()}");
    }

    async Task ForbiddenAsync(string pods, string pod, string why) => Assert.Contains(why, (await rig.Admin.RefusedAsync(403, "Forbidden", "POST", pods, pod)).Text("message"));

    [Fact]
    [Trait("Conformance", "[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection [Conformance]")]
    public async Task A_LimitRange_lives_its_whole_life()
    {
        await new ApiWalk(rig, "v1", "limitranges", """
            {"kind":"LimitRange","spec":{"limits":[{"type":"Container","min":{"cpu":"50m","memory":"100Mi"},"max":{"cpu":"500m","memory":"500Mi"},"default":{"cpu":"500m","memory":"500Mi"},"defaultRequest":{"cpu":"100m","memory":"200Mi"}}]}}
            """, """{"spec":{"limits":[{"type":"Container","min":{"cpu":"50m","memory":"100Mi"},"max":{"cpu":"500m","memory":"500Mi"},"default":{"cpu":"300m","memory":"500Mi"},"defaultRequest":{"cpu":"100m","memory":"200Mi"}}]}}""").WalkAsync();
        // A collection is that of one namespace: another's with the same label stays. A strategic patch replaces the limits, which have no key.
        string one = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/limitranges", other = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/limitranges";
        foreach (string collection in (string[])[one, other]) await rig.Admin.CreateAsync(collection, JsonNode.Parse(Range).With("""{"metadata":{"labels":{"limits":"two"}}}""").ToJsonString());
        Assert.Equal(2, (await rig.Admin.ListAsync("/api/v1/limitranges?labelSelector=limits%3Dtwo")).Count);
        var patched = await rig.Admin.PatchAsync(one + "/limit-range", """{"metadata":{"labels":{"limit-range":"patched"}},"spec":{"limits":[{"type":"Container","min":{"cpu":"25m"}}]}}""", Wire.Strategic);
        Assert.Equal(("patched", "25m", ""), (patched.Label("limit-range"), patched.Text("spec", "limits", "0", "min", "cpu"), patched.Text("spec", "limits", "0", "min", "memory")));
        await rig.Admin.DeleteAsync(one + "?labelSelector=limit-range%3Dpatched");
        Assert.Empty(await rig.Admin.ListAsync(one));
        Assert.Single(await rig.Admin.ListAsync("/api/v1/limitranges?labelSelector=limits%3Dtwo"));
    }
}
