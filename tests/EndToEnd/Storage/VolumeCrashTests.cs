using System.Diagnostics;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd.Storage;

/// <summary>Volumes while hanbae is killed: before, during and after what it does for them. What stands for an NFS server is a folder that a <c>mount</c> of the test's own binds.</summary>
[Collection(OwnClusters.Name)]
public sealed class VolumeCrashTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("hanbae-nfs-").FullName;

    public VolumeCrashTests()
    {
        foreach (string folder in (string[])["bin", "export", "host"]) Directory.CreateDirectory(Path.Combine(_root, folder));
        // It tells that it was called, and goes on when the test lets it: before it mounts, and after.
        Program("mount", $$"""
            [ "$1 $2" = "-t nfs" ] || exec /bin/mount "$@"
            eval "target=\${$#}"
            echo called >> {{_root}}/calls
            while [ -e {{_root}}/hold ]; do sleep 0.05; done
            /bin/mount --bind {{_root}}/export "$target" || exit 32
            echo mounted >> {{_root}}/mounted
            while [ -e {{_root}}/hold-after ]; do sleep 0.05; done
            """);
        Program("mount.nfs", "exit 1");
    }

    void Program(string name, string text)
    {
        string path = Path.Combine(_root, "bin", name);
        File.WriteAllText(path, "#!/bin/sh\n" + text + "\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    void Hold(string what, bool hold)
    {
        if (hold) File.WriteAllText(Path.Combine(_root, what), ""); else File.Delete(Path.Combine(_root, what));
    }

    int Lines(string file) => File.Exists(Path.Combine(_root, file)) ? File.ReadAllLines(Path.Combine(_root, file)).Length : 0;

    static async Task KillAsync(RealCluster cluster)
    {
        using var process = Process.GetProcessById(cluster.Pid() ?? throw new Xunit.Sdk.XunitException("hanbae does not run"));
        process.Kill();
        await process.WaitForExitAsync();
    }

    string Pod(string name) => $$$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{{name}}}, labels: {app: user}}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - name: main
            image: busybox:1
            command: [sleep, '100000']
            volumeMounts:
            - {name: memory, mountPath: /memory}
            - {name: projected, mountPath: /projected}
            - {name: host, mountPath: /host}
            - {name: local, mountPath: /local}
            - {name: local, mountPath: /local-sub, subPath: sub}
            - {name: nfs, mountPath: /nfs}
            - {name: nfs, mountPath: /nfs-sub, subPath: sub}
          volumes:
          - {name: memory, emptyDir: {medium: Memory, sizeLimit: 8Mi}}
          - {name: projected, projected: {sources: [{downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}]}}
          - {name: host, hostPath: {path: '{{{_root}}}/host'}}
          - {name: local, persistentVolumeClaim: {claimName: kept}}
          - {name: nfs, nfs: {server: files.example, path: /export}}
        """;

    const string Claim = """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: kept}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Mi}}}
        """;

    static Task<string> ExecAsync(RealCluster cluster, string pod, string command) => cluster.KubectlAsync("exec", pod, "--", "sh", "-c", command);

    static async Task UpAsync(RealCluster cluster)
    {
        await cluster.UpAsync();
        await Until.TrueAsync("the node", async () => (await cluster.TryKubectlAsync(["wait", "--for=condition=Ready", "--timeout=5s", "nodes", "--all"])).Code == 0);
    }

    static async Task ReadyAsync(RealCluster cluster, string pod) => await cluster.KubectlAsync("wait", "--for=condition=Ready", "--timeout=100s", "pod/" + pod);

    static string[] Mounts(RealCluster cluster, string uid) => [.. File.ReadLines("/proc/self/mountinfo").Select(l => l.Split(' ')[4]).Where(p => p.StartsWith($"{cluster.DataDir}/kubelet/pods/{uid}/", StringComparison.Ordinal))];

    static Task<string> UidAsync(RealCluster cluster, string pod) => cluster.KubectlAsync("get", "pod", pod, "-o", "jsonpath={.metadata.uid}");

    static async Task GoneAsync(RealCluster cluster, string pod, string uid)
    {
        await Until.Async("the Pod's end", async () => (await cluster.TryKubectlAsync(["get", "pod", pod, "--ignore-not-found", "-o", "name"])).Out, seen => seen.Length == 0);
        await Until.Async("nothing left of its volumes", () => Task.FromResult(string.Join(' ', Mounts(cluster, uid)) + (Directory.Exists($"{cluster.DataDir}/kubelet/pods/{uid}") ? uid : "")), left => left.Length == 0);
    }

    [NodeFact]
    public async Task Whenever_hanbae_is_killed_volumes_are_mounted_once_keep_what_is_in_them_and_come_off()
    {
        await using var cluster = RealCluster.Plan("/usr/bin/env", $"PATH={_root}/bin:{Environment.GetEnvironmentVariable("PATH")}");
        await UpAsync(cluster);
        await cluster.ImportBusyboxAsync();
        await Until.TrueAsync("default service account", async () => (await cluster.TryKubectlAsync(["get", "serviceaccount", "default"])).Code == 0);
        await cluster.ApplyAsync(Claim);

        // While the helper is at it: it goes on when its hanbae is dead, and what it does is found, or comes off again.
        Hold("hold", true);
        await cluster.ApplyAsync(Pod("user"));
        await Until.Async("the helper called", () => Task.FromResult(Lines("calls")), calls => calls >= 1);
        await KillAsync(cluster);
        Hold("hold", false);
        await Until.Async("mounted by the helper of a dead hanbae", () => Task.FromResult(Lines("mounted")), mounted => mounted >= 1);
        await UpAsync(cluster);
        await ReadyAsync(cluster, "user");
        Assert.Equal(1, Lines("calls"));
        string uid = await UidAsync(cluster, "user");
        foreach (string folder in (string[])["memory", "host", "local", "local-sub", "nfs", "nfs-sub"]) await ExecAsync(cluster, "user", $"echo {folder} > /{folder}/note");
        Assert.Equal("nfs\n", await File.ReadAllTextAsync(Path.Combine(_root, "export/note")));
        string[] mounts = Mounts(cluster, uid);

        // While the Pod runs.
        await KillAsync(cluster);
        await UpAsync(cluster);
        await Until.TrueAsync("the next kubelet", async () => (await cluster.TryKubectlAsync(["exec", "user", "--", "true"])).Code == 0);
        Assert.Equal("memory host local local-sub nfs nfs-sub", string.Join(' ', (await ExecAsync(cluster, "user", "cat /memory/note /host/note /local/note /local-sub/note /nfs/note /nfs-sub/note")).Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal("app=\"user\"", (await ExecAsync(cluster, "user", "cat /projected/labels")).Trim());
        await cluster.KubectlAsync("label", "pod", "user", "more=yes");
        await Until.Async("the new labels", () => ExecAsync(cluster, "user", "cat /projected/labels"), seen => seen.Contains("more"));
        Assert.Equal(mounts.Order(), Mounts(cluster, uid).Order());
        Assert.Equal(1, Lines("calls"));

        // While it ends, and while the next one begins: when so many of its mounts have gone, or come.
        string pod = "user";
        foreach (int steps in (int[])[0, 1, mounts.Length / 2, mounts.Length])
        {
            await cluster.KubectlAsync("delete", "pod", pod, "--wait=false");
            string old = uid;
            await Until.Async($"{steps} mounts gone", () => Task.FromResult(Mounts(cluster, old).Length), left => left <= mounts.Length - steps);
            await KillAsync(cluster);
            await UpAsync(cluster);
            await GoneAsync(cluster, pod, uid);
            pod = $"user-{steps}";
            Hold("hold-after", steps == 1);
            int mounted = Lines("mounted");
            await cluster.ApplyAsync(Pod(pod));
            uid = await UidAsync(cluster, pod);
            string now = uid;
            if (steps == 1) await Until.Async("mounted, and its helper not done", () => Task.FromResult(Lines("mounted")), there => there > mounted);
            else await Until.Async($"{steps} mounts", () => Task.FromResult(Mounts(cluster, now).Length), there => there >= steps);
            await KillAsync(cluster);
            Hold("hold-after", false);
            await UpAsync(cluster);
            await ReadyAsync(cluster, pod);
            Assert.Equal("host local local-sub nfs nfs-sub", string.Join(' ', (await ExecAsync(cluster, pod, "cat /host/note /local/note /local-sub/note /nfs/note /nfs-sub/note")).Split('\n', StringSplitOptions.RemoveEmptyEntries)));
            Assert.Equal(mounts.Length, Mounts(cluster, uid).Length);
        }
        await cluster.KubectlAsync("delete", "pod", pod);
        await GoneAsync(cluster, pod, uid);
        Assert.Equal("nfs\n", await File.ReadAllTextAsync(Path.Combine(_root, "export/note")));
    }
}
