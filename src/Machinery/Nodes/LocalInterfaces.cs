using System.Net.NetworkInformation;

namespace Hanbae.Machinery.Nodes;

/// <summary>The network interfaces of this machine. They come and go with Pods: one that vanishes while it is looked at is none, and no fault.</summary>
public static class LocalInterfaces
{
    const int Attempts = 3;

    /// <summary>Those that there are, with what is known of them.</summary>
    public static IReadOnlyList<(NetworkInterface Interface, IPInterfaceProperties Properties)> All()
    {
        for (int attempt = 1; ; attempt++)
            try { return Of(NetworkInterface.GetAllNetworkInterfaces()); }
            catch (NetworkInformationException) when (attempt < Attempts) { }
    }

    /// <summary>Of those that were found, the ones that are still there.</summary>
    public static IReadOnlyList<(NetworkInterface Interface, IPInterfaceProperties Properties)> Of(IEnumerable<NetworkInterface> found)
    {
        List<(NetworkInterface, IPInterfaceProperties)> there = [];
        foreach (var nic in found)
            try { there.Add((nic, nic.GetIPProperties())); }
            catch (Exception e) when (e is NetworkInformationException or IOException or UnauthorizedAccessException) { }
        return there;
    }

    /// <param name="folder">Where the system shows its interfaces.</param>
    /// <returns>Whether it is there and no bridge. In this order: of one that is gone nothing tells that it was a bridge.</returns>
    public static bool IsNoBridge(string name, string folder = "/sys/class/net") =>
        !Directory.Exists(Path.Combine(folder, name, "bridge")) && Directory.Exists(Path.Combine(folder, name));
}
