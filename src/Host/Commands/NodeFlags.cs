using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Host.Settings;
using Hanbae.Kubelet.Nodes;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Host.Commands;

/// <summary>Reads what a kubelet's flags say of its node, by upstream's rules.</summary>
static class NodeFlags
{
    /// <param name="given">Each <c>name=value,name=value</c>.</param>
    /// <exception cref="SettingsException">A label cannot be, or is not a kubelet's to set.</exception>
    public static Map<string> Labels(IEnumerable<string> given)
    {
        var labels = default(Map<string>);
        foreach (string pair in given.SelectMany(g => g.Split(',')).Where(p => p.Length > 0))
        {
            string[] parts = pair.Split('=', 2);
            labels = labels.Set(parts[0].Trim(), parts.Length > 1 ? parts[1].Trim() : "");
        }
        string[] foreign = [.. labels.Select(l => l.Key).Where(KubeletLabels.IsForeign)];
        if (foreign.Length > 0)
            throw new SettingsException($"unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [{string.Join(' ', foreign)}]\n--node-labels in the 'kubernetes.io' namespace must begin with "
                + $"an allowed prefix ({string.Join(", ", KubeletLabels.Namespaces)}) or be in the specifically allowed set ({string.Join(", ", KubeletLabels.Names)})");
        var wrong = labels.SelectMany(l => (IEnumerable<(string Text, IReadOnlyList<string> Why)>)[(l.Key, LabelSyntax.KeyErrors(l.Key)), (l.Value, LabelSyntax.ValueErrors(l.Value))])
            .Where(e => e.Why.Count > 0).Select(e => $"'{e.Text}' - {string.Join(", ", e.Why)}").ToArray();
        return wrong.Length == 0 ? labels : throw new SettingsException("invalid node labels: " + string.Join("; ", wrong));
    }

    /// <summary>The node's addresses: one, or one of each family; <c>0.0.0.0</c> and <c>::</c> are the default one of that family.</summary>
    /// <param name="given">Empty for none.</param>
    /// <param name="local">Those that this machine has; null to ask it.</param>
    /// <exception cref="SettingsException">It is none, or not this machine's.</exception>
    public static Seq<string> Addresses(string given, IReadOnlyCollection<IPAddress>? local = null)
    {
        if (given.Length == 0) return default;
        string[] words = given.Split(',', StringSplitOptions.TrimEntries);
        var all = words.Select(w => IPAddress.TryParse(w, out var ip) ? ip : throw new SettingsException($"bad --node-ip \"{given}\": could not parse \"{w}\"")).ToArray();
        if (all.Length > 2 || (all.Length == 2 && all[0].AddressFamily == all[1].AddressFamily)) throw new SettingsException($"bad --node-ip \"{given}\": must contain either a single IP or a dual-stack pair of IPs");
        if (all is [var any] && (any.Equals(IPAddress.Any) || any.Equals(IPAddress.IPv6Any))) return MachineInfo.Address(six: any.AddressFamily == AddressFamily.InterNetworkV6) is { } found ? [found] : default;
        local ??= [.. LocalInterfaces.All().SelectMany(i => i.Properties.UnicastAddresses).Select(a => a.Address)];
        foreach (var ip in all)
            if (Trouble(ip, local) is { } why) throw new SettingsException($"bad --node-ip \"{given}\": {why}");
        return all.Select(ip => ip.ToString()).ToSeq();
    }

    static string? Trouble(IPAddress ip, IReadOnlyCollection<IPAddress> local) =>
        IPAddress.IsLoopback(ip) ? "nodeIP can't be loopback address"
        : ip.IsIPv6Multicast || (ip.AddressFamily == AddressFamily.InterNetwork && ip.GetAddressBytes()[0] is >= 224 and < 240) ? "nodeIP can't be a multicast address"
        : ip.IsIPv6LinkLocal || ip.GetAddressBytes() is [169, 254, _, _] ? "nodeIP can't be a link-local unicast address"
        : ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any) ? "nodeIP can't be an all zeros address"
        : !local.Contains(ip) ? $"node IP: \"{ip}\" not found in the host's network interfaces" : null;
}
