using Hanbae.EndToEnd.Clients;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Apps;

/// <summary>What carries a label is listed from all namespaces, and deleted at once; the rest stays.</summary>
public sealed class WorkloadCollectionTests(ClientCluster shared) : Workloads(shared)
{
    [ClientFact]
    [Trait("Conformance", "[sig-apps] Daemon set [Serial] should list and delete a collection of DaemonSets [Conformance]")]
    public Task Of_DaemonSets() => CollectAsync(DaemonSets, 0);

    [ClientFact]
    [Trait("Conformance", "[sig-apps] ReplicaSet should list and delete a collection of ReplicaSets [Conformance]")]
    public Task Of_ReplicaSets() => CollectAsync(ReplicaSets, 3);

    [ClientFact]
    [Trait("Conformance", "[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should list, patch and delete a collection of StatefulSets [Conformance]")]
    public async Task Of_StatefulSets()
    {
        await ReadyAsync(StatefulSets, "patched", 1);
        var patched = await Apps(StatefulSets).PatchAsync("patched", $$$"""
            metadata: {labels: {test-ss: patched, in: {{{Namespace}}} } }
            spec: {replicas: 2, template: {spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: 'busybox:2'}]} } }
            """);
        Assert.Equal(("patched", 2, 1, "busybox:2"), (patched.Text("metadata.labels.test-ss"), patched.Number("spec.replicas"), patched.Number("spec.template.spec.terminationGracePeriodSeconds"), patched.Text("spec.template.spec.containers.0.image")));
        await Apps(StatefulSets).UntilAsync("patched", o => o.Number("status.readyReplicas") == 2 && o.Number("status.updatedReplicas") == 2);
        await CollectAsync(StatefulSets, 1, "test-ss=patched");
    }

    /// <summary>Makes two with the label, and one without, beside what there is.</summary>
    /// <param name="also">A label of one that is there already.</param>
    async Task CollectAsync(string resource, int replicas, string also = "")
    {
        var all = Apps(resource);
        string label = "in=" + Namespace;
        string[] names = ["one", "two"];
        foreach (string name in names) await ReadyAsync(resource, name, replicas, $"in: {Namespace}");
        await ReadyAsync(resource, "other", replicas);
        string[] expected = [.. names, .. also.Length > 0 ? new[] { "patched" } : []];
        Assert.Equal(expected.Order(), (await Everywhere("apps/v1", resource).ListAsync(label)).Select(o => o.Text("metadata.name")).Order());
        if (also.Length > 0) Assert.Single(await Everywhere("apps/v1", resource).ListAsync(also));

        await all.DeleteAllAsync(label, "{gracePeriodSeconds: 1}");
        await Until.Async("the end of the collection", () => Everywhere("apps/v1", resource).ListAsync(label), left => left.Count == 0);
        Assert.Equal("other", Assert.Single(await all.ListAsync()).Text("metadata.name"));
        await Until.Async("the end of their Pods", () => Pods.ListAsync("app!=other"), left => left.Count == 0);
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets [Conformance]")]
    public async Task Of_PodDisruptionBudgets()
    {
        string other = Namespace + "-other";
        var namespaces = new Objects(Api, "v1", "namespaces");
        await namespaces.CreateAsync($"{{metadata: {{name: {other}}}}}");
        try
        {
            Objects here = Of("policy/v1", "poddisruptionbudgets"), there = new(Api, "policy/v1", "poddisruptionbudgets", other), everywhere = Everywhere("policy/v1", "poddisruptionbudgets");
            string Budget(string name, string labels = "") => $"{{metadata: {{name: {name}, labels: {{in: {Namespace}{labels}}}}}, spec: {{minAvailable: 1, selector: {{matchLabels: {{app: none}}}}}}}}";
            await here.CreateAsync(Budget("one", ", special: 'yes'"));
            await here.CreateAsync(Budget("two", ", special: 'yes'"));
            await here.CreateAsync(Budget("three"));
            await there.CreateAsync(Budget("one", ", special: 'yes'"));
            foreach (string name in (string[])["one", "two", "three"]) await here.UntilAsync(name, b => b.Number("status.observedGeneration") == 1);
            Assert.Equal(4, (await everywhere.ListAsync("in=" + Namespace)).Count);
            Assert.Equal(3, (await here.ListAsync()).Count);
            Assert.Equal(3, (await everywhere.ListAsync($"in={Namespace},special=yes")).Count);
            await here.DeleteAllAsync("special=yes");
            Assert.Equal("three", Assert.Single(await here.ListAsync()).Text("metadata.name"));
            Assert.Single(await there.ListAsync());
        }
        finally { await namespaces.DeleteAsync(other); }
    }
}
