using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Node;

[Collection(ControlPlaneRig.Name)]
public sealed class PodTests(ControlPlaneRig rig)
{
    static bool Ready(JsonObject pod) => pod.Text("status", "phase") == "Running" && pod.Items("status", "conditions").Any(c => c.Text("type") == "Ready" && c.Text("status") == "True");

    [Fact]
    [Trait("Conformance", "[sig-node] Pods should run through the lifecycle of Pods and PodStatus [Conformance]")]
    public async Task A_Pod_lives_its_whole_life_with_its_status()
    {
        string pods = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/pods", path = pods + "/pod-test";
        const string Label = "labelSelector=test-pod-static%3Dtrue";
        using var watch = await rig.Admin.WatchAsync(pods, (await rig.Admin.GetAsync(pods + "?" + Label)).Revision(), Label);
        await rig.Admin.CreateAsync(pods, """{"metadata":{"name":"pod-test","labels":{"test-pod-static":"true"}},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"pod-test","image":"agnhost"}]}}""");
        await watch.UntilAsync("ADDED");
        await watch.UntilAsync("MODIFIED", Ready);

        await rig.Admin.PatchAsync(path, """{"metadata":{"labels":{"test-pod":"patched"}},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"pod-test","image":"pause"}]}}""", Wire.Strategic);
        var patched = await watch.UntilAsync("MODIFIED", p => p.Label("test-pod") == "patched");
        Assert.Equal(("patched", "pause"), (patched.Label("test-pod"), patched.Text("spec", "containers", "0", "image")));
        var got = await rig.Admin.GetAsync(path);
        Assert.Equal(("patched", "pause"), (got.Label("test-pod"), got.Text("spec", "containers", "0", "image")));

        // Its status says what is written there, whoever writes it; here nobody contradicts.
        var replaced = await rig.Admin.ChangeAsync(path + "/status", now =>
        {
            now["metadata"]!["labels"]!["test-pod"] = "patched-status";
            foreach (var condition in now["status"]!["conditions"]!.AsArray().Where(c => c.Text("type") is "Ready" or "ContainersReady")) condition!["status"] = "False";
            return now;
        }, path);
        Assert.Equal("False", replaced.Items("status", "conditions").Single(c => c.Text("type") == "Ready").Text("status"));
        await watch.UntilAsync("MODIFIED", p => p.Items("status", "conditions").Any(c => c.Text("type") == "Ready" && c.Text("status") == "False"));
        var status = await rig.Admin.GetAsync(path + "/status");
        Assert.Equal("False", status.Items("status", "conditions").Single(c => c.Text("type") == "Ready").Text("status"));
        Assert.Equal("pause", status.Text("spec", "containers", "0", "image"));

        await rig.Admin.DeleteAsync(pods + "?" + Label);
        await watch.UntilAsync("DELETED", p => p.Name() == "pod-test");
        await rig.Admin.RefusedAsync(404, "NotFound", "GET", path);
    }
}
