using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Devices;

/// <summary>Devices of plugins and of claims on the real node: scheduled, given to containers, told of, taken back.</summary>
public sealed class DeviceTests(SharedCluster shared) : NamespaceTest(shared)
{
    async Task<string> AmountsAsync(DevicePod plugin)
    {
        string name = plugin.Resource.Replace(".", "\\.");
        return await KubectlAsync("get", "nodes", "-o", $"jsonpath={{.items[0].status.allocatable.{name}}} of {{.items[0].status.capacity.{name}}}");
    }

    Task<string> ExecAsync(string pod, string command) => KubectlAsync("exec", pod, "--", "sh", "-c", command);

    [NodeFact]
    public async Task A_GPU_of_a_plugin_is_scheduled_seen_by_its_Pod_and_told_of_until_the_plugin_goes()
    {
        var plugin = new DevicePod(Cluster, "plugin", Namespace);
        await ApplyAsync(plugin.Plugin(2));
        await ReadyAsync("plugin");
        await Until.Async("the node's GPUs", () => AmountsAsync(plugin), seen => seen == "2 of 2", () => KubectlAsync("logs", "plugin"));

        // More than there is waits; what there is goes to one Pod each.
        await ApplyAsync(plugin.User("greedy", 3) + "\n---\n" + plugin.User("one", 1) + "\n---\n" + plugin.User("two", 1));
        await ReadyAsync("one", "two");
        string[] ids = [.. (await Task.WhenAll(ExecAsync("one", "echo $GPU_IDS; test -c /dev/$GPU_IDS"), ExecAsync("two", "echo $GPU_IDS; test -c /dev/$GPU_IDS"))).Select(i => i.Trim()).Order()];
        Assert.Equal(["gpu-0", "gpu-1"], ids);
        await UntilAsync("pod/greedy", ".status.conditions[?(@.type=='PodScheduled')].message", seen => seen.Contains("Insufficient " + plugin.Resource));
        Assert.Equal((plugin.Resource, "Healthy"), (await ReadAsync("pod/one", ".status.containerStatuses[0].allocatedResourcesStatus[0].name"),
            await ReadAsync("pod/one", ".status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health")));
        string who = await KubectlAsync(["exec", "plugin", "--", .. DevicePod.Command("who", plugin.Kubelet + "/pod-resources/kubelet.sock")]);
        Assert.Contains($"{Namespace}/one/main {plugin.Resource}=", who);

        string user = (await ExecAsync("one", "echo $GPU_IDS")).Trim() == "gpu-0" ? "one" : "two";
        plugin.Set("ill/gpu-0", true);
        await UntilAsync("pod/" + user, ".status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health", "Unhealthy");
        await Until.Async("one GPU less", () => AmountsAsync(plugin), seen => seen == "1 of 2");
        plugin.Set("ill/gpu-0", false);
        await UntilAsync("pod/" + user, ".status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health", "Healthy");

        // Past the scheduler: refused by the node, in upstream's words.
        string node = await KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
        await ApplyAsync(plugin.User("forced", 1, "nodeName: " + node));
        await UntilAsync("pod/forced", ".status.reason", "UnexpectedAdmissionError");
        Assert.Equal($"Pod was rejected: Allocate failed due to requested number of devices unavailable for {plugin.Resource}. Requested: 1, Available: 0, which is unexpected", await ReadAsync("pod/forced", ".status.message"));

        // A device that is free again goes to whoever waits.
        await KubectlAsync("delete", "pod", "greedy", "two");
        await ApplyAsync(plugin.User("three", 1));
        await ReadyAsync("three");
        Assert.Equal(ids, new[] { (await ExecAsync("one", "echo $GPU_IDS")).Trim(), (await ExecAsync("three", "echo $GPU_IDS")).Trim() }.Order());

        await KubectlAsync("delete", "pod", "plugin");
        await Until.Async("no GPU to be had", () => AmountsAsync(plugin), seen => seen == "0 of 2");
        Assert.NotEqual("", await ExecAsync("one", "echo $GPU_IDS")); // who has one keeps it
    }

    [NodeFact]
    public async Task A_claim_is_made_ready_for_its_Pods_and_taken_back_after_the_last_one()
    {
        var driver = new DevicePod(Cluster, "claims", Namespace);
        await ApplyAsync(driver.Claims());
        await ReadyAsync("claims");
        string node = await KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
        await ApplyAsync(DevicePod.Claimant("one", "shared", node));
        await ApplyAsync(DevicePod.Claimant("two", "shared", node));
        string one = await ReadAsync("pod/one", ".metadata.uid"), two = await ReadAsync("pod/two", ".metadata.uid");
        await Until.Async("the refusal", () => KubectlAsync("get", "events", "--field-selector=involvedObject.name=one", "-o", "jsonpath={.items[*].message}"),
            seen => seen.Contains($"Failed to prepare dynamic resources: prepare dynamic resources: pod one ({one}) is not allowed to use ResourceClaim shared"));
        await KubectlAsync("patch", "resourceclaim", "shared", "--subresource=status", "--type=merge", "-p", driver.Allocation(("one", one), ("two", two)));
        await ReadyAsync("one", "two");
        foreach (string pod in (string[])["one", "two"]) Assert.Equal("shared\n", await ExecAsync(pod, "echo $CLAIM_GPU; test -c /dev/claimed-gpu"));
        await UntilAsync("pod/one", ".status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health", "Healthy");
        Assert.Equal("claim:mine", await ReadAsync("pod/one", ".status.containerStatuses[0].allocatedResourcesStatus[0].name"));
        driver.Set("ill/gpu", true);
        await UntilAsync("pod/two", ".status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].message", "too hot");

        await KubectlAsync("delete", "pod", "one");
        Assert.DoesNotContain("unprepare", await KubectlAsync("logs", "claims"));
        await KubectlAsync("delete", "pod", "two");
        await Until.Async("the claim taken back", () => KubectlAsync("logs", "claims"), seen => seen.Contains("unprepare shared"));
        Assert.Equal(1, (await KubectlAsync("logs", "claims")).Split('\n').Count(l => l == "prepare shared"));
        await KubectlAsync("delete", "pod", "claims");
    }

    [NodeFact]
    public async Task Each_Pod_of_a_template_gets_a_device_of_its_own_or_waits_for_one()
    {
        var driver = new DevicePod(Cluster, "claims", Namespace);
        await ApplyAsync(driver.Claims());
        await ReadyAsync("claims");
        string node = await KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
        string offered = $$$"""
            apiVersion: resource.k8s.io/v1
            kind: DeviceClass
            metadata: {name: {{{driver.Driver}}} }
            spec: {selectors: [{cel: {expression: "device.driver == '{{{driver.Driver}}}'"} }]}
            ---
            apiVersion: resource.k8s.io/v1
            kind: ResourceSlice
            metadata: {name: {{{driver.Driver}}} }
            spec: {driver: {{{driver.Driver}}}, nodeName: {{{node}}}, pool: {name: pool, generation: 1, resourceSliceCount: 1}, devices: [{name: of-gpu}]}
            """;
        await ApplyAsync(offered);
        try
        {
            await ApplyAsync($$$"""
                apiVersion: resource.k8s.io/v1
                kind: ResourceClaimTemplate
                metadata: {name: gpu}
                spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: {{{driver.Driver}}} } }]} } }
                """);
            await ApplyAsync(Templated("first"));
            await ReadyAsync("first");
            Assert.Equal("0", await ExecAsync("first", "test -c /dev/claimed-gpu; echo -n $?"));
            await ApplyAsync(Templated("second"));
            await UntilAsync("pod/second", ".status.conditions[?(@.type=='PodScheduled')].message", seen => seen.Contains("1 cannot allocate all claims"));

            await KubectlAsync("delete", "pod", "first");
            await ReadyAsync("second");
            Assert.Equal("0", await ExecAsync("second", "test -c /dev/claimed-gpu; echo -n $?"));
            await KubectlAsync("delete", "pod", "second");
            await Until.Async("the claims gone", () => KubectlAsync("get", "resourceclaims", "-o", "name"), seen => seen.Length == 0);
        }
        finally { await WithInputAsync(offered, "delete", "--ignore-not-found", "-f", "-"); }
        await KubectlAsync("delete", "pod", "claims");

        static string Templated(string pod) => $$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: {{{pod}}} }
            spec:
              terminationGracePeriodSeconds: 1
              restartPolicy: Never
              containers: [{name: main, image: 'busybox:1', command: [sleep, '100000'], resources: {claims: [{name: mine}]} }]
              resourceClaims: [{name: mine, resourceClaimTemplateName: gpu}]
            """;
    }
}
