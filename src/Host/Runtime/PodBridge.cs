namespace Hanbae.Host.Runtime;

/// <summary>The bridge pods are plugged into, made before the CNI plugin would make a plainer one.</summary>
/// <remarks>
/// A pod that calls a Service answered by a pod of the same node gets its answer over the bridge, not by routing: unless bridged packets
/// pass netfilter, the answer keeps the wrong address and is dropped. Upstream asks for the host-wide sysctl; the switch of this one
/// bridge does the same and leaves the host's other bridges alone.
/// </remarks>
static class PodBridge
{
    const string BridgeNetfilter = "/proc/sys/net/bridge";

    /// <param name="podCidrs">The node's own ranges: the bridge takes the first address of each, as the CNI plugin would with the first Pod; DNS listens there from the start.</param>
    public static async Task EnsureAsync(NodePaths paths, IReadOnlyList<string> podCidrs, CancellationToken ct)
    {
        if (!Directory.Exists(BridgeNetfilter) && Tool.Find("modprobe") is not null) await Tool.RunAsync("modprobe", ["br_netfilter"], ct: ct);
        if (!Directory.Exists(BridgeNetfilter))
            throw new RuntimeException("the kernel module br_netfilter cannot be loaded, and without it pods cannot reach Services on their own node; load it with modprobe br_netfilter, or use a kernel that has it");
        // An address of its own: a bridge otherwise takes that of whichever pod came first, and changes it when that pod goes.
        if (!Directory.Exists("/sys/class/net/" + paths.Bridge))
            await RunAsync(["link", "add", paths.Bridge, "address", Address(paths), "type", "bridge"], ct);
        await RunAsync(["link", "set", paths.Bridge, "up", "type", "bridge", "nf_call_iptables", "1", "nf_call_ip6tables", "1"], ct);
        foreach (string cidr in podCidrs) await RunAsync(["address", "replace", Gateway(cidr), "dev", paths.Bridge], ct);
    }

    /// <summary><c>10.244.0.0/24</c> → <c>10.244.0.1/24</c>.</summary>
    internal static string Gateway(string cidr)
    {
        var network = System.Net.IPNetwork.Parse(cidr);
        byte[] address = network.BaseAddress.GetAddressBytes();
        address[^1]++;
        return $"{new System.Net.IPAddress(address)}/{network.PrefixLength}";
    }

    // Locally administered, out of the node's name.
    internal static string Address(NodePaths paths) => "02:68:" + string.Join(':', paths.Id.Chunk(2).Select(c => new string(c)));

    static async Task RunAsync(string[] arguments, CancellationToken ct)
    {
        var result = await Tool.RunAsync("ip", arguments, ct: ct);
        if (!result.Succeeded) throw new RuntimeException($"ip {string.Join(' ', arguments)}: {result.Complaint}");
    }
}
