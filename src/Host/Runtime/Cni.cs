using System.Text;
using System.Text.Json;

namespace Hanbae.Host.Runtime;

/// <summary>The pod network's CNI configuration: a bridge per node, addresses out of the node's pod CIDRs.</summary>
public static class Cni
{
    static readonly string[] PluginFolders = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];
    static readonly string[] Needed = ["bridge", "host-local", "portmap", "bandwidth", "loopback"];

    /// <returns>The first folder that has all the plugins the pod network needs: Debian's, upstream's, Fedora's.</returns>
    public static string? FindPlugins(Func<string, bool> exists) =>
        PluginFolders.FirstOrDefault(folder => Needed.All(plugin => exists(folder + "/" + plugin)));

    /// <summary>Writes the configuration; containerd takes a changed one up without a restart.</summary>
    public static void Write(NodePaths paths, IReadOnlyList<string> podCidrs)
    {
        Directory.CreateDirectory(paths.CniConfig);
        string file = paths.CniConfig + "/10-hanbae.conflist", config = Render(paths, podCidrs);
        if (File.Exists(file) && File.ReadAllText(file) == config) return;
        // containerd watches the folder: it must never see half a file.
        File.WriteAllText(file + ".new", config);
        // The CIS benchmark wants it so (1.1.9); the runtime reads it as root.
        File.SetUnixFileMode(file + ".new", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <param name="podCidrs">One IPv4 or IPv6 range, or one of each.</param>
    public static string Render(NodePaths paths, IReadOnlyList<string> podCidrs)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new() { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("cniVersion", "0.4.0");
            json.WriteString("name", paths.CniNetwork);
            json.WriteStartArray("plugins");
            WriteBridge(json, paths, podCidrs);
            WriteCapability(json, "portmap", "portMappings", snat: true);
            WriteCapability(json, "bandwidth", "bandwidth", snat: false);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }

    static void WriteBridge(Utf8JsonWriter json, NodePaths paths, IReadOnlyList<string> podCidrs)
    {
        json.WriteStartObject();
        json.WriteString("type", "bridge");
        json.WriteString("bridge", paths.Bridge);
        json.WriteBoolean("isGateway", true);
        // The plugin would masquerade through iptables, once per pod; PodEgress does it once per node, in a table that can be removed.
        json.WriteBoolean("ipMasq", false);
        json.WriteBoolean("hairpinMode", true);
        json.WriteStartObject("ipam");
        json.WriteString("type", "host-local");
        // Of its own: nodes that share host-local's default folder hand out each other's addresses.
        json.WriteString("dataDir", paths.CniIpam);
        json.WriteStartArray("ranges");
        foreach (string cidr in podCidrs)
        {
            json.WriteStartArray();
            json.WriteStartObject();
            json.WriteString("subnet", cidr);
            json.WriteEndObject();
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteStartArray("routes");
        foreach (string cidr in podCidrs)
        {
            json.WriteStartObject();
            json.WriteString("dst", IsV6(cidr) ? "::/0" : "0.0.0.0/0");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void WriteCapability(Utf8JsonWriter json, string plugin, string capability, bool snat)
    {
        json.WriteStartObject();
        json.WriteString("type", plugin);
        json.WriteStartObject("capabilities");
        json.WriteBoolean(capability, true);
        json.WriteEndObject();
        if (snat) json.WriteBoolean("snat", true);
        json.WriteEndObject();
    }

    internal static bool IsV6(string cidr) => cidr.Contains(':', StringComparison.Ordinal);
}
