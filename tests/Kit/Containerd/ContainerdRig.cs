using System.Diagnostics;
using Hanbae.Grpc;
using Xunit;

namespace Hanbae.Kit.Containerd;

/// <summary>A real containerd for tests, shut in namespaces of its own; a test class takes a subclass of it as its fixture.</summary>
/// <remarks>
/// An outer shell holds it on a leash: it starts containerd as part of a PID, mount, network and UTS namespace whose first process
/// waits for the end of its stdin. When the test process closes that pipe, or dies in any way, the first process ends; with it the
/// kernel ends containerd, shims and pods and drops every mount and network namespace; then the outer shell removes cgroups, links and files,
/// all of them named by this fixture only.
/// </remarks>
/// <param name="ownNetwork">False for tests in which a kubelet has to reach its Pods and the runtime's streaming server: the network is then the test's.</param>
public abstract class ContainerdRig(bool ownNetwork) : IAsyncLifetime
{
    static readonly string[] s_needed =
    [
        "/usr/bin/containerd", "/usr/bin/containerd-shim-runc-v2", "/usr/bin/ctr", "/usr/sbin/runc",
        "/usr/lib/cni/bridge", "/usr/lib/cni/host-local", "/bin/busybox",
    ];

    readonly string _id = "hanbae-cri-" + Guid.NewGuid().ToString("N")[..8];
    readonly int _subnet = Random.Shared.Next(256);
    Process? _leash;
    GrpcChannel? _channel;

    /// <summary>What keeps a containerd from starting here; null when nothing does.</summary>
    public static string? Missing { get; } =
        !OperatingSystem.IsLinux() ? "containerd needs Linux"
        : !Environment.IsPrivilegedProcess ? "containerd needs root"
        : s_needed.Where(f => !File.Exists(f)).ToArray() is { Length: > 0 } absent ? "not installed: " + string.Join(", ", absent)
        : null;

    public string Directory => Path.Combine(Path.GetTempPath(), _id);

    public string CgroupParent => "/" + _id;

    string Bridge => "hk" + _id[^8..];

    public GrpcChannel Channel => _channel ?? throw new InvalidOperationException("containerd was not started: " + Missing);

    public async Task InitializeAsync()
    {
        if (Missing is not null) return;
        System.IO.Directory.CreateDirectory(Path.Combine(Directory, "cni"));
        File.WriteAllText(Path.Combine(Directory, "config.toml"), Config());
        File.WriteAllText(Path.Combine(Directory, "cni", "10-pod.conflist"), Network());
        SpecImages.Write(Path.Combine(Directory, "images.tar"));
        File.WriteAllText(Path.Combine(Directory, "inner.sh"), Inner());

        _leash = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Outer()])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        try
        {
            await UntilReadyAsync(_leash);
        }
        catch
        {
            await DisposeAsync(); // xunit does not dispose a fixture that failed to start
            throw;
        }
        _channel = new("unix://" + Path.Combine(Directory, "c.sock"));
    }

    public async Task DisposeAsync()
    {
        _channel?.Dispose();
        if (_leash is null) return;
        _leash.StandardInput.Close();
        await _leash.WaitForExitAsync();
        _leash.Dispose();
        _leash = null;
    }

    static async Task UntilReadyAsync(Process leash)
    {
        var said = new List<string>();
        while (await leash.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line == "ready") return;
            said.Add(line);
        }
        throw new InvalidOperationException($"containerd did not start:\n{string.Join('\n', said.TakeLast(20))}\n{await leash.StandardError.ReadToEndAsync()}");
    }

    string Outer() => $$"""
        trap '' HUP INT TERM
        unshare --mount {{(ownNetwork ? "--net --uts" : "")}} --ipc --pid --fork --propagation private /bin/sh {{Directory}}/inner.sh
        {{(ownNetwork ? "" : $"ip link del {Bridge} 2>/dev/null")}}
        for try in 1 2 3 4 5 6 7 8 9 10; do # a killed process leaves its cgroup a moment after its end
          find /sys/fs/cgroup/*/{{_id}} -depth -type d -exec rmdir {} + 2>/dev/null
          ls -d /sys/fs/cgroup/*/{{_id}} >/dev/null 2>&1 || break
          sleep 0.2
        done
        rm -rf {{Directory}}
        """;

    /// <summary>Process 1 of the node. The unified hierarchy is hidden because crun and runc mistake its presence beside v1 (it holds hugetlb only).</summary>
    string Inner() => $$"""
        mount -t proc proc /proc
        umount /sys/fs/cgroup/unified 2>/dev/null
        mount --make-rshared /
        {{(ownNetwork ? "ip link set lo up" : "")}}
        exec 2>{{Directory}}/containerd.log
        containerd -c {{Directory}}/config.toml </dev/null >/dev/null &
        daemon=$!
        until ctr -a {{Directory}}/c.sock version >/dev/null 2>&1; do
          kill -0 $daemon 2>/dev/null || { tail -20 {{Directory}}/containerd.log; exit 1; }
          sleep 0.02
        done
        ctr -a {{Directory}}/c.sock -n k8s.io images import --all-platforms {{Directory}}/images.tar >/dev/null || {
          tail -20 {{Directory}}/containerd.log; exit 1
        }
        echo ready
        read -r leash
        # Pods first, so that CNI takes its links out of a network that is not ours alone.
        for task in $(ctr -a {{Directory}}/c.sock -n k8s.io tasks ls -q); do ctr -a {{Directory}}/c.sock -n k8s.io tasks kill -s KILL $task; done
        """;

    string Config() => $$"""
        version = 2
        root = "{{Directory}}/root"
        state = "{{Directory}}/state"
        oom_score = 0
        disabled_plugins = [
          "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
          "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs",
        ]
        [grpc]
          address = "{{Directory}}/c.sock"
        [plugins."io.containerd.internal.v1.opt"]
          path = "{{Directory}}/opt"
        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "{{SpecImage.Pause}}"
          stream_server_address = "127.0.0.1"
          stream_server_port = "0"
          disable_apparmor = true
          restrict_oom_score_adj = true
          netns_mounts_under_state_dir = true
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "/usr/lib/cni"
            conf_dir = "{{Directory}}/cni"
          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
            runtime_type = "io.containerd.runc.v2"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
              BinaryName = "/usr/sbin/runc"
              Root = "{{Directory}}/runc"
        """;

    string Network() => $$"""
        {"cniVersion":"0.4.0","name":"{{_id}}","plugins":[
         {"type":"bridge","bridge":"{{Bridge}}","isGateway":true,"ipMasq":false,
          "ipam":{"type":"host-local","dataDir":"{{Directory}}/hostlocal","ranges":[[{"subnet":"10.213.{{_subnet}}.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]} }]}
        """;
}
