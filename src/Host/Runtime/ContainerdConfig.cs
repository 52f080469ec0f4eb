using System.Text;

namespace Hanbae.Host.Runtime;

/// <summary>containerd's configuration for one node: its own folders, its own socket, its own CNI configuration.</summary>
/// <remarks>Written in version 2 of the format, which 1.6 and 1.7 use and 2.x migrates by itself.</remarks>
public static class ContainerdConfig
{
    // overlayfs cannot put its upper layer on these; the native snapshotter copies instead.
    static readonly string[] NoOverlayOn = ["overlay", "fuse-overlayfs", "ecryptfs", "nfs", "nfs4", "vfat", "exfat", "9p"];

    public static string Render(NodePaths paths, HostFacts host, string sandboxImage, bool systemd = false)
    {
        var b = new StringBuilder($"""
            # Written by hanbae at every start; changes are lost.
            version = 2
            root = {Toml(paths.ContainerdRoot)}
            state = {Toml(paths.ContainerdState)}
            oom_score = {(host.MayLowerOomScore ? -999 : 0)}
            disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.nri.v1.nri"]
            [grpc]
              address = {Toml(paths.Socket)}
            [plugins."io.containerd.internal.v1.opt"]
              path = {Toml(paths.Containerd + "/opt")}
            [plugins."io.containerd.grpc.v1.cri"]
              sandbox_image = {Toml(sandboxImage)}
              stream_server_address = "127.0.0.1"
              stream_server_port = "0"
              disable_apparmor = {Toml(!host.AppArmor)}
              restrict_oom_score_adj = {Toml(!host.MayLowerOomScore)}
              enable_unprivileged_ports = true
              enable_unprivileged_icmp = true
              netns_mounts_under_state_dir = true
              [plugins."io.containerd.grpc.v1.cri".cni]
                bin_dir = {Toml(host.CniPlugins ?? "/opt/cni/bin")}
                conf_dir = {Toml(paths.CniConfig)}
              [plugins."io.containerd.grpc.v1.cri".registry]
                config_path = {Toml(paths.RegistryHosts)}
              [plugins."io.containerd.grpc.v1.cri".containerd]
                snapshotter = {Toml(NoOverlayOn.Contains(host.DataFileSystem) ? "native" : "overlayfs")}
                default_runtime_name = {Toml(host.Runc is null && host.Crun is not null ? "crun" : "runc")}

            """);
        if (host.Runc is { } runc) Runtime(b, paths, "runc", runc, systemd);
        if (host.Crun is { } crun) Runtime(b, paths, "crun", NeedsCrunWrapper(host) ? CrunWrapper(paths) : crun, systemd);
        return b.ToString();
    }

    /// <summary>crun drops all limits, or refuses, where v1 and v2 both have controllers.</summary>
    public static bool NeedsCrunWrapper(HostFacts host) => host is { Crun: not null, Cgroups: CgroupLayout.Hybrid, UnifiedHasControllers: true };

    public static string CrunWrapper(NodePaths paths) => paths.Containerd + "/crun-without-v2";

    /// <summary>Shows crun a host without the v2 tree: in a mount namespace of its own, so that the host keeps it.</summary>
    public static string RenderCrunWrapper(string crun) => $"""
        #!/bin/sh
        # Only /sys/fs/cgroup is made private: every other mount goes on propagating as the container asked.
        exec unshare --mount --propagation unchanged sh -c 'mount --make-private /sys/fs/cgroup && mount --make-private /sys/fs/cgroup/unified && umount /sys/fs/cgroup/unified; exec "$0" "$@"' {crun} "$@"

        """;

    static void Runtime(StringBuilder b, NodePaths paths, string name, string binary, bool systemd) => b.Append($"""
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}]
                  runtime_type = "io.containerd.runc.v2"
                  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}.options]
                    BinaryName = {Toml(binary)}
                    SystemdCgroup = {Toml(systemd)}
                    Root = {Toml(paths.Run + "/" + name)}

        """);

    static string Toml(bool value) => value ? "true" : "false";

    static string Toml(string value) => "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
}
