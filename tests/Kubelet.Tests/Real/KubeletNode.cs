using System.Diagnostics;
using Hanbae.Cri;
using Hanbae.Cri.Tests;
using Hanbae.Cri.Tests.Containerd;
using Hanbae.Grpc;

namespace Hanbae.Kubelet.Tests.Real;

/// <summary>A real containerd for kubelet tests: mounts, processes and cgroups of its own, but the network of the test, since a kubelet must reach its Pods and its runtime's streaming server.</summary>
/// <remarks>
/// The same leash as the CRI tests': an outer shell holds a PID and mount namespace whose first process waits for the end of its stdin. When the
/// test ends in any way, the kernel ends all in it; then the shell removes bridge, cgroups and files, all of them named by this fixture only.
/// </remarks>
public sealed class KubeletNode : IAsyncLifetime
{
    readonly string _id = "hanbae-kubelet-" + Guid.NewGuid().ToString("N")[..8];
    readonly int _subnet = Random.Shared.Next(256);
    Process? _leash;
    GrpcChannel? _channel;

    public static string? Missing => ContainerdNode.Missing;

    public string Directory => Path.Combine(Path.GetTempPath(), _id);
    public string CgroupRoot => "/" + _id;
    string Bridge => "hk" + _id[^8..];

    public ICri Cri => new CriClient(_channel ?? throw new InvalidOperationException("containerd was not started: " + Missing));

    public async Task InitializeAsync()
    {
        if (Missing is not null) return;
        System.IO.Directory.CreateDirectory(Path.Combine(Directory, "cni"));
        File.WriteAllText(Path.Combine(Directory, "config.toml"), Config());
        File.WriteAllText(Path.Combine(Directory, "cni", "10-pod.conflist"), Network());
        SpecImages.Write(Path.Combine(Directory, "images.tar"));
        File.WriteAllText(Path.Combine(Directory, "inner.sh"), Inner());
        _leash = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Outer()]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var said = new List<string>();
            while (true)
            {
                if (await _leash.StandardOutput.ReadLineAsync() is not { } line)
                    throw new InvalidOperationException($"containerd did not start:\n{string.Join('\n', said.TakeLast(20))}\n{await _leash.StandardError.ReadToEndAsync()}");
                if (line == "ready") break;
                said.Add(line);
            }
        }
        catch
        {
            await DisposeAsync();
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

    string Outer() => $$"""
        trap '' HUP INT TERM
        unshare --mount --ipc --pid --fork --propagation private /bin/sh {{Directory}}/inner.sh
        ip link del {{Bridge}} 2>/dev/null
        for try in 1 2 3 4 5 6 7 8 9 10; do find /sys/fs/cgroup/*/{{_id}} -depth -type d -exec rmdir {} + 2>/dev/null; ls -d /sys/fs/cgroup/*/{{_id}} >/dev/null 2>&1 || break; sleep 0.2; done
        rm -rf {{Directory}}
        """;

    string Inner() => $$"""
        mount -t proc proc /proc
        umount /sys/fs/cgroup/unified 2>/dev/null
        mount --make-rshared /
        exec 2>{{Directory}}/containerd.log
        containerd -c {{Directory}}/config.toml </dev/null >/dev/null &
        daemon=$!
        until ctr -a {{Directory}}/c.sock version >/dev/null 2>&1; do
          kill -0 $daemon 2>/dev/null || { tail -20 {{Directory}}/containerd.log; exit 1; }
          sleep 0.02
        done
        ctr -a {{Directory}}/c.sock -n k8s.io images import --all-platforms {{Directory}}/images.tar >/dev/null || { tail -20 {{Directory}}/containerd.log; exit 1; }
        echo ready
        read -r leash
        # Pods first, so that CNI takes its links out of the network that is not ours alone.
        for task in $(ctr -a {{Directory}}/c.sock -n k8s.io tasks ls -q); do ctr -a {{Directory}}/c.sock -n k8s.io tasks kill -s KILL $task; done
        """;

    string Config() => $$"""
        version = 2
        root = "{{Directory}}/root"
        state = "{{Directory}}/state"
        oom_score = 0
        disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
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

/// <summary>A fact that needs containerd, and says so where there is none.</summary>
sealed class RealFactAttribute : FactAttribute
{
    public RealFactAttribute() => Skip = KubeletNode.Missing;
}
