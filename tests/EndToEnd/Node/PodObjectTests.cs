using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>Pods as objects that the node follows: changes, deadlines, debugging, resizing.</summary>
public sealed class PodObjectTests(SharedCluster shared) : PodRun(shared)
{
    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods should allow activeDeadlineSeconds to be updated [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Pods should be updated [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34] [Conformance]")]
    public async Task A_running_Pod_follows_changes_of_its_spec()
    {
        await ApplyAsync(Script("deadline", "sleep 100000", "", "activeDeadlineSeconds: 3600", "labels: {time: first}"));
        await ReadyAsync("deadline");
        Assert.Equal("1", await ReadAsync("pod/deadline", ".metadata.generation"));
        await KubectlAsync("label", "pod", "deadline", "--overwrite", "time=second");
        Assert.Equal("1 second", await ReadAsync("pod/deadline", ".metadata.generation") + " " + await ReadAsync("pod/deadline", ".metadata.labels.time"));
        await KubectlAsync("patch", "pod", "deadline", "-p", "{\"spec\":{\"tolerations\":[{\"key\":\"foo\",\"operator\":\"Exists\"}]}}");
        Assert.Equal("2", await ReadAsync("pod/deadline", ".metadata.generation"));
        await UntilAsync("pod/deadline", ".status.observedGeneration", "2");
        await KubectlAsync("patch", "pod", "deadline", "-p", "{\"spec\":{\"activeDeadlineSeconds\":1}}");
        await UntilAsync("pod/deadline", ".status.reason", "DeadlineExceeded");
        Assert.Equal("Failed", await ReadAsync("pod/deadline", ".status.phase"));
        Assert.Equal("Pod was active on the node longer than the specified deadline", await ReadAsync("pod/deadline", ".status.message"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge [MinimumKubeletVersion:1.34] [Conformance]")]
    public async Task The_node_catches_up_with_many_changes()
    {
        await ApplyAsync(Script("busy", "sleep 100000"));
        await ReadyAsync("busy");
        using var api = await RawApi.OfAsync(Cluster);
        for (int i = 0; i < 500; i++)
        {
            var (status, body) = await api.SendAsync(HttpMethod.Patch, $"/api/v1/namespaces/{Namespace}/pods/busy", $"{{\"spec\":{{\"activeDeadlineSeconds\":{5000 - i}}}}}", "application/merge-patch+json");
            Assert.True(status == 200, body.ToString());
        }
        Assert.Equal("501", await ReadAsync("pod/busy", ".metadata.generation"));
        await UntilAsync("pod/busy", ".status.observedGeneration", "501");
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Ephemeral Containers [NodeConformance] will start an ephemeral container in an existing pod [Conformance]")]
    [Trait("Conformance", "[sig-node] Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod [Conformance]")]
    public async Task A_Pod_can_be_debugged_from_inside()
    {
        await ApplyAsync(Script("target", "sleep 98765"));
        await ReadyAsync("target");
        await KubectlAsync("debug", "target", "--image=busybox:1", "--image-pull-policy=Never", "--container=debugger", "--target=main", "--profile=general", "--", "sh", "-c", "ps; echo polo; sleep 100000");
        await LogAsync("target", "polo", "-c", "debugger");
        Assert.Contains("sleep 98765", await KubectlAsync("logs", "target", "-c", "debugger"));
        Assert.Contains("running", await ReadAsync("pod/target", ".status.ephemeralContainerStatuses[0].state"));
        await KubectlAsync("debug", "target", "--image=busybox:1", "--image-pull-policy=Never", "--container=second", "--", "echo", "marco");
        await LogAsync("target", "marco", "-c", "second");
        Assert.Equal("debugger second", await ReadAsync("pod/target", ".spec.ephemeralContainers[*].name"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Pod InPlace Resize Container resize pod via the replace endpoint [MinimumKubeletVersion:1.34] [Conformance]")]
    [Trait("Conformance", "[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2) [MinimumKubeletVersion:1.34] [Conformance]")]
    [Trait("Conformance", "[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase [MinimumKubeletVersion:1.34] [Conformance]")]
    [Trait("Conformance", "[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease [MinimumKubeletVersion:1.34] [Conformance]")]
    [Trait("Conformance", "[sig-node] Pod InPlace Resize Container burstable pods - extended resize with equivalents [MinimumKubeletVersion:1.34] [Conformance]")]
    public async Task Containers_are_resized_while_they_run()
    {
        string One(string name, int milli, int mega, string policy) => $"{{name: {name}, image: 'busybox:1', command: [sleep, '100000'], resizePolicy: [{{resourceName: memory, restartPolicy: {policy}}}], resources: {{requests: {{cpu: {milli}m, memory: {mega}Mi}}, limits: {{cpu: {milli}m, memory: {mega}Mi}}}}}}";
        await ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: sized}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - {{One("c1", 20, 30, "NotRequired")}}
              - {{One("c2", 30, 40, "NotRequired")}}
              - {{One("c3", 40, 50, "RestartContainer")}}
            """);
        await ReadyAsync("sized");
        async Task ResizeAsync(params (int Milli, int Mega)[] to)
        {
            string patch = string.Join(',', to.Select((t, i) => $"{{\"name\":\"c{i + 1}\",\"resources\":{{\"requests\":{{\"cpu\":\"{t.Milli}m\",\"memory\":\"{t.Mega}Mi\"}},\"limits\":{{\"cpu\":\"{t.Milli}m\",\"memory\":\"{t.Mega}Mi\"}}}}}}"));
            await KubectlAsync("patch", "pod", "sized", "--subresource", "resize", "-p", $"{{\"spec\":{{\"containers\":[{patch}]}}}}");
            for (int i = 0; i < to.Length; i++)
                await UntilAsync("pod/sized", $".status.containerStatuses[?(@.name=='c{i + 1}')].resources.limits", seen => seen == $"{{\"cpu\":\"{to[i].Milli}m\",\"memory\":\"{to[i].Mega}Mi\"}}");
            await UntilAsync("pod/sized", ".status.conditions[?(@.type=='PodResizeInProgress')].status", "");
            Assert.Equal("", await ReadAsync("pod/sized", ".status.conditions[?(@.type=='PodResizePending')].status"));
            for (int i = 0; i < to.Length; i++)
                await Until.Async($"limits of c{i + 1}", () => KubectlAsync("exec", "sized", "-c", $"c{i + 1}", "--", "sh", "-c",
                        "if [ -e /sys/fs/cgroup/memory.max ]; then echo $(cut -d' ' -f1 /sys/fs/cgroup/cpu.max) $(cat /sys/fs/cgroup/memory.max); else echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us) $(cat /sys/fs/cgroup/memory/memory.limit_in_bytes); fi"),
                    seen => seen == $"{to[i].Milli * 100} {(long)to[i].Mega << 20}\n");
        }
        await ResizeAsync((40, 30), (20, 60), (60, 70));
        Assert.Equal("0 0 1", await ReadAsync("pod/sized", ".status.containerStatuses[*].restartCount")); // only c3 asked for it
        await ResizeAsync((60, 50), (40, 70), (30, 40));
        await ResizeAsync((80, 60), (20, 50), (20, 30));
        Assert.Equal("0 0 3", await ReadAsync("pod/sized", ".status.containerStatuses[*].restartCount"));
        Assert.Contains("Pod resize started", await EventAsync("sized", "ResizeStarted"));
        Assert.Contains("Pod resize completed", await EventAsync("sized", "ResizeCompleted"));
        Assert.Equal("Guaranteed", await ReadAsync("pod/sized", ".status.qosClass"));

        // A request so small that the kernel knows no smaller one.
        await ApplyAsync(Script("tiny", "sleep 100000", "resources: {requests: {cpu: 2m}, limits: {cpu: 10m}}"));
        await ReadyAsync("tiny");
        await KubectlAsync("patch", "pod", "tiny", "--subresource", "resize", "-p", "{\"spec\":{\"containers\":[{\"name\":\"main\",\"resources\":{\"requests\":{\"cpu\":\"1m\"},\"limits\":{\"cpu\":\"5m\"}}}]}}");
        await UntilAsync("pod/tiny", ".status.containerStatuses[0].resources", seen => seen.Contains("\"requests\":{\"cpu\":\"1m\"}"));
        await UntilAsync("pod/tiny", ".status.conditions[?(@.type=='PodResizeInProgress')].status", "");
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed (including adding limits and requests) [MinimumKubeletVersion:1.34] [Conformance]")]
    public async Task Limits_can_be_added_and_what_the_node_has_not_is_told()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: growing}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - {name: c1, image: 'busybox:1', command: [sleep, '100000']}
              - {name: c2, image: 'busybox:1', command: [sleep, '100000'], resources: {requests: {cpu: 20m, memory: 30Mi}}}
            """);
        await ReadyAsync("growing");
        await KubectlAsync("patch", "pod", "growing", "--subresource", "resize", "-p", """{"spec":{"containers":[{"name":"c1","resources":{"requests":{"cpu":"10m","memory":"20Mi"},"limits":{"cpu":"20m","memory":"40Mi"}}},{"name":"c2","resources":{"limits":{"memory":"60Mi"}}}]}}""");
        await UntilAsync("pod/growing", ".status.containerStatuses[?(@.name=='c1')].resources.limits.memory", "40Mi");
        await UntilAsync("pod/growing", ".status.containerStatuses[?(@.name=='c2')].resources.limits.memory", "60Mi");
        Assert.Equal("0 0", await ReadAsync("pod/growing", ".status.containerStatuses[*].restartCount"));

        // Since 1.36 the server says so (PodResizeValidator), and nothing of it reaches the node.
        string refusal = (await TryAsync("patch", "pod", "growing", "--subresource", "resize", "-p", """{"spec":{"containers":[{"name":"c2","resources":{"requests":{"cpu":"9999"}}}]}}""")).Fails();
        Assert.Contains("node didn't have enough allocatable resources: cpu, requested: 9999010", refusal);
        Assert.Equal("20m", await ReadAsync("pod/growing", ".spec.containers[?(@.name=='c2')].resources.requests.cpu"));
        Assert.Equal("20m", await ReadAsync("pod/growing", ".status.containerStatuses[?(@.name=='c2')].allocatedResources.cpu"));
    }

    [NodeFact]
    [Trait("Conformance", "[sig-node] Pods should be submitted and removed [NodeConformance] [Conformance]")]
    public async Task A_Pod_deleted_while_it_is_made_is_terminating_and_then_gone()
    {
        await ApplyAsync(Script("early", "sleep 100000"));
        using var watch = InBackground("get", "pod", "early", "--watch", "--no-headers");
        await Until.TrueAsync("the watch", () => Task.FromResult(watch.Text.Contains("early")));
        await KubectlAsync("delete", "pod", "early", "--timeout=60s");
        Assert.Contains("NotFound", (await TryAsync("get", "pod", "early")).Fails());
        Assert.Contains("Terminating", watch.Text);
        string list = await KubectlAsync("get", "pods", "--no-headers", "--ignore-not-found");
        Assert.DoesNotContain("early", list);
    }
}
