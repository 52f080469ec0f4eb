namespace Hanbae.Kubelet.Cgroups;

/// <summary>The classic fault of an installation: kubelet and runtime have different cgroup drivers, and no Pod starts.</summary>
static class DriverMismatch
{
    // What runc, crun and CRI-O say when a cgroup parent has the other driver's form.
    static readonly string[] s_signs =
    [
        "expected cgroupsPath to be of format \"slice:prefix:name\"", "did not receive slice as parent", "received systemd slice as parent", "invalid slice name",
    ];

    /// <summary>Whether a runtime's refusal is about the form of the cgroup parent.</summary>
    public static bool IsIt(string refusal) => s_signs.Any(s => refusal.Contains(s, StringComparison.Ordinal));

    /// <param name="runtime">Such as <c>containerd://1.6.20</c>; empty while it is not known.</param>
    /// <returns>What both have, and which file to change.</returns>
    public static string Describe(KubeletOptions options, string runtime)
    {
        var (mine, other) = options.SystemdCgroups ? ("systemd", "cgroupfs") : ("cgroupfs", "systemd");
        string name = runtime.Split("://")[0];
        string theirs = name == "cri-o"
            ? $"cgroup_manager = \"{mine}\" under [crio.runtime] in /etc/crio/crio.conf"
            : $"SystemdCgroup = {(options.SystemdCgroups ? "true" : "false")} under [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options] in /etc/containerd/config.toml";
        return $"the kubelet's cgroup driver is {mine}, that of {(name.Length > 0 ? name : "the container runtime")} is {other}: either set cgroupDriver: {other} in the KubeletConfiguration and start the kubelet again, "
            + $"or set {theirs} and restart {(name.Length > 0 ? name : "containerd")}";
    }
}
