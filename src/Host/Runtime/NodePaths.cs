using System.Security.Cryptography;
using System.Text;

namespace Hanbae.Host.Runtime;

/// <summary>Where the parts of one node live, and the names it goes by on its host.</summary>
/// <remarks>
/// Everything a node leaves on a host outside its own folders carries <see cref="Id"/>, so that several clusters can share the host and
/// a reset knows what is its own. Sockets live under <c>/run/hanbae</c> because the kernel keeps at most 107 bytes of a socket's path,
/// which a data folder of the user's choosing may exceed; it is also emptied by a reboot, as containerd's state has to be.
/// </remarks>
/// <param name="Data">The data folder, absolute.</param>
/// <param name="Id">Eight hex digits that stand for the data folder.</param>
public sealed record NodePaths(string Data, string Id)
{
    /// <summary>Parent of the run folders of all clusters of this host.</summary>
    public const string RunRoot = "/run/hanbae";

    public static NodePaths Of(string dataFolder)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dataFolder));
        return new(full, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(full)).AsSpan(0, 4)));
    }

    /// <summary>State of the running process; a control plane alone needs no root and keeps it in its data folder.</summary>
    public string Run => Environment.IsPrivilegedProcess ? RunRoot + "/" + Id : Data + "/run";
    /// <summary>Proof that the data folder was made by Hanbae: without it nothing is ever removed.</summary>
    public string Marker => Data + "/.hanbae-node";
    /// <summary>The running hanbae process, as <see cref="ProcessIdentity"/> writes it.</summary>
    public string HanbaeProcess => Run + "/hanbae.process";

    public string Containerd => Data + "/containerd";
    public string ContainerdConfig => Containerd + "/config.toml";
    public string ContainerdLog => Containerd + "/containerd.log";
    public string ContainerdRoot => Containerd + "/root";
    public string ContainerdState => Run + "/state";
    public string ContainerdProcess => Run + "/containerd.process";
    public string Socket => Run + "/containerd.sock";
    /// <summary>What the kubelet is told as <c>containerRuntimeEndpoint</c>.</summary>
    public string Endpoint => "unix://" + Socket;
    /// <summary>Which runtime a kubelet alone works over, when it is not one of ours; a cluster's is in its settings.</summary>
    public string OtherRuntime => Data + "/runtime-endpoint";
    public string RegistryHosts => Containerd + "/certs.d";

    public string CniConfig => Data + "/cni/net.d";
    public string CniIpam => Data + "/cni/ipam";
    /// <summary>The kubelet's root, where it mounts volumes.</summary>
    public string Kubelet => Data + "/kubelet";

    /// <summary>The pod bridge; 10 of the 15 characters an interface name may have.</summary>
    public string Bridge => "hb" + Id;
    public string CniNetwork => "hanbae-" + Id;
    /// <summary>Every nft table of this node is called this, or this followed by <c>_</c> and its purpose.</summary>
    public string NftTable => "hanbae_" + Id;
    /// <summary>The cgroup every pod of this node is below; never <c>/kubepods</c>, which other kubelets of the host would reap.</summary>
    public string CgroupRoot => "/hanbae-" + Id;
    /// <summary>The same where systemd makes the cgroups; a dash would be a slash to it.</summary>
    public string Slice => "hanbae_" + Id + ".slice";
}
