using System.Security.Cryptography;
using Google.Protobuf;
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

    public Task<RuntimeReady> StartAsync() => new NodeRuntime(Paths, TimeProvider.System).StartAsync([Cidr], [Cidr], default);

    /// <summary>A sandbox with a hostPort, below the node's own cgroup.</summary>
    public async Task<string> RunSandboxAsync(string name, int hostPort = 0, string handler = "", string? uid = null)
    {
        uid ??= Uid;
        byte[] labels = [.. RuntimeCalls.Text(1, "io.kubernetes.pod.uid"), .. RuntimeCalls.Text(2, uid)];
        byte[] metadata = [.. RuntimeCalls.Text(1, name), .. RuntimeCalls.Text(2, uid), .. RuntimeCalls.Text(3, "default")];
        byte[] port = hostPort == 0 ? [] : RuntimeCalls.Message(5, [.. Number(2, 80), .. Number(3, hostPort)]);
        byte[] config =
        [
            .. RuntimeCalls.Message(1, metadata), .. RuntimeCalls.Text(2, name), .. RuntimeCalls.Text(3, Paths.Data + "/logs/" + name), .. port,
            .. RuntimeCalls.Message(6, labels), .. RuntimeCalls.Message(8, RuntimeCalls.Text(1, Paths.CgroupRoot + "/kubepods/pod" + Uid)),
        ];
        byte[] request = [.. RuntimeCalls.Message(1, config), .. handler.Length > 0 ? RuntimeCalls.Text(2, handler) : []];
        using var runtime = new RuntimeCalls(Paths.Endpoint);
        byte[] answer = await runtime.CallAsync("runtime.v1.RuntimeService", "RunPodSandbox", request, default);
        using var input = new CodedInputStream(answer);
        input.ReadTag();
        return input.ReadString();
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

    static byte[] Number(int field, int value)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(field, WireFormat.WireType.Varint);
            output.WriteInt32(value);
        }
        return stream.ToArray();
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
