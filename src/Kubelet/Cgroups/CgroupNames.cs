namespace Hanbae.Kubelet.Cgroups;

/// <summary>Where a Pod's cgroup is: beneath its class, Guaranteed ones beneath the root itself.</summary>
static class CgroupNames
{
    /// <summary>The path below a controller's mount point, for the cgroupfs driver.</summary>
    public static string Path(string root, string qos, string uid) => qos switch
    {
        "Guaranteed" => $"{root}/pod{uid}",
        "BestEffort" => $"{root}/besteffort/pod{uid}",
        _ => $"{root}/burstable/pod{uid}",
    };

    /// <summary>What the runtime is told; for the systemd driver a slice, whose name spells its whole path.</summary>
    public static string Parent(KubeletOptions options, string qos, string uid)
    {
        string path = Path(options.CgroupRoot, qos, uid);
        if (!options.SystemdCgroups) return path;
        return string.Join('-', path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Replace('-', '_'))) + ".slice";
    }
}
