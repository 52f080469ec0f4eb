using System.Net;
using System.Net.Sockets;

namespace Hanbae.Proxy.Rules;

/// <summary>What differs between IPv4 and IPv6 in a ruleset.</summary>
internal sealed record IpFamily(string Table, string Match, string SetType, string AddressType, string Loopback, AddressFamily Family)
{
    public static IpFamily V4 { get; } = new("ip", "ip", "ipv4_addr", "IPv4", "127.0.0.0/8", AddressFamily.InterNetwork);
    public static IpFamily V6 { get; } = new("ip6", "ip6", "ipv6_addr", "IPv6", "::1", AddressFamily.InterNetworkV6);

    public bool Has(string address) => IPAddress.TryParse(address, out var parsed) && parsed.AddressFamily == Family;

    public string Endpoint(string address, int port) => Family == AddressFamily.InterNetworkV6 ? $"[{address}]:{port}" : $"{address}:{port}";
}
