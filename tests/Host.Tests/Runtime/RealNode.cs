using System.Security.Cryptography;
using Hanbae.Cri.V1;
using Hanbae.Host.Images;
using Hanbae.Host.Runtime;
using Hanbae.Host.Tests.Images;
using Hanbae.Kit;

namespace Hanbae.Host.Tests.Runtime;

/// <summary>Runs where real containers can: as root, with containerd and the CNI plugins installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ContainerFactAttribute : FactAttribute
{
    public ContainerFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess) Skip = "needs root";
        else if (((string[])["containerd", "runc", "nft", "ip", "iptables", "unshare", "busybox"]).FirstOrDefault(t => Tool.Find(t) is null) is { } missing) Skip = $"needs {missing}";
        else if (Cni.FindPlugins(File.Exists) is null) Skip = "needs the CNI plugins";
    }
}

/// <summary>A node on this host in a folder of its own, reset when disposed.</summary>
sealed class RealNode : IAsyncDisposable
{
    public RealNode(string? folder = null)
    {
        Paths = NodePaths.Of(folder ?? Path.Combine(Path.GetTempPath(), "hanbae-test-" + Guid.NewGuid().ToString("n")[..8]));
        // Out of 10.128.0.0/9, by the node's own random name: other clusters of the host have theirs.
        byte[] bytes = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Paths.Id));
        Cidr = $"10.{128 | bytes[0]}.{bytes[1]}.0/24";
    }

    public NodePaths Paths { get; }
    public string Cidr { get; }
    public string Uid { get; } = Guid.NewGuid().ToString();

    public Task<RuntimeReady> StartAsync() => new NodeRuntime(Paths, TimeProvider.System).StartAsync([Cidr], [Cidr], systemdCgroups: false, default);

    /// <summary>A sandbox with a hostPort, below the node's own cgroup.</summary>
    public async Task<string> RunSandboxAsync(string name, int hostPort = 0, string handler = "", string? uid = null)
    {
        uid ??= Uid;
        var config = new PodSandboxConfig
        {
            Metadata = new() { Name = name, Uid = uid, Namespace = "default" },
            Hostname = name, LogDirectory = Paths.Data + "/logs/" + name,
            Labels = { ["io.kubernetes.pod.uid"] = uid },
            Linux = new() { CgroupParent = Paths.CgroupRoot + "/kubepods/pod" + Uid },
        };
        if (hostPort != 0) config.PortMappings.Add(new PortMapping { ContainerPort = 80, HostPort = hostPort });
        using var runtime = new NodeCri(Paths.Endpoint);
        return await runtime.Cri.RunPodSandboxAsync(config, handler, default);
    }

    public const string Busybox = "docker.io/library/busybox:1.35";

    public async Task ImportBusyboxAsync()
    {
        using var scratch = new Scratch();
        var prepared = await Tool.RunAsync(Path.Combine(Repository.Root, "examples/images/busybox.sh"), [scratch / "root"]);
        Assert.True(prepared.Succeeded, prepared.Error);
        await RootfsImage.BuildAsync(scratch / "root", "busybox:1.35", new() { Cmd = ["sh"] }, scratch / "busybox.tar", TimeProvider.System, default);
        await new ImageStore(Paths.Endpoint).ImportAsync(scratch / "busybox.tar", null, false, default);
    }

    /// <summary>Runs a shell script in a busybox container, outside any pod.</summary>
    public Task<ToolResult> RunAsync(string[] options, string script) => Tool.RunAsync("ctr",
        ["--address", Paths.Socket, "--namespace", "k8s.io", "run", "--rm", "--runc-root", Paths.Run + "/ctr", "--cgroup", Paths.CgroupRoot + "/ctr", .. options, Busybox, "once-" + Guid.NewGuid().ToString("n"), "sh", "-c", script]);

    /// <summary>The first process of a sandbox.</summary>
    public int PidOf(string sandbox) => int.Parse(File.ReadAllText($"{Paths.ContainerdState}/io.containerd.runtime.v2.task/k8s.io/{sandbox}/init.pid"));

    /// <summary>Waits for the sandbox's process to be pause: <c>runc start</c> returns a moment before its child has become it.</summary>
    public async Task UntilPausedAsync(string sandbox)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (File.ReadAllText($"/proc/{PidOf(sandbox)}/cmdline") != "/pause\0") await Task.Delay(5, limit.Token);
    }

    public Task<ResetReport> ResetAsync() => new Reset(Paths, TimeProvider.System).RunAsync(null, _ => { }, default);

    public async ValueTask DisposeAsync()
    {
        await ResetAsync();
        if (Directory.Exists(Paths.Data)) Directory.Delete(Paths.Data, recursive: true);
    }
}

/// <summary>What a node could leave on its host, by the node's own names.</summary>
static class Traces
{
    public static async Task<IReadOnlyList<string>> OfAsync(NodePaths paths)
    {
        var found = new List<string>();
        found.AddRange(File.ReadLines("/proc/self/mountinfo").Where(l => l.Contains(paths.Data, StringComparison.Ordinal) || l.Contains(paths.Run, StringComparison.Ordinal)));
        found.AddRange((await Tool.RunAsync("ip", ["-o", "link"])).Output.Split('\n').Where(l => l.Contains(paths.Bridge, StringComparison.Ordinal)));
        found.AddRange((await Tool.RunAsync("nft", ["list", "ruleset"])).Output.Split('\n').Where(l => l.Contains(paths.Id, StringComparison.Ordinal)));
        found.AddRange(Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Select(d => d + paths.CgroupRoot).Where(Directory.Exists));
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                if (File.ReadAllText(folder + "/cmdline") is var line && (line.Contains(paths.Run, StringComparison.Ordinal) || line.Contains(paths.Data + "/", StringComparison.Ordinal))) found.Add(line);
            }
            catch (IOException)
            {
                // Not a process, or one that has just ended.
            }
        }
        if (Directory.Exists("/var/lib/cni/results")) found.AddRange(Directory.EnumerateFiles("/var/lib/cni/results", paths.CniNetwork + "*"));
        found.AddRange(((string[])[paths.Data, paths.Run]).Where(Directory.Exists));
        return found;
    }
}
