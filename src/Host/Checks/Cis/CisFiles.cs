using Hanbae.Host.Pki;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Checks.Cis;

/// <summary>Files of the control plane and of the node: who may read and write them.</summary>
static class CisFiles
{
    const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite, OwnFolder = Own | UnixFileMode.UserExecute, Shown = Own | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static CisFinding NoNode { get; } = CisFinding.None("there is no node on this machine");

    public static IEnumerable<CisItem> ControlPlane { get; } =
    [
        Item("1.1.1-1.1.8", "What the control plane is started with can be read and changed by its owner only", s => Files(s, Own, Path.Combine(s.Paths.Data, ClusterSettings.FileName))),
        Item("1.1.9, 1.1.10", "So can the configuration of the Pods' network", s => Directory.Exists(s.Paths.CniConfig)
            ? Files(s, Own, [.. Directory.EnumerateFiles(s.Paths.CniConfig, "*", SearchOption.AllDirectories)]) : CisFinding.None("there is no node, so there is no Pod network")),
        Item("1.1.11, 1.1.12", "Nobody but its owner gets at the store's folder", s => Files(s, OwnFolder, s.StoreFolder)),
        Item("1.1.13, 1.1.14", "The administrator's kubeconfig is its owner's alone", s => Files(s, Own, Path.Combine(s.Paths.Data, "kubeconfig"))),
        Item("1.1.15-1.1.18", "Scheduler and controllers have no credentials that lie about", s => Directory.EnumerateFiles(s.Paths.Data, "*.conf").FirstOrDefault() is { } conf
            ? Files(s, Own, conf) : CisFinding.Pass("they work in the API server's process, each under a name of its own, without any file")),
        Item("1.1.19", "The folder of keys and certificates is its owner's alone", s => Files(s, OwnFolder, s.PkiFolder)),
        Item("1.1.20", "Others may at most read certificates", s => Files(s, Shown, [.. Directory.EnumerateFiles(s.PkiFolder, "*.crt")])),
        Item("1.1.21", "Private keys can be read by their owner only", s => Files(s, Own, [.. Directory.EnumerateFiles(s.PkiFolder, "*.key"), .. Directory.EnumerateFiles(s.PkiFolder, "*.yaml")])),
    ];

    public static IEnumerable<CisItem> Node { get; } =
    [
        Item("4.1.1, 4.1.2", "What the kubelet is started with can be changed by its owner only",
            s => s.Settings.ControlPlaneOnly ? NoNode : Files(s, Own, [Path.Combine(s.Paths.Data, ClusterSettings.FileName), .. Units()])),
        Item("4.1.3, 4.1.4", "The proxy has no kubeconfig that lies about", s => s.Settings.ControlPlaneOnly ? NoNode : Directory.EnumerateFiles(s.Paths.Data, "*proxy*.kubeconfig").ToArray() is { Length: > 0 } found
            ? Files(s, Own, found) : CisFinding.Pass("it works in the API server's process, without any file")),
        Item("4.1.5, 4.1.6", "The kubelet's credentials are their owner's alone", s => s.Settings.ControlPlaneOnly ? NoNode : Files(s, Own, Path.Combine(s.PkiFolder, "kubelet.key"))),
        Item("4.1.7, 4.1.8", "Others may at most read the authorities that clients of the kubelet come from", s => s.Settings.ControlPlaneOnly ? NoNode : Files(s, Shown, Path.Combine(s.PkiFolder, "ca.crt"))),
        Item("4.1.9, 4.1.10", "The kubelet's own folder is closed to others", s => s.Settings.ControlPlaneOnly ? NoNode
            : Files(s, OwnFolder | UnixFileMode.GroupRead | UnixFileMode.GroupExecute, KubeletFolder.Of(s.Paths))),
    ];

    /// <summary>Where somebody has made hanbae a service.</summary>
    static IEnumerable<string> Units() => Directory.Exists("/etc/systemd/system") ? Directory.EnumerateFiles("/etc/systemd/system", "hanbae*.service") : [];

    static CisItem Item(string id, string asks, Func<CisSight, CisFinding> look) => new(id, asks, (sight, _) => Task.FromResult(look(sight)));

    static CisFinding Files(CisSight sight, UnixFileMode most, params string[] paths)
    {
        string modes = Convert.ToString((int)most, 8);
        if (CisSight.Wide(paths, most) is { } wide) return CisFinding.Fail(wide, $"chmod {modes} {wide.Split(" has mode ")[0]}");
        uint owner = Native.Stat($"/proc/{sight.Pid}").Uid;
        foreach (string path in paths)
            if (Native.Stat(path).Uid is var other && other != owner) return CisFinding.Fail($"{path} belongs to user {other}, hanbae runs as {owner}", $"chown {owner} {path}");
        return CisFinding.Pass(paths.Length == 1 ? $"{paths[0]} has mode {Convert.ToString((int)File.GetUnixFileMode(paths[0]), 8)}" : $"{paths.Length} files, none wider than {modes}");
    }
}
