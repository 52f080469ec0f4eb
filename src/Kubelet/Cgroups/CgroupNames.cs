namespace Hanbae.Kubelet.Cgroups;

/// <summary>Where a Pod's cgroup is: beneath its class, Guaranteed ones beneath the root itself.</summary>
static class CgroupNames
{
    public const string Burstable = "/burstable", BestEffort = "/besteffort";

    /// <summary>What the kubelet calls it: its path below a controller's mount point, for the cgroupfs driver.</summary>
    public static string Path(string root, string qos, string uid) => qos switch
    {
        "Guaranteed" => $"{root}/pod{uid}",
        "BestEffort" => $"{root}{BestEffort}/pod{uid}",
        _ => $"{root}{Burstable}/pod{uid}",
    };

    /// <summary>Where the Pod's cgroup lies beneath the mount point, whichever driver makes it.</summary>
    public static string Folder(KubeletOptions options, string qos, string uid) =>
        Path(options.CgroupRoot, qos, uid) is var path && options.SystemdCgroups ? Slices(path) : path;

    // What runtimes put before a container's id: containerd in a scope, CRI-O in both.
    static readonly string[] s_folders = ["", "crio-"], s_scopes = ["cri-containerd-", "crio-"];

    /// <summary>Where a container's cgroup, or a sandbox's, may be in its Pod's: each runtime has a name of its own for it.</summary>
    public static IEnumerable<string> Containers(KubeletOptions options, string folder, string id) =>
        options.SystemdCgroups ? s_scopes.Select(p => $"{folder}/{p}{id}.scope") : s_folders.Select(p => $"{folder}/{p}{id}");

    /// <summary>What the runtime is told; for the systemd driver a slice, whose name spells its whole path.</summary>
    public static string Parent(KubeletOptions options, string qos, string uid) =>
        Path(options.CgroupRoot, qos, uid) is var path && options.SystemdCgroups ? Slice(path) : path;

    /// <summary>The slice that stands for a path: <c>/a/b-c</c> is <c>a-b_c.slice</c>.</summary>
    public static string Slice(string path) => string.Join('-', Parts(path)) + ".slice";

    /// <summary>Where systemd puts that slice: <c>/a.slice/a-b_c.slice</c>.</summary>
    public static string Slices(string path)
    {
        var folder = new System.Text.StringBuilder();
        string name = "";
        foreach (string part in Parts(path))
        {
            name = name.Length == 0 ? part : name + "-" + part;
            folder.Append('/').Append(name).Append(".slice");
        }
        return folder.ToString();
    }

    // A dash is systemd's slash.
    static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Replace('-', '_'));
}
