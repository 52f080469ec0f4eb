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

    /// <summary>Where the Pod's cgroup lies beneath the mount point, whichever driver makes it.</summary>
    public static string Folder(KubeletOptions options, string qos, string uid)
    {
        string path = Path(options.CgroupRoot, qos, uid);
        if (!options.SystemdCgroups) return path;
        var folder = new System.Text.StringBuilder();
        string name = "";
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            name = name.Length == 0 ? part.Replace('-', '_') : name + "-" + part.Replace('-', '_');
            folder.Append('/').Append(name).Append(".slice");
        }
        return folder.ToString();
    }

    /// <summary>A container's, or a sandbox's, in its Pod's.</summary>
    public static string Container(KubeletOptions options, string folder, string id) => options.SystemdCgroups ? $"{folder}/cri-containerd-{id}.scope" : $"{folder}/{id}";

    /// <summary>What the runtime is told; for the systemd driver a slice, whose name spells its whole path.</summary>
    public static string Parent(KubeletOptions options, string qos, string uid)
    {
        string path = Path(options.CgroupRoot, qos, uid);
        if (!options.SystemdCgroups) return path;
        return string.Join('-', path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Replace('-', '_'))) + ".slice";
    }
}
