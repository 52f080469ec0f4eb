namespace Hanbae.Kubelet.Pods;

/// <summary>Where things are on disk: upstream's layout beneath the kubelet's data folder, so that known tools find their way.</summary>
/// <param name="Data">The kubelet's data folder, such as <c>/var/lib/kubelet</c>.</param>
/// <param name="Logs">The folder of container logs, such as <c>/var/log/pods</c>.</param>
public sealed record PodFolders(string Data, string Logs)
{
    /// <summary>Where logs are named by container, such as <c>/var/log/containers</c>; empty for nowhere.</summary>
    public string Links { get; init; } = "";

    public string Pods => Path.Combine(Data, "pods");

    public string Pod(string uid) => Path.Combine(Pods, uid);

    /// <summary>Volumes of a Pod; plugin names are escaped as upstream: <c>kubernetes.io~empty-dir</c>.</summary>
    public string Volumes(string uid) => Path.Combine(Pod(uid), "volumes");

    public string Volume(string uid, string plugin, string name) => Path.Combine(Volumes(uid), plugin.Replace('/', '~'), name);

    /// <summary>Links to block devices of a Pod.</summary>
    public string VolumeDevices(string uid) => Path.Combine(Pod(uid), "volumeDevices");

    public string PluginsRegistry => Path.Combine(Data, "plugins_registry");

    public string DevicePlugins => Path.Combine(Data, "device-plugins");

    public string PodResources => Path.Combine(Data, "pod-resources");

    public string Checkpoints => Path.Combine(Data, "checkpoints");

    public string SubPaths(string uid) => Path.Combine(Pod(uid), "volume-subpaths");

    public string Container(string uid, string container) => Path.Combine(Pod(uid), "containers", container);

    public string Hosts(string uid) => Path.Combine(Pod(uid), "etc-hosts");

    public string Log(string ns, string name, string uid) => Path.Combine(Logs, $"{ns}_{name}_{uid}");

    public string Seccomp => Path.Combine(Data, "seccomp");
}
