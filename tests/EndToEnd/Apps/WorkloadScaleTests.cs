using Hanbae.EndToEnd.Clients;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Apps;

/// <summary>How many there are to be can be read and said without knowing anything else of an object.</summary>
public sealed class WorkloadScaleTests(ClientCluster shared) : Workloads(shared)
{
    [ClientFact]
    [Trait("Conformance", "[sig-apps] Deployment Deployment should have a working scale subresource [Conformance]")]
    public Task Of_a_Deployment() => ScalesAsync(Deployments);

    [ClientFact]
    [Trait("Conformance", "[sig-apps] ReplicaSet Replicaset should have a working scale subresource [Conformance]")]
    public Task Of_a_ReplicaSet() => ScalesAsync(ReplicaSets);

    [ClientFact]
    [Trait("Conformance", "[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should have a working scale subresource [Conformance]")]
    public Task Of_a_StatefulSet() => ScalesAsync(StatefulSets);

    [ClientFact]
    [Trait("Conformance", "[sig-apps] ReplicationController should get and update a ReplicationController scale [Conformance]")]
    public Task Of_a_ReplicationController() => ScalesAsync(Controllers);

    async Task ScalesAsync(string resource)
    {
        var all = Apps(resource);
        await ReadyAsync(resource, "test", 1);
        var scale = await all.GetAsync("test", "scale");
        Assert.Equal(("Scale", "autoscaling/v1", 1, 1), (scale.Text("kind"), scale.Text("apiVersion"), scale.Number("spec.replicas"), scale.Number("status.replicas")));
        Assert.Equal("app=test", scale.Text("status.selector"));

        // Without a version: whatever it was before.
        scale["metadata"]!.AsObject().Remove("resourceVersion");
        scale["spec"]!["replicas"] = 2;
        Assert.Equal(2, (await all.ReplaceAsync(scale, "scale")).Number("spec.replicas"));
        Assert.Equal(2, (await all.GetAsync("test")).Number("spec.replicas"));
        await all.UntilAsync("test", o => o.Number("status.readyReplicas") == 2);

        Assert.Equal(4, (await all.PatchAsync("test", "{spec: {replicas: 4}}", Objects.Strategic, "scale")).Number("spec.replicas"));
        Assert.Equal(4, (await all.GetAsync("test")).Number("spec.replicas"));
        await all.UntilAsync("test", o => o.Number("status.readyReplicas") == 4);
        Assert.Equal(4, (await all.GetAsync("test", "scale")).Number("status.replicas"));
    }
}
