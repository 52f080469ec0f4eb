using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>A Pod from making to deleting, seen by a watch, with a status that somebody else writes in between.</summary>
public sealed class PodLifecycleTests(SharedCluster shared) : PodRun(shared)
{
    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods should run through the lifecycle of Pods and PodStatus [Conformance]")]
    public async Task It_is_made_runs_is_patched_has_its_status_written_and_is_deleted_with_others()
    {
        var pods = Of("v1", "pods");
        using var watch = await pods.WatchAsync("test-pod-static=true");
        await pods.CreateAsync("{metadata: {name: test, labels: {test-pod-static: 'true'}}, spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: 'busybox:1', command: [sleep, '100000']}]}}");
        await watch.UntilAsync("ADDED");
        await watch.UntilAsync("MODIFIED", p => p.Text("status.phase") == "Running" && p.Condition("Ready").Text("status") == "True");

        await pods.PatchAsync("test", "{metadata: {labels: {test-pod: patched}}, spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: 'docker.io/library/busybox:1'}]}}");
        await watch.UntilAsync("MODIFIED", p => p.Text("metadata.labels.test-pod") == "patched");
        var patched = await pods.GetAsync("test");
        Assert.Equal(("patched", "docker.io/library/busybox:1", 1), (patched.Text("metadata.labels.test-pod"), patched.Text("spec.containers.0.image"), patched.Number("spec.terminationGracePeriodSeconds")));

        var status = await pods.ChangeAsync("test", p => p.Condition("Ready")!["status"] = "False", "status");
        Assert.Equal("False", status.Condition("Ready").Text("status"));
        await watch.UntilAsync("MODIFIED", p => p.Condition("Ready").Text("status") == "False");
        // The kubelet knows better, and says so.
        await watch.UntilAsync("MODIFIED", p => p.Condition("Ready").Text("status") == "True");
        var own = await pods.PatchAsync("test", "{status: {conditions: [{type: example.com/own, status: 'True', message: written by a test}]}}", Objects.Strategic, "status");
        Assert.Equal("written by a test", own.Condition("example.com/own").Text("message"));
        await watch.UntilAsync("MODIFIED", p => p.Condition("example.com/own").Text("message") == "written by a test");

        Assert.Single(await new Objects(Api, "v1", "pods").ListAsync("test-pod-static=true"));
        await pods.DeleteAllAsync("test-pod-static=true", "{gracePeriodSeconds: 1}");
        await watch.UntilAsync("MODIFIED", p => p.At("metadata.deletionTimestamp") is not null);
        await watch.UntilAsync("DELETED");
        Assert.Empty(await pods.ListAsync());
    }
}
