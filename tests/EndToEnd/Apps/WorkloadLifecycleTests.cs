using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Clients;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Apps;

/// <summary>From making to deleting, with a watch that sees each step.</summary>
public sealed class WorkloadLifecycleTests(ClientCluster shared) : Workloads(shared)
{
    [ClientFact]
    [Trait("Conformance", "[sig-apps] Deployment should run the lifecycle of a Deployment [Conformance]")]
    public async Task Of_a_Deployment()
    {
        var all = Apps(Deployments);
        using var watch = await all.WatchAsync("kind=static");
        await all.CreateAsync(Workload(Deployments, "test", 1, "kind: static"));
        await watch.UntilAsync("ADDED");
        await watch.UntilAsync("MODIFIED", d => d.Number("status.readyReplicas") == 1);

        await all.PatchAsync("test", "{metadata: {labels: {stage: patched}}, spec: {replicas: 2, template: {spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: 'busybox:2', command: [sleep, '100000']}]}}}}");
        await watch.UntilAsync("MODIFIED", d => d.Text("metadata.labels.stage") == "patched");
        await watch.UntilAsync("MODIFIED", d => d.Number("status.readyReplicas") == 2 && d.Number("status.updatedReplicas") == 2);
        Assert.Equal("busybox:2", Assert.Single(await Everywhere("apps/v1", Deployments).ListAsync("kind=static")).Text("spec.template.spec.containers.0.image"));

        await all.ChangeAsync("test", d =>
        {
            d["metadata"]!["labels"]!["stage"] = "updated";
            d["metadata"]!["annotations"]!["mark"] = "updated";
            d["spec"]!["template"]!["spec"]!["containers"]![0]!["image"] = "busybox:1";
        });
        await watch.UntilAsync("MODIFIED", d => d.Text("metadata.labels.stage") == "updated" && d.Text("metadata.annotations.mark") == "updated");
        await watch.UntilAsync("MODIFIED", d => d.Number("status.observedGeneration") == d.Number("metadata.generation")
            && d.Number("status.readyReplicas") == 2 && d.Number("status.updatedReplicas") == 2 && d.Number("status.replicas") == 2);
        Assert.Equal(2, (await all.GetAsync("test", "status")).Number("status.readyReplicas"));

        // Written by somebody else, the status is what he says until the controller looks again.
        var status = await all.PatchAsync("test", "{metadata: {labels: {stage: patched-status}}, status: {readyReplicas: 0, availableReplicas: 0}}", Objects.Strategic, "status");
        Assert.Equal((0, "updated"), (status.Number("status.readyReplicas"), status.Text("metadata.labels.stage")));
        await watch.UntilAsync("MODIFIED", d => d.Number("status.readyReplicas") == 0);
        await watch.UntilAsync("MODIFIED", d => d.Number("status.readyReplicas") == 2);

        await all.DeleteAllAsync("kind=static");
        await watch.UntilAsync("DELETED");
        await Until.Async("no Pods", () => Pods.ListAsync(), left => left.Count == 0);
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] ReplicationController should test the lifecycle of a ReplicationController [Conformance]")]
    public async Task Of_a_ReplicationController()
    {
        var all = Apps(Controllers);
        using var watch = await all.WatchAsync("kind=static");
        await all.CreateAsync(Workload(Controllers, "test", 1, "kind: static"));
        await watch.UntilAsync("ADDED");
        await watch.UntilAsync("MODIFIED", c => c.Number("status.readyReplicas") == 1);

        await all.PatchAsync("test", "{metadata: {labels: {stage: patched}}}");
        await watch.UntilAsync("MODIFIED", c => c.Text("metadata.labels.stage") == "patched");
        var status = await all.PatchAsync("test", "{status: {readyReplicas: 0, availableReplicas: 0}}", Objects.Strategic, "status");
        Assert.Equal(0, status.Number("status.readyReplicas"));
        await watch.UntilAsync("MODIFIED", c => c.Number("status.readyReplicas") == 0);
        await watch.UntilAsync("MODIFIED", c => c.Number("status.availableReplicas") == 1);
        Assert.Equal("test", (await all.GetAsync("test", "status")).Name());

        await all.PatchAsync("test", "{spec: {replicas: 2}}", Objects.Strategic, "scale");
        await watch.UntilAsync("MODIFIED", c => c.Number("spec.replicas") == 2);
        await watch.UntilAsync("MODIFIED", c => c.Number("status.readyReplicas") == 2);
        await all.ChangeAsync("test", c => { c["metadata"]!["labels"]!["stage"] = "updated"; c["spec"]!["replicas"] = 3; });
        await watch.UntilAsync("MODIFIED", c => c.Text("metadata.labels.stage") == "updated");
        await watch.UntilAsync("MODIFIED", c => c.Number("status.readyReplicas") == 3);

        Assert.Equal("test", Assert.Single(await Everywhere("v1", Controllers).ListAsync("kind=static")).Text("metadata.name"));
        await all.DeleteAllAsync("kind=static");
        await watch.UntilAsync("DELETED");
        Assert.Empty(await all.ListAsync());
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] ReplicaSet Replace and Patch tests [Conformance]")]
    public async Task Of_a_ReplicaSet()
    {
        var all = Apps(ReplicaSets);
        using var watch = await all.WatchAsync("kind=static");
        await all.CreateAsync(Workload(ReplicaSets, "test", 1, "kind: static"));
        await watch.UntilAsync("MODIFIED", s => s.Number("status.readyReplicas") == 1);
        var scale = await all.GetAsync("test", "scale");
        scale["spec"]!["replicas"] = 2;
        await all.ReplaceAsync(scale, "scale");
        await watch.UntilAsync("MODIFIED", s => s.Number("status.readyReplicas") == 2);
        await all.PatchAsync("test", "{metadata: {labels: {test-rs: patched}}, spec: {replicas: 3, template: {spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: 'busybox:2'}]}}}}");
        var done = await watch.UntilAsync("MODIFIED", s => s.Text("metadata.labels.test-rs") == "patched" && s.Number("status.readyReplicas") == 3 && s.Number("spec.replicas") == 3);
        // Those that were there stay what they were; what is new is of the new template.
        Assert.Equal("busybox:2", done.Text("spec.template.spec.containers.0.image"));
        Assert.Equal(["busybox:1", "busybox:1", "busybox:2"], (await Pods.ListAsync("app=test")).Select(p => p.Text("spec.containers.0.image")).Order());
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] Job should manage the lifecycle of a job [Conformance]")]
    public async Task Of_a_Job()
    {
        var jobs = Of("batch/v1", "jobs");
        string label = "e2e-in=" + Namespace;
        using var watch = await jobs.WatchAsync(label);
        await jobs.CreateAsync($$$"""
            metadata: {name: test, labels: {e2e-in: {{{Namespace}}} } }
            spec: {suspend: true, parallelism: 2, completions: 2, backoffLimit: 6, template: {metadata: {labels: {e2e-in: {{{Namespace}}} } }, spec: {restartPolicy: Never, containers: [{name: c, image: 'busybox:1'}]} } }
            """);
        await watch.UntilAsync("ADDED");
        await jobs.PatchAsync("test", "{metadata: {labels: {e2e-job: patched}}}", Objects.Merge);
        await watch.UntilAsync("MODIFIED", j => j.Text("metadata.labels.e2e-job") == "patched");
        await jobs.ChangeAsync("test", j =>
        {
            j["spec"]!["suspend"] = false;
            j["metadata"]!["annotations"] = new JsonObject { ["updated"] = "true" };
        });
        await watch.UntilAsync("MODIFIED", j => j.Text("metadata.annotations.updated") == "true" && j.Text("spec.suspend") == "false");
        Assert.Equal("test", Assert.Single(await Everywhere("batch/v1", "jobs").ListAsync(label)).Text("metadata.name"));
        await watch.UntilAsync("MODIFIED", j => j.Condition("Complete").Text("status") == "True");
        Assert.Equal(2, (await jobs.GetAsync("test")).Number("status.succeeded"));
        await jobs.DeleteAllAsync(label, "{propagationPolicy: Background}");
        await watch.UntilAsync("DELETED");
        Assert.Empty(await jobs.ListAsync(label));
        await Until.Async("no Pods", () => Pods.ListAsync(), left => left.Count == 0);
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] CronJob should support CronJob API operations [Conformance]")]
    public async Task Of_a_CronJob()
    {
        async Task<JsonNode> RawAsync(string path) => JsonNode.Parse((await Api.AskAsync(HttpMethod.Get, path)).Body)!;
        Assert.Contains((await RawAsync("/apis")).Items("groups"), g => g.Text("name") == "batch" && g.Items("versions").Any(v => v.Text("version") == "v1"));
        Assert.Contains((await RawAsync("/apis/batch")).Items("versions"), v => v.Text("groupVersion") == "batch/v1");
        Assert.Equal(["cronjobs", "cronjobs/status"], (await RawAsync("/apis/batch/v1")).Items("resources").Select(r => r.Text("name")).Where(n => n.StartsWith("cronjobs", StringComparison.Ordinal)).Order());

        var all = Of("batch/v1", "cronjobs");
        string CronJob(string name) => $$$"""
            metadata: {generateName: {{{name}}}, labels: {special: '{{{Namespace}}}'} }
            spec: {schedule: '0 0 1 1 *', concurrencyPolicy: Allow, jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: c, image: 'busybox:1'}]} } } } }
            """;
        string label = "special=" + Namespace;
        using var watch = await all.WatchAsync(label);
        await all.CreateAsync(CronJob("a-"));
        await all.CreateAsync(CronJob("b-"));
        string name = (await all.CreateAsync(CronJob("c-"))).Name();
        Assert.Equal(name, (await all.GetAsync(name)).Name());
        Assert.Equal(3, (await all.ListAsync(label)).Count);
        Assert.Equal(3, (await Everywhere("batch/v1", "cronjobs").ListAsync(label)).Count);
        for (int i = 0; i < 3; i++) await watch.UntilAsync("ADDED");

        Assert.Equal("true", (await all.PatchAsync(name, "{metadata: {annotations: {patched: 'true'}}}", Objects.Merge)).Text("metadata.annotations.patched"));
        Assert.Equal("true", (await all.ChangeAsync(name, c => c["metadata"]!["annotations"]!["updated"] = "true")).Text("metadata.annotations.updated"));
        await watch.UntilAsync("MODIFIED", c => c.Text("metadata.annotations.patched") == "true");
        await watch.UntilAsync("MODIFIED", c => c.Text("metadata.annotations.updated") == "true");

        const string First = "2030-01-01T00:00:00Z", Second = "2030-01-01T00:00:01Z";
        var patched = await all.PatchAsync(name, $"{{metadata: {{annotations: {{patchedstatus: 'true'}}}}, status: {{lastScheduleTime: '{First}'}}}}", Objects.Merge, "status");
        Assert.Equal((First, "true"), (patched.Text("status.lastScheduleTime"), patched.Text("metadata.annotations.patchedstatus")));
        Assert.Equal(Second, (await all.ChangeAsync(name, c => c["status"]!["lastScheduleTime"] = Second, "status")).Text("status.lastScheduleTime"));
        Assert.Equal((name, Second), ((await all.GetAsync(name, "status")).Name(), (await all.GetAsync(name, "status")).Text("status.lastScheduleTime")));

        await all.DeleteAsync(name);
        await all.GoneAsync(name);
        Assert.Equal(2, (await all.ListAsync(label)).Count);
        await all.DeleteAllAsync(label);
        await Until.Async("the end of the collection", () => all.ListAsync(label), left => left.Count == 0);
        await watch.UntilAsync("DELETED", c => c.Name() == name);
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision [Conformance]")]
    public async Task Of_a_ControllerRevision()
    {
        await ReadyAsync(DaemonSets, "test", 0);
        var all = Apps("controllerrevisions");
        var first = Assert.Single(await all.ListAsync("app=test"));
        Assert.Equal(("DaemonSet", "test", 1), (first.Text("metadata.ownerReferences.0.kind"), first.Text("metadata.ownerReferences.0.name"), first.Number("revision")));
        string name = first.Text("metadata.name");
        Assert.Equal(name, (await all.GetAsync(name)).Name());
        Assert.Equal("patched", (await all.PatchAsync(name, "{metadata: {labels: {mark: patched}}}")).Text("metadata.labels.mark"));

        // One that somebody else wrote, for the same controller.
        var second = await all.CreateAsync(new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "by-hand", ["labels"] = Objects.Read("{app: test}"), ["ownerReferences"] = first["metadata"]!["ownerReferences"]!.DeepClone() },
            ["data"] = first["data"]!.DeepClone(), ["revision"] = first.Number("revision") + 1,
        }.ToJsonString());
        Assert.Equal(2, (await all.ListAsync("app=test")).Count);
        await all.DeleteAsync(name);
        await all.GoneAsync(name);
        await Until.Async("one that is left", () => all.ListAsync("app=test"), left => left.Count == 1);
        Assert.Equal("updated", (await all.ChangeAsync(second.Name(), r => r["metadata"]!["labels"]!["mark"] = "updated")).Text("metadata.labels.mark"));

        await Apps(DaemonSets).PatchAsync("test", "{spec: {template: {spec: {terminationGracePeriodSeconds: 1}}}}");
        await Until.Async("a revision of the new template", () => all.ListAsync("app=test"), found => found.Count == 2);
        await all.DeleteAllAsync("mark=updated");
        await Until.Async("the new one alone", () => all.ListAsync("app=test"), found => found.Count == 1 && found[0].Text("metadata.name") != second.Name());
        Assert.Single(await Everywhere("apps/v1", "controllerrevisions").ListAsync("app=test"), r => r.Text("metadata.namespace") == Namespace);
    }

    [ClientFact]
    [Trait("Conformance", "[sig-apps] DisruptionController should block an eviction until the PDB is updated to allow it [Conformance]")]
    public async Task Of_what_a_budget_allows()
    {
        var budgets = Of("policy/v1", "poddisruptionbudgets");
        await budgets.CreateAsync("{metadata: {name: test}, spec: {minAvailable: 3, selector: {matchLabels: {app: guarded}}}}");
        await ReadyAsync(ReplicaSets, "guarded", 3);
        async Task<string> PodAsync()
        {
            await Until.Async("three Pods", () => Pods.ListAsync("app=guarded"), found => found.Count(p => p.Condition("Ready").Text("status") == "True" && p.At("metadata.deletionTimestamp") is null) == 3);
            await Until.Async("what the budget sees", () => budgets.GetAsync("test"), b => b.Number("status.currentHealthy") == 3 && b.Text("status.observedGeneration") == b.Text("metadata.generation"));
            return (await Pods.ListAsync("app=guarded"))[0].Text("metadata.name");
        }
        Task<RawApi.Reply> EvictAsync(string pod) =>
            Api.AskAsync(HttpMethod.Post, $"{Pods.Path}/{pod}/eviction", $"{{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{{\"name\":\"{pod}\",\"namespace\":\"{Namespace}\"}}}}");
        void Refused(RawApi.Reply reply)
        {
            var status = JsonNode.Parse(reply.Body);
            Assert.Equal((429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget."), (reply.Code, status.Text("reason"), status.Text("message")));
            Assert.Contains(status.Items("details.causes"), c => c.Text("reason") == "DisruptionBudget");
        }
        string first = await PodAsync();
        Refused(await EvictAsync(first));
        await budgets.ChangeAsync("test", b => b["spec"]!["minAvailable"] = 2);
        await PodAsync();
        Assert.Equal(201, (await EvictAsync(first)).Code);
        await Pods.GoneAsync(first);

        string second = await PodAsync();
        await budgets.PatchAsync("test", "{spec: {minAvailable: 3}}", Objects.Strategic);
        await PodAsync();
        Refused(await EvictAsync(second));
        await budgets.PatchAsync("test", "{spec: {minAvailable: null, maxUnavailable: 0}}", Objects.Merge);
        await PodAsync();
        Refused(await EvictAsync(second));
        await budgets.DeleteAsync("test");
        await budgets.GoneAsync("test");
        Assert.Equal(201, (await EvictAsync(second)).Code);
        await Pods.GoneAsync(second);
    }
}
