using System.Text.Json.Nodes;
using Hanbae.EndToEnd.Clients;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Apps;

/// <summary>What gives way to what when a node has no room for all.</summary>
public sealed class PreemptionTests(ClientCluster shared) : Workloads(shared)
{
    const string Fake = "example.com/fakecpu";

    [ClientFact]
    [Trait("Conformance", "[sig-scheduling] SchedulerPreemption [Serial] PreemptionExecutionPath runs ReplicaSets to verify preemption running path [Conformance]")]
    public async Task The_least_important_sets_lose_their_Pods_and_no_others()
    {
        Objects nodes = new(Api, "v1", "nodes"), classes = new(Api, "scheduling.k8s.io/v1", "priorityclasses");
        string node = (await nodes.ListAsync())[0].Text("metadata.name");
        string Class(int i) => $"{Namespace}-p{i}";
        Task SetAsync(int i, int wants) => Apps(ReplicaSets).CreateAsync($$"""
            metadata: {name: rs-{{i}}, labels: {name: pod{{i}} } }
            spec:
              replicas: 1
              selector: {matchLabels: {name: pod{{i}} } }
              template:
                metadata: {labels: {name: pod{{i}} } }
                spec:
                  nodeSelector: {kubernetes.io/hostname: {{node}} }
                  priorityClassName: {{Class(i)}}
                  terminationGracePeriodSeconds: 0
                  containers: [{name: main, image: 'busybox:1', resources: {requests: {{{Fake}}: {{wants}} }, limits: {{{Fake}}: {{wants}} } } }]
            """);
        await nodes.PatchAsync(node, $"{{status: {{capacity: {{{Fake}: '1000'}}, allocatable: {{{Fake}: '1000'}}}}}}", Objects.Merge, "status");
        try
        {
            for (int i = 1; i <= 4; i++) await classes.CreateAsync($"{{metadata: {{name: {Class(i)}}}, value: {i}}}");
            using var watch = await Pods.WatchAsync();
            int[] wants = [200, 300, 450];
            for (int i = 1; i <= 3; i++) await SetAsync(i, wants[i - 1]);
            for (int i = 1; i <= 3; i++) await Apps(ReplicaSets).UntilAsync($"rs-{i}", s => s.Number("status.availableReplicas") == 1);
            string[] before = await Task.WhenAll(Enumerable.Range(1, 3).Select(async i => Assert.Single(await Pods.ListAsync($"name=pod{i}")).Text("metadata.uid")));

            await SetAsync(4, 500);

            await Apps(ReplicaSets).UntilAsync("rs-4", s => s.Number("status.availableReplicas") == 1);
            // The two least important have lost theirs and wait with new ones; the third has kept its own.
            for (int i = 1; i <= 2; i++)
            {
                var left = await Until.Async($"another Pod of rs-{i}", () => Pods.ListAsync($"name=pod{i}"), found => found.Count == 1 && found[0].Text("metadata.uid") != before[i - 1]);
                await Pods.UntilAsync(left[0].Text("metadata.name"), p => p.Condition("PodScheduled").Text("reason") == "Unschedulable");
            }
            Assert.Equal(before[2], Assert.Single(await Pods.ListAsync("name=pod3")).Text("metadata.uid"));
            // Nobody was made to go twice: as many Pods came as had to, up to a last one that comes now.
            await Pods.CreateAsync("{metadata: {name: last}, spec: {containers: [{name: c, image: 'busybox:1'}]}}");
            await watch.UntilAsync("ADDED", p => p.Name() == "last");
            Assert.Equal([2, 2, 1, 1], Enumerable.Range(1, 4).Select(i => watch.Seen.Count(e => e.Text("type") == "ADDED" && e.Text("object.metadata.labels.name") == $"pod{i}")));
        }
        finally
        {
            await Apps(ReplicaSets).DeleteAllAsync("name", "{propagationPolicy: Background}");
            for (int i = 1; i <= 4; i++) if (await classes.FindAsync(Class(i)) is not null) await classes.DeleteAsync(Class(i));
            await nodes.PatchAsync(node, $"{{status: {{capacity: {{{Fake}: null}}, allocatable: {{{Fake}: null}}}}}}", Objects.Merge, "status");
        }
    }
}
