using System.Diagnostics;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Storage;

[Collection(OwnClusters.Name)]
public sealed class CsiCrashTests
{
    [NodeFact]
    public async Task A_volume_stays_mounted_when_the_kubelet_is_killed_and_is_taken_off_by_the_next_one()
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync();
        await cluster.ImportBusyboxAsync();
        await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        var driver = new DriverPod(cluster, "crash.csi");
        await cluster.ApplyAsync(driver.Declared("attachRequired: true"));
        await cluster.ApplyAsync(driver.Pod("attach"));
        await cluster.ApplyAsync(driver.Claim("files") + "\n---\n" + DriverPod.User("user", "files"));
        await cluster.KubectlAsync("wait", "--for=condition=Ready", "--timeout=100s", "pod/user");
        await cluster.KubectlAsync("exec", "user", "--", "sh", "-c", "echo one > /data/note");
        string container = await cluster.KubectlAsync("get", "pod", "user", "-o", "jsonpath={.status.containerStatuses[0].containerID}");
        string inUse = await cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].status.volumesInUse}");
        Assert.Contains("kubernetes.io/csi/crash.csi^", inUse);

        using (var process = Process.GetProcessById(cluster.Pid() ?? throw new Xunit.Sdk.XunitException("hanbae does not run")))
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        await cluster.UpAsync();
        // The node is Ready still when the next kubelet begins to serve.
        await Until.TrueAsync("the next kubelet", async () => (await cluster.TryKubectlAsync(["exec", "user", "--", "true"])).Code == 0);
        await cluster.KubectlAsync("exec", "user", "--", "sh", "-c", "echo two >> /data/note");
        Assert.Equal(container, await cluster.KubectlAsync("get", "pod", "user", "-o", "jsonpath={.status.containerStatuses[0].containerID}"));
        Assert.Equal(inUse, await cluster.KubectlAsync("get", "nodes", "-o", "jsonpath={.items[0].status.volumesInUse}"));

        string volume = await cluster.KubectlAsync("get", "pvc", "files", "-o", "jsonpath={.spec.volumeName}"), handle = await cluster.KubectlAsync("get", "pv", volume, "-o", "jsonpath={.spec.csi.volumeHandle}");
        Assert.Equal("one\ntwo\n", await File.ReadAllTextAsync(Path.Combine(driver.DataOf(handle), "note")));
        await cluster.KubectlAsync("delete", "pod", "user");
        await Until.Async("nothing left of the volume", () => Task.FromResult(string.Join(' ', driver.Left())), left => left.Length == 0);
        await cluster.KubectlAsync("delete", "pvc", "files");
        await Until.TrueAsync("the volume's end", async () => (await cluster.TryKubectlAsync(["get", "pv", volume, "--ignore-not-found", "-o", "name"])).Out.Length == 0);
        Assert.Empty(driver.Volumes);
    }
}
