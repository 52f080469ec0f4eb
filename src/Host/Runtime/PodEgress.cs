using System.Text;

namespace Hanbae.Host.Runtime;

/// <summary>Lets pods reach beyond the node under the node's own address.</summary>
/// <remarks>Services are the proxy's tables; this one belongs to the pod network, as masquerading does upstream to the CNI plugin.</remarks>
public static class PodEgress
{
    static string Table(NodePaths paths) => paths.NftTable + "_egress";

    /// <summary>One nft transaction: the table is declared, emptied and filled, whatever was there before.</summary>
    /// <param name="clusterCidrs">All pods of the cluster: what goes from pod to pod keeps its address, as NetworkPolicy needs it.</param>
    public static string Render(NodePaths paths, IReadOnlyList<string> podCidrs, IReadOnlyList<string> clusterCidrs)
    {
        var b = new StringBuilder();
        b.Append($"table inet {Table(paths)}\ndelete table inet {Table(paths)}\ntable inet {Table(paths)} {{\n  chain postrouting {{\n    type nat hook postrouting priority srcnat; policy accept;\n");
        foreach (string pods in podCidrs)
        {
            string family = Cni.IsV6(pods) ? "ip6" : "ip";
            string inside = string.Join(", ", clusterCidrs.Where(c => Cni.IsV6(c) == Cni.IsV6(pods)).DefaultIfEmpty(pods));
            b.Append($"    {family} saddr {pods} {family} daddr != {{ {inside} }} oifname != \"{paths.Bridge}\" masquerade\n");
        }
        return b.Append("  }\n}\n").ToString();
    }

    public static async Task ApplyAsync(NodePaths paths, IReadOnlyList<string> podCidrs, IReadOnlyList<string> clusterCidrs, CancellationToken ct)
    {
        byte[] rules = Encoding.UTF8.GetBytes(Render(paths, podCidrs, clusterCidrs));
        var result = await Tool.RunAsync("nft", ["-f", "-"], s => s.WriteAsync(rules, ct).AsTask(), ct: ct);
        if (!result.Succeeded) throw new RuntimeException("nft refused the rules for traffic leaving pods: " + result.Complaint);
    }
}
