using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

[Collection(ControlPlaneRig.Name)]
public sealed class GarbageTests(ControlPlaneRig rig)
{
    const string Background = """{"propagationPolicy":"Background"}""", Foreground = """{"propagationPolicy":"Foreground"}""", Orphan = """{"propagationPolicy":"Orphan"}""";

    static string Template(string app) => $$"""{"metadata":{"labels":{"app":"{{app}}"} },"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"nginx","image":"nginx"}]} }""";

    /// <summary>A ReplicationController whose Pods are all there.</summary>
    async Task<JsonObject> ControllerAsync(string root, string name, int pods)
    {
        var made = await rig.Admin.CreateAsync(root + "/replicationcontrollers", $$"""{"metadata":{"name":"{{name}}"},"spec":{"replicas":{{pods}},"selector":{"app":"{{name}}"},"template":{{Template(name)}} } }""");
        await rig.Admin.UntilAsync(root + "/replicationcontrollers", name, rc => rc.Text("status", "replicas") == (pods == 0 ? "" : pods.ToString()) || pods == 0 && rc.Text("status", "replicas") == "0");
        await rig.Admin.UntilAsync(root + "/pods", all => all.Count == pods, "labelSelector=app%3D" + name);
        return made;
    }

    async Task<string> RootAsync() => $"/api/v1/namespaces/{await rig.NamespaceAsync()}";

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Garbage collector should delete pods created by rc when not orphaning [Conformance]")]
    public async Task Pods_go_after_their_controller()
    {
        string root = await RootAsync();
        await ControllerAsync(root, "simple", 2);
        await rig.Admin.DeleteAsync(root + "/replicationcontrollers/simple", Background);
        await rig.Admin.RefusedAsync(404, "NotFound", "GET", root + "/replicationcontrollers/simple");
        await rig.Admin.UntilAsync(root + "/pods", all => all.Count == 0);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Garbage collector should orphan pods created by rc if delete options say so [Serial] [Conformance]")]
    public async Task Pods_stay_without_an_owner_when_they_are_to_be_orphaned()
    {
        string root = await RootAsync();
        await ControllerAsync(root, "left", 20);
        await rig.Admin.DeleteAsync(root + "/replicationcontrollers/left", Orphan);
        await rig.Admin.GoneAsync(root + "/replicationcontrollers", "left");
        Assert.All(await rig.Admin.ListAsync(root + "/pods?labelSelector=app%3Dleft"), pod => Assert.Empty(pod.Items("metadata", "ownerReferences")));
        // The collector went on to what came after, and still they are there.
        await ControllerAsync(root, "later", 1);
        await rig.Admin.DeleteAsync(root + "/replicationcontrollers/later", Background);
        await rig.Admin.UntilAsync(root + "/pods", all => all.Count == 0, "labelSelector=app%3Dlater");
        var left = await rig.Admin.ListAsync(root + "/pods");
        Assert.Equal(20, left.Count);
        Assert.All(left, pod => Assert.Equal("", pod.Text("metadata", "deletionTimestamp")));
    }

    async Task<string> DeploymentAsync()
    {
        string root = $"/apis/apps/v1/namespaces/{await rig.NamespaceAsync()}";
        await rig.Admin.CreateAsync(root + "/deployments", $$"""{"metadata":{"name":"simple"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"gc"} },"template":{{Template("gc")}} } }""");
        await rig.Admin.UntilAsync(root + "/replicasets", all => all.Count == 1);
        return root;
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Garbage collector should delete RS created by deployment when not orphaning [Conformance]")]
    public async Task A_ReplicaSet_and_its_Pods_go_after_the_Deployment()
    {
        string root = await DeploymentAsync();
        await rig.Admin.DeleteAsync(root + "/deployments/simple", Background);
        await rig.Admin.UntilAsync(root + "/replicasets", all => all.Count == 0);
        await rig.Admin.UntilAsync(root.Replace("/apis/apps/v1", "/api/v1") + "/pods", all => all.Count == 0);
        Assert.Empty(await rig.Admin.ListAsync(root + "/deployments"));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan [Conformance]")]
    public async Task A_ReplicaSet_stays_when_it_is_to_be_orphaned()
    {
        string root = await DeploymentAsync();
        await rig.Admin.DeleteAsync(root + "/deployments/simple", Orphan);
        await rig.Admin.GoneAsync(root + "/deployments", "simple");
        var set = Assert.Single(await rig.Admin.ListAsync(root + "/replicasets"));
        Assert.Empty(set.Items("metadata", "ownerReferences"));
        Assert.Equal(("", "2"), (set.Text("metadata", "deletionTimestamp"), set.Text("spec", "replicas")));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so [Serial] [Conformance]")]
    public async Task An_owner_that_is_deleted_in_the_foreground_goes_last()
    {
        string root = await RootAsync();
        await ControllerAsync(root, "last", 10);
        // One Pod takes its time.
        string slow = (await rig.Admin.ListAsync(root + "/pods"))[0].Name();
        await rig.Admin.PatchAsync($"{root}/pods/{slow}", """{"metadata":{"finalizers":["example.com/slow"]}}""");
        using var watch = await rig.Admin.WatchAsync(root + "/replicationcontrollers", (await rig.Admin.GetAsync(root + "/replicationcontrollers")).Revision());
        await rig.Admin.DeleteAsync(root + "/replicationcontrollers/last", Foreground);
        var deleting = await rig.Admin.GetAsync(root + "/replicationcontrollers/last");
        Assert.NotEqual("", deleting.Text("metadata", "deletionTimestamp"));
        Assert.Equal("""["foregroundDeletion"]""", deleting.At("metadata", "finalizers")!.ToJsonString());
        await rig.Admin.UntilAsync(root + "/pods", all => all.Count == 1 && all[0].Text("metadata", "deletionTimestamp").Length > 0);
        await rig.Admin.GetAsync(root + "/replicationcontrollers/last");
        await rig.Admin.PatchAsync($"{root}/pods/{slow}", """{"metadata":{"finalizers":null}}""");
        await watch.UntilAsync("DELETED", rc => rc.Name() == "last");
        Assert.Empty(await rig.Admin.ListAsync(root + "/pods"));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted [Serial] [Conformance]")]
    public async Task A_Pod_with_another_owner_stays_and_does_not_hold_up_the_one_that_goes()
    {
        string root = await RootAsync();
        var going = await ControllerAsync(root, "going", 10);
        var staying = await ControllerAsync(root, "staying", 0);
        string[] shared = [.. (await rig.Admin.ListAsync(root + "/pods")).Take(5).Select(p => p.Name())];
        foreach (string pod in shared)
            await rig.Admin.PatchAsync($"{root}/pods/{pod}", $$"""{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ReplicationController","name":"staying","uid":"{{staying.Uid()}}"}]} }""", Wire.Strategic);
        foreach (string pod in shared) Assert.Equal(2, (await rig.Admin.GetAsync($"{root}/pods/{pod}")).Items("metadata", "ownerReferences").Count);
        await rig.Admin.DeleteAsync(root + "/replicationcontrollers/going", $$"""{"propagationPolicy":"Foreground","preconditions":{"uid":"{{going.Uid()}}"} }""");
        await rig.Admin.GoneAsync(root + "/replicationcontrollers", "going");
        var left = await rig.Admin.ListAsync(root + "/pods");
        Assert.Equal(shared.Order(StringComparer.Ordinal), left.Select(p => p.Name()));
        Assert.All(left, pod =>
        {
            Assert.Equal("", pod.Text("metadata", "deletionTimestamp"));
            Assert.Equal(staying.Uid(), Assert.Single(pod.Items("metadata", "ownerReferences")).Text("uid"));
        });
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Garbage collector should not be blocked by dependency circle [Conformance]")]
    public async Task Owners_in_a_circle_all_go()
    {
        string pods = await RootAsync() + "/pods";
        var uids = new List<string>();
        for (int i = 1; i <= 3; i++) uids.Add((await rig.Admin.CreateAsync(pods, $$"""{"metadata":{"name":"pod{{i}}"},"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"nginx","image":"nginx"}]} }""")).Uid());
        foreach (var (pod, owner) in ((int, int)[])[(1, 3), (2, 1), (3, 2)])
        {
            var owned = await rig.Admin.PatchAsync($"{pods}/pod{pod}", $$"""{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"pod{{owner}}","uid":"{{uids[owner - 1]}}","controller":true,"blockOwnerDeletion":true}]} }""");
            Assert.Equal(uids[owner - 1], owned.Text("metadata", "ownerReferences", "0", "uid"));
        }
        await rig.Admin.DeleteAsync(pods + "/pod1", $$"""{"propagationPolicy":"Foreground","preconditions":{"uid":"{{uids[0]}}"} }""");
        await rig.Admin.UntilAsync(pods, all => all.Count == 0);
    }
}
