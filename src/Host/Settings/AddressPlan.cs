using System.Net;
using System.Net.Sockets;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Host.Settings;

/// <summary>Finds ranges for Pods and Services that nothing on this machine uses, so that several clusters can stand side by side.</summary>
public static class AddressPlan
{
    const int FirstPodBlock = 244, FirstServiceBlock = 96, Blocks = 12;

    /// <param name="taken">Ranges in use: the machine's networks and other clusters'.</param>
    /// <exception cref="SettingsException">None is left.</exception>
    public static (string Pods, string Services) Choose(IReadOnlyList<IPNetwork> taken)
    {
        for (int i = 0; i < Blocks; i++)
        {
            var pods = new IPNetwork(new([10, (byte)(FirstPodBlock + i), 0, 0]), 16);
            var services = new IPNetwork(new([10, (byte)(FirstServiceBlock + i), 0, 0]), 16);
            if (!taken.Any(t => Overlap(t, pods) || Overlap(t, services))) return (pods.ToString(), services.ToString());
        }
        throw new SettingsException("no free address ranges were found; name them with --pod-cidr and --service-cidr");
    }

    /// <summary>The cluster's DNS is the tenth address of the Services', as upstream's.</summary>
    const int LeastServices = 28;

    /// <summary>Whether ranges that were asked for can be: null was not.</summary>
    /// <exception cref="SettingsException">They overlap, or take addresses that this machine or another cluster uses.</exception>
    public static void Check(string? pods, string? services, IReadOnlyList<IPNetwork> taken)
    {
        foreach (var (option, range) in new[] { ("--pod-cidr", pods), ("--service-cidr", services) })
            if (range is not null && taken.FirstOrDefault(t => Overlap(t, IPNetwork.Parse(range))) is { PrefixLength: > 0 } other)
                throw new SettingsException($"{option} {range} overlaps {other}, which this machine or another cluster on it uses; choose another range, or leave the option out for a free one");
        if (pods is not null && services is not null && Overlap(IPNetwork.Parse(pods), IPNetwork.Parse(services)))
            throw new SettingsException($"--pod-cidr {pods} and --service-cidr {services} overlap; Pods and Services need addresses of their own");
        if (services is not null && IPNetwork.Parse(services).PrefixLength > LeastServices)
            throw new SettingsException($"--service-cidr {services} is too small; it needs sixteen addresses at least, a /{LeastServices}");
    }

    public static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);

    /// <summary>Networks of the machine's interfaces, and the ranges of other clusters (their data folders are noted under the run folder).</summary>
    public static IReadOnlyList<IPNetwork> Taken(IEnumerable<string> otherDataFolders)
    {
        var taken = new List<IPNetwork>();
        foreach (var (_, nic) in LocalInterfaces.All())
            foreach (var a in nic.UnicastAddresses)
                if (a.Address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a.Address))
                    taken.Add(Network(a.Address, a.PrefixLength));
        foreach (string folder in otherDataFolders)
            if (RangesOf(folder) is { } other)
            {
                taken.Add(IPNetwork.Parse(other.PodCidr));
                taken.Add(IPNetwork.Parse(other.ServiceCidr));
            }
        return taken;
    }

    /// <summary>Null when that is nobody's to know, such as another user's cluster: it must not keep this one from starting, and one that runs has its bridge.</summary>
    static ClusterSettings? RangesOf(string folder)
    {
        try { return ClusterSettings.Load(folder); }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException or SettingsException) { return null; }
    }

    static IPNetwork Network(IPAddress address, int prefix)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int bit = prefix; bit < 32; bit++) bytes[bit / 8] &= (byte)~(0x80 >> bit % 8);
        return new(new IPAddress(bytes), prefix);
    }
}
