using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Kubelet.Nodes;

/// <summary>What the machine is and has; read once.</summary>
public sealed record MachineInfo
{
    public int Cpus { get; init; }
    public long MemoryBytes { get; init; }
    /// <summary>Bytes by page size in bytes.</summary>
    public IReadOnlyDictionary<long, long> HugePages { get; init; } = new Dictionary<long, long>();
    public long DiskBytes { get; init; }
    public string MachineId { get; init; } = "";
    public string SystemUuid { get; init; } = "";
    public string BootId { get; init; } = "";
    public string Kernel { get; init; } = "";
    public string OsImage { get; init; } = "";
    public string Architecture { get; init; } = "";
    public string Hostname { get; init; } = "";

    /// <param name="folder">Whose file system is the node's own.</param>
    public static MachineInfo Read(string folder) => new()
    {
        Cpus = Environment.ProcessorCount,
        MemoryBytes = Memory("MemTotal"),
        HugePages = Pages(),
        DiskBytes = Disk(folder).Total,
        MachineId = FirstOf("/etc/machine-id", "/var/lib/dbus/machine-id"),
        SystemUuid = FirstOf("/sys/class/dmi/id/product_uuid", "/etc/machine-id"),
        BootId = FirstOf("/proc/sys/kernel/random/boot_id"),
        Kernel = FirstOf("/proc/sys/kernel/osrelease"),
        OsImage = Os(),
        Architecture = RuntimeInformation.OSArchitecture switch
        {
            System.Runtime.InteropServices.Architecture.X64 => "amd64", System.Runtime.InteropServices.Architecture.X86 => "386", var a => a.ToString().ToLowerInvariant(),
        },
        Hostname = FirstOf("/proc/sys/kernel/hostname").ToLowerInvariant(),
    };

    /// <summary>A line of /proc/meminfo, in bytes.</summary>
    public static long Memory(string name)
    {
        if (!File.Exists("/proc/meminfo")) return 0;
        foreach (string line in File.ReadLines("/proc/meminfo"))
            if (line.StartsWith(name + ":", StringComparison.Ordinal))
                return long.Parse(line[(name.Length + 1)..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
        return 0;
    }

    public static (long Total, long Available) Disk(string folder)
    {
        string at = folder;
        while (!Directory.Exists(at) && Path.GetDirectoryName(at) is { Length: > 0 } parent) at = parent;
        var drive = new DriveInfo(at);
        return (drive.TotalSize, drive.AvailableFreeSpace);
    }

    /// <summary>The address that the default route goes out by; the first other one without such a route. IPv4 before IPv6, unless that is to be first.</summary>
    public static string? Address(bool six = false) => AddressOf(six ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork) ?? AddressOf(six ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6);

    static string? AddressOf(AddressFamily family)
    {
        try
        {
            using var probe = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
            probe.Connect(IPAddress.Parse(family == AddressFamily.InterNetwork ? "192.0.2.1" : "2001:db8::1"), 9); // asks the routing table; nothing is sent
            if (probe.LocalEndPoint is IPEndPoint { Address: var address } && !IPAddress.IsLoopback(address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)) return address.ToString();
        }
        catch (SocketException) { } // no route, or no such family
        return LocalInterfaces.All().Where(i => i.Interface.OperationalStatus == OperationalStatus.Up && i.Interface.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(i => i.Properties.UnicastAddresses).Select(a => a.Address).FirstOrDefault(a => a.AddressFamily == family && !a.IsIPv6LinkLocal)?.ToString();
    }

    static Dictionary<long, long> Pages()
    {
        var pages = new Dictionary<long, long>();
        const string root = "/sys/kernel/mm/hugepages";
        if (!Directory.Exists(root)) return pages;
        foreach (string folder in Directory.EnumerateDirectories(root, "hugepages-*kB"))
        {
            long size = long.Parse(Path.GetFileName(folder)["hugepages-".Length..^2], CultureInfo.InvariantCulture) * 1024;
            pages[size] = size * long.Parse(FirstOf(Path.Combine(folder, "nr_hugepages")), CultureInfo.InvariantCulture);
        }
        return pages;
    }

    static string Os()
    {
        foreach (string file in (ReadOnlySpan<string>)["/etc/os-release", "/usr/lib/os-release"])
            if (File.Exists(file))
                foreach (string line in File.ReadLines(file))
                    if (line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal)) return line["PRETTY_NAME=".Length..].Trim('"');
        return "Linux";
    }

    static string FirstOf(params ReadOnlySpan<string> files)
    {
        foreach (string file in files)
        {
            try { if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } text) return text; }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { } // firmware tables are not for everyone
        }
        return "";
    }
}
