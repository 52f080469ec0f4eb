using System.Diagnostics;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Devices;

[Collection(OwnClusters.Name)]
public sealed class DeviceCrashTests
{
    static async Task KillAsync(RealCluster cluster)
    {
        using var process = Process.GetProcessById(cluster.Pid() ?? throw new Xunit.Sdk.XunitException("hanbae does not run"));
        process.Kill();
        await process.WaitForExitAsync();
    }

    [NodeFact]
    public async Task Running_Pods_keep_their_devices_over_a_kill_and_one_that_was_about_to_start_gets_its_claim()
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync();
        await cluster.ImportBusyboxAsync();
        await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        string unique = $"crash-{Environment.ProcessId}";
        var (plugin, driver) = (new DevicePod(cluster, "plugin", unique, "example.com/gpu"), new DevicePod(cluster, "claims", unique));
        string amount = "jsonpath={.items[0].status.allocatable." + plugin.Resource.Replace(".", "\\.") + "}";
        await cluster.ApplyAsync(plugin.Plugin(2));
        await cluster.ApplyAsync(driver.Claims());
        await Until.Async("the node's GPUs", () => cluster.KubectlAsync("get", "nodes", "-o", amount), seen => seen == "2");
        foreach (string file in (string[])["plugin.yaml", "claim.yaml"]) await cluster.KubectlAsync("apply", "--dry-run=server", "-f", Path.Combine(Hanbae.Kit.Repository.Root, "examples/devices", file));
        await cluster.KubectlAsync("apply", "-f", Path.Combine(Hanbae.Kit.Repository.Root, "examples/devices/gpu.yaml"));
        await cluster.KubectlAsync("wait", "--for=condition=Ready", "--timeout=100s", "pod/with-gpu", "pod/claims");
        string container = await cluster.KubectlAsync("get", "pod", "with-gpu", "-o", "jsonpath={.status.containerStatuses[0].containerID}");
        string gpu = (await cluster.KubectlAsync("exec", "with-gpu", "--", "sh", "-c", "echo $GPU_IDS")).Trim();

        // The driver is at it when the kubelet is killed: between its word and the Pod's start.
        driver.Set("hold-prepare", true);
        string node = await cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
        await cluster.ApplyAsync(DevicePod.Claimant("claimant", "mine", node));
        string uid = await cluster.KubectlAsync("get", "pod", "claimant", "-o", "jsonpath={.metadata.uid}");
        await cluster.KubectlAsync("patch", "resourceclaim", "mine", "--subresource=status", "--type=merge", "-p", driver.Allocation(("claimant", uid)));
        await Until.Async("the driver asked", () => cluster.KubectlAsync("logs", "claims"), seen => seen.Contains("prepare mine"));
        // What a driver offered here that is not there any more.
        await cluster.ApplyAsync($$"""
            apiVersion: resource.k8s.io/v1
            kind: ResourceSlice
            metadata: {name: left}
            spec: {driver: gone.example.com, nodeName: {{node}}, pool: {name: pool, generation: 1, resourceSliceCount: 1}, devices: [{name: one}]}
            """);
        await KillAsync(cluster);
        driver.Set("hold-prepare", false);
        await cluster.UpAsync();
        await Until.Async("no slices of gone drivers", () => cluster.KubectlAsync("get", "resourceslices", "-o", "name"), seen => seen.Length == 0);

        await Until.TrueAsync("the next kubelet", async () => (await cluster.TryKubectlAsync(["exec", "with-gpu", "--", "true"])).Code == 0);
        Assert.Equal(container, await cluster.KubectlAsync("get", "pod", "with-gpu", "-o", "jsonpath={.status.containerStatuses[0].containerID}"));
        await cluster.KubectlAsync("wait", "--for=condition=Ready", "--timeout=100s", "pod/claimant");
        Assert.Equal("mine\n", await cluster.KubectlAsync("exec", "claimant", "--", "sh", "-c", "echo $CLAIM_GPU; test -c /dev/claimed-gpu"));

        // The plugin sees the new socket and is back; the other GPU is the next Pod's, and none is left for a third.
        await Until.Async("the node's GPUs again", () => cluster.KubectlAsync("get", "nodes", "-o", amount), seen => seen == "2");
        await cluster.ApplyAsync(plugin.User("second", 1) + "\n---\n" + plugin.User("third", 1));
        await Until.Async("one of the two", () => cluster.KubectlAsync("get", "pods", "second", "third", "-o", "jsonpath={.items[*].status.phase}"), seen => seen.Split(' ').Order().SequenceEqual(["Pending", "Running"]));
        string other = await cluster.KubectlAsync("get", "pod", "second", "-o", "jsonpath={.status.phase}") == "Running" ? "second" : "third";
        string second = (await cluster.KubectlAsync("exec", other, "--", "sh", "-c", "echo $GPU_IDS")).Trim();
        Assert.Equal(["gpu-0", "gpu-1"], new[] { gpu, second }.Order());

        await cluster.KubectlAsync("delete", "pod", "claimant");
        await Until.Async("the claim taken back", () => cluster.KubectlAsync("logs", "claims"), seen => seen.Contains("unprepare mine"));
    }
}
