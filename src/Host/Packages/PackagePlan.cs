using System.Collections.Immutable;

namespace Hanbae.Host.Packages;

/// <summary>A program the node needs, and the Debian package that has it.</summary>
/// <param name="Probes">Any one of these is enough: names to look up in PATH, or whole paths.</param>
/// <param name="Why">For the message that asks a person to install it.</param>
public sealed record Requirement(string Package, ImmutableArray<string> Probes, string Why);

/// <summary>What has to be installed before a node can start, and who has to do it.</summary>
public abstract record PackagePlan
{
    public sealed record Nothing : PackagePlan;

    public sealed record Install(ImmutableArray<string> Packages) : PackagePlan;

    /// <summary>A person has to; the message says what to type.</summary>
    public sealed record Ask(string Message) : PackagePlan;

    /// <summary>In the order of the first need.</summary>
    public static ImmutableArray<Requirement> ForNode { get; } =
    [
        new("containerd", ["containerd"], "runs the containers"),
        new("runc", ["runc", "crun"], "starts a container's process"),
        new("containernetworking-plugins", ["/usr/lib/cni/bridge", "/opt/cni/bin/bridge", "/usr/libexec/cni/bridge"], "connects pods to the network"),
        new("nftables", ["nft"], "routes Services to pods"),
        new("iproute2", ["ip"], "sets up links"),
        new("iptables", ["iptables"], "is what the CNI plugin for hostPorts calls"),
        new("conntrack", ["conntrack"], "ends flows to pods that are gone"),
        new("util-linux", ["setsid"], "detaches containerd from the terminal"),
    ];

    /// <param name="exists">Whether a program is in PATH, or a file exists.</param>
    /// <param name="osRelease">The text of <c>/etc/os-release</c>.</param>
    /// <param name="command">What the person typed, to be repeated.</param>
    public static PackagePlan For(IEnumerable<Requirement> requirements, Func<string, bool> exists, string osRelease, bool root, bool apt, string command)
    {
        var missing = requirements.Where(r => !r.Probes.Any(exists)).ToImmutableArray();
        if (missing.IsEmpty) return new Nothing();
        string list = string.Join("\n", missing.Select(m => $"  {m.Probes[0]} {m.Why} (Debian package {m.Package})"));
        string packages = string.Join(' ', missing.Select(m => m.Package));
        if (!apt || !IsDebianLike(osRelease))
            return new Ask($"Missing on this machine:\n{list}\nHanbae installs packages by itself on Debian and Ubuntu only. Install these with your system's package manager, then type again: {command}");
        return root ? new Install([.. missing.Select(m => m.Package)])
            : new Ask($"Missing on this machine:\n{list}\nInstalling them needs root. Type: sudo apt-get install -y --no-install-recommends {packages}\nor run it all as root: sudo {command}");
    }

    internal static bool IsDebianLike(string osRelease) => osRelease.Split('\n')
        .Where(l => l.StartsWith("ID=", StringComparison.Ordinal) || l.StartsWith("ID_LIKE=", StringComparison.Ordinal))
        .SelectMany(l => l[(l.IndexOf('=') + 1)..].Trim().Trim('"', '\'').Split(' ')).Any(id => id is "debian" or "ubuntu");
}
