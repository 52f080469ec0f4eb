using System.Diagnostics;
using System.Globalization;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Node;

/// <summary>Whatever a Pod hangs on is killed while the Pod starts, runs and ends: it comes up, goes on and goes away all the same, its neighbour feels nothing, and nothing of it is left.</summary>
[Collection(OwnClusters.Name)]
public sealed class KillTests
{
    static string Pod(string name) => $$$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{{name}}}}
        spec:
          terminationGracePeriodSeconds: 2
          containers:
          - {name: main, image: 'busybox:1', command: [sleep, '100000'], volumeMounts: [{name: memory, mountPath: /memory}]}
          volumes: [{name: memory, emptyDir: {medium: Memory, sizeLimit: 8Mi}}]
        """;

    [NodeTheory]
    [InlineData("init")]
    [InlineData("shim")]
    [InlineData("hanbae")]
    [InlineData("containerd")]
    public async Task A_pod_comes_goes_on_and_goes_whatever_it_hangs_on_is_killed(string what)
    {
        await using var cluster = RealCluster.Plan();
        await cluster.UpAsync();
        await cluster.ImportBusyboxAsync();
        await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        await cluster.ApplyAsync(Pod("neighbour"));
        await ReadyAsync(cluster, "neighbour");
        string neighbour = await ContainerAsync(cluster, "neighbour");
        int addresses = Addresses(cluster), spaces = Spaces(cluster);

        await cluster.ApplyAsync(Pod("victim"));
        string uid = await cluster.KubectlAsync("get", "pod", "victim", "-o", "jsonpath={.metadata.uid}");
        await Until.TrueAsync("its first process", () => Task.FromResult(ProcessOf(uid, "") is not null));
        await KillAsync(cluster, what, ProcessOf(uid, ""));
        await ReadyAsync(cluster, "victim");

        string before = await ContainerAsync(cluster, "victim");
        await KillAsync(cluster, what, ProcessOf(uid, before));
        if (what is "init" or "shim") await Until.Async("its next container", () => ContainerAsync(cluster, "victim"), now => now != before && now.Length > 0);
        await ReadyAsync(cluster, "victim");
        await Until.TrueAsync("the way into it", async () => (await cluster.TryKubectlAsync(["exec", "victim", "--", "sh", "-c", "echo x > /memory/note"])).Code == 0);
        if (what is "hanbae" or "containerd") Assert.Equal(before, await ContainerAsync(cluster, "victim"));

        await cluster.KubectlAsync("delete", "pod", "victim", "--wait=false");
        await KillAsync(cluster, what, ProcessOf(uid, await ContainerAsync(cluster, "victim")));
        await Until.Async("the Pod's end", async () => (await cluster.TryKubectlAsync(["get", "pod", "victim", "--ignore-not-found", "-o", "name"])).Out, seen => seen.Length == 0);
        await Until.Async("nothing left of it", () => Task.FromResult(string.Join(' ', Left(uid))), left => left.Length == 0);
        await Until.Async("its address free", () => Task.FromResult(Addresses(cluster)), n => n == addresses);
        await Until.Async("its network gone", () => Task.FromResult(Spaces(cluster)), n => n == spaces);
        await ReadyAsync(cluster, "neighbour");
        Assert.Equal(neighbour, await ContainerAsync(cluster, "neighbour"));
    }

    static async Task ReadyAsync(RealCluster cluster, string pod) => await cluster.KubectlAsync("wait", "--for=condition=Ready", "--timeout=100s", "pod/" + pod);

    static async Task<string> ContainerAsync(RealCluster cluster, string pod) =>
        (await cluster.TryKubectlAsync(["get", "pod", pod, "--ignore-not-found", "-o", "jsonpath={.status.containerStatuses[0].containerID}"])).Out.Replace("containerd://", "");

    /// <summary>A process of the Pod, of one container of it or of any; null when it has none.</summary>
    static int? ProcessOf(string uid, string container) => CgroupsOf(uid).SelectMany(c => Directory.EnumerateDirectories(c).Where(d => d.Contains(container, StringComparison.Ordinal)))
        .SelectMany(d => File.Exists(d + "/cgroup.procs") ? File.ReadAllLines(d + "/cgroup.procs") : []).Select(l => int.Parse(l, CultureInfo.InvariantCulture)).Cast<int?>().FirstOrDefault();

    static IEnumerable<string> CgroupsOf(string uid) =>
        Directory.EnumerateDirectories("/sys/fs/cgroup", "*pod*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).Where(d => d.EndsWith("/pod" + uid, StringComparison.Ordinal));

    static IEnumerable<string> Left(string uid) =>
        CgroupsOf(uid).Concat(File.ReadLines("/proc/self/mountinfo").Select(l => l.Split(' ')[4]).Where(m => m.Contains(uid, StringComparison.Ordinal)));

    static int Addresses(RealCluster cluster) =>
        Directory.EnumerateFiles(cluster.DataDir + "/cni/ipam", "*.*.*.*", SearchOption.AllDirectories).Count();

    static int Spaces(RealCluster cluster) => File.ReadLines("/proc/self/mountinfo").Select(l => l.Split(' ')[4]).Count(m => m.Contains("/netns/", StringComparison.Ordinal) && m.StartsWith(Leftovers.Run(cluster.DataDir), StringComparison.Ordinal));

    static async Task KillAsync(RealCluster cluster, string what, int? process)
    {
        int? pid = what switch
        {
            "hanbae" => cluster.Pid(),
            "containerd" => Leftovers.Process(cluster.DataDir, "containerd.process"),
            "shim" => process is { } child ? Parent(child) : null,
            _ => process,
        };
        if (pid is { } found)
            try
            {
                using var victim = Process.GetProcessById(found);
                victim.Kill();
                await victim.WaitForExitAsync();
            }
            catch (ArgumentException) { } // it went by itself meanwhile
        if (what == "hanbae") await cluster.UpAsync();
    }

    static int Parent(int pid) => File.ReadAllText($"/proc/{pid}/stat") is var stat ? int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture) : 0;
}
