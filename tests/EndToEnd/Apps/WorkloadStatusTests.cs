using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Clients;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Apps;

/// <summary>Anybody with the right to may write a status: what he adds stays beside what the controller has to say.</summary>
public sealed class WorkloadStatusTests(ClientCluster shared) : Workloads(shared)
{
    [ClientFact]
    [Trait("Conformance", "[sig-apps] Deployment should validate Deployment Status endpoints [Conformance]")]
    public Task Of_a_Deployment() => ConditionsAsync(Deployments);

    [ClientFact]
    [Trait("Conformance", "[sig-apps] ReplicaSet should validate Replicaset Status endpoints [Conformance]")]
    public Task Of_a_ReplicaSet() => ConditionsAsync(ReplicaSets);

    [ClientFact]
    [Trait("Conformance", "[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should validate Statefulset Status endpoints [Conformance]")]
    public Task Of_a_StatefulSet() => ConditionsAsync(StatefulSets);

    [ClientFact]
    [Trait("Conformance", "[sig-apps] Daemon set [Serial] should verify changes to a daemon set status [Conformance]")]
    public Task Of_a_DaemonSet() => ConditionsAsync(DaemonSets);

    async Task ConditionsAsync(string resource)
    {
        var all = Apps(resource);
        using var watch = await all.WatchAsync("kind=watched");
        await all.CreateAsync(Workload(resource, "test", 1, "kind: watched"));
        await watch.UntilAsync("MODIFIED", o => Ready(resource, o));
        Assert.Equal("test", (await all.GetAsync("test", "status")).Name());

        var updated = await all.ChangeAsync("test", o => o.AddCondition("{type: StatusUpdate, status: 'True', reason: E2E, message: Set from e2e test}"), "status");
        Assert.Equal("Set from e2e test", updated.Condition("StatusUpdate").Text("message"));
        await watch.UntilAsync("MODIFIED", o => o.Condition("StatusUpdate") is { } c && (c.Text("status"), c.Text("reason"), c.Text("message")) == ("True", "E2E", "Set from e2e test"));

        var patched = await all.PatchAsync("test", "{status: {conditions: [{type: StatusPatched, status: 'True'}]}}", Objects.Merge, "status");
        Assert.Equal("True", patched.Condition("StatusPatched").Text("status"));
        await watch.UntilAsync("MODIFIED", o => o.Condition("StatusPatched").Text("status") == "True");

        // Only the status is written there.
        var other = await all.PatchAsync("test", "{spec: {minReadySeconds: 7}, status: {observedGeneration: 1}}", Objects.Merge, "status");
        Assert.Null(other.At("spec.minReadySeconds"));
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] Job should apply changes to a job status [Conformance]")]
    public async Task Of_a_Job()
    {
        var jobs = Of("batch/v1", "jobs");
        // Suspended, since on these nodes it would be over at once; its start may then be written, too.
        await jobs.CreateAsync("{metadata: {name: test}, spec: {parallelism: 2, completions: 4, suspend: true, backoffLimit: 6, template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'busybox:1'}]}}}}");
        await jobs.UntilAsync("test", j => j.Condition("Suspended").Text("status") == "True");
        const string First = "2030-01-01T00:00:00Z", Second = "2030-01-01T00:00:01Z";
        var patched = await jobs.PatchAsync("test", $"{{metadata: {{annotations: {{patchedstatus: 'true'}}}}, status: {{startTime: '{First}'}}}}", Objects.Merge, "status");
        Assert.Equal((First, "true"), (patched.Text("status.startTime"), patched.Text("metadata.annotations.patchedstatus")));
        var updated = await jobs.ChangeAsync("test", j =>
        {
            j["status"]!["startTime"] = Second;
            j.AddCondition("{type: CustomConditionType, status: 'True'}");
        }, "status");
        Assert.Equal((Second, "True"), (updated.Text("status.startTime"), updated.Condition("CustomConditionType").Text("status")));
        var read = await jobs.GetAsync("test", "status");
        Assert.Equal((Second, updated.Text("metadata.uid"), "True"), (read.Text("status.startTime"), read.Text("metadata.uid"), read.Condition("CustomConditionType").Text("status")));
    }

    /// <summary>The same of one that is at work: its Pods find no node, so that it stays so.</summary>
    [ClientFact]
    [Trait("Conformance", "[sig-apps] Job should apply changes to a job status [Conformance]")]
    public async Task Of_a_Job_at_work()
    {
        var jobs = Of("batch/v1", "jobs");
        await jobs.CreateAsync("{metadata: {name: test}, spec: {parallelism: 2, completions: 4, backoffLimit: 6, template: {spec: {restartPolicy: Never, nodeSelector: {none: such}, containers: [{name: c, image: 'busybox:1'}]}}}}");
        await jobs.UntilAsync("test", j => j.Number("status.active") == 2);
        const string First = "2030-01-01T00:00:00Z", Second = "2030-01-01T00:00:01Z";
        var patched = await jobs.PatchAsync("test", $"{{metadata: {{annotations: {{patchedstatus: 'true'}}}}, status: {{conditions: [{{type: CustomConditionType, status: 'True', lastTransitionTime: '{First}'}}]}}}}", Objects.Merge, "status");
        Assert.Equal((First, "true"), (patched.Condition("CustomConditionType").Text("lastTransitionTime"), patched.Text("metadata.annotations.patchedstatus")));
        var updated = await jobs.ChangeAsync("test", j => j.Condition("CustomConditionType")!["lastTransitionTime"] = Second, "status");
        Assert.Equal(Second, updated.Condition("CustomConditionType").Text("lastTransitionTime"));
        var read = await jobs.GetAsync("test", "status");
        Assert.Equal((updated.Text("metadata.uid"), Second, 2), (read.Text("metadata.uid"), read.Condition("CustomConditionType").Text("lastTransitionTime"), read.Number("status.active")));
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] DisruptionController should update/patch PodDisruptionBudget status [Conformance]")]
    public async Task Of_a_PodDisruptionBudget()
    {
        var budgets = Of("policy/v1", "poddisruptionbudgets");
        await ReadyAsync(ReplicaSets, "guarded", 1);
        string pod = (await Pods.ListAsync("app=guarded"))[0].Name();
        await budgets.CreateAsync("{metadata: {name: test}, spec: {minAvailable: 1, selector: {matchLabels: {app: guarded}}}}");
        await budgets.UntilAsync("test", b => b.Number("status.currentHealthy") == 1 && b.Number("status.observedGeneration") == 1);
        await budgets.ChangeAsync("test", b => b["status"]!["disruptedPods"] = new JsonObject { [pod] = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ") }, "status");
        var read = await budgets.GetAsync("test", "status");
        Assert.NotNull(read["status"]!["disruptedPods"]![pod]);
        var patched = await budgets.PatchAsync("test", $"{{status: {{disruptedPods: {{{pod}: null}}}}}}", Objects.Merge, "status");
        Assert.Null(patched.At("status.disruptedPods"));
    }
}
