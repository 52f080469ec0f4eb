using System.Collections.Immutable;
using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Flows;

/// <summary>Where one UDP port of a Service is reached, and who may answer there.</summary>
/// <param name="Addresses">With their port: cluster IP, external and load balancer addresses.</param>
/// <param name="NodePort">On every address of the node; 0 for none.</param>
/// <param name="Servers">Address and port of all that still serve, those that are ending included: they may finish what they have begun.</param>
internal sealed record UdpService(ImmutableArray<(string Address, int Port)> Addresses, int NodePort, ImmutableSortedSet<(string Address, int Port)> Servers)
{
    public bool Equals(UdpService? other) => other is not null && NodePort == other.NodePort && Addresses.SequenceEqual(other.Addresses) && Servers.SetEquals(other.Servers);
    public override int GetHashCode() => HashCode.Combine(NodePort, Addresses.Length, Servers.Count);

    public static IEnumerable<UdpService> Of(Service service, IEnumerable<EndpointSlice> slices, IpFamily family)
    {
        if (!service.Spec.Ports.Exists(p => p.Protocol == "UDP")) yield break;
        string[] addresses = [.. service.Spec.ClusterIPs.Concat([service.Spec.ClusterIP]).Concat(service.Spec.ExternalIPs)
            // A balancer that hands on what it takes answers itself: flows to it are none of ours.
            .Concat(service.Status.LoadBalancer.Ingress.Where(i => i.IpMode != "Proxy").Select(i => i.Ip)).Where(family.Has).Distinct()];
        foreach (var port in service.Spec.Ports)
            if (port.Protocol == "UDP")
                yield return new([.. addresses.Select(a => (a, port.Port))], port.NodePort,
                [
                    .. from s in slices where s.AddressType == family.AddressType
                       from p in s.Ports where (p.Name ?? "") == port.Name && p.Protocol == "UDP" && p.Port is not null
                       from e in s.Endpoints where e.Conditions.Serving != false && e.Addresses.Count > 0
                       select (e.Addresses[0], p.Port!.Value),
                ]);
    }
}

/// <summary>A flow of datagrams, as the kernel remembers it: where the client sent them and who answers.</summary>
internal readonly record struct UdpFlow(string Address, int Port, string Server, int ServerPort)
{
    /// <summary>Reads what <c>conntrack -L</c> prints, one flow a line: the first source and destination are the client's, the second the answer's.</summary>
    public static UdpFlow? Parse(string line)
    {
        if (!line.StartsWith("udp ", StringComparison.Ordinal)) return null;
        string address = "", server = "";
        int port = 0, serverPort = 0, sources = 0, sports = 0;
        foreach (string field in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = field.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) continue;
            string value = field[(equals + 1)..];
            switch (field[..equals])
            {
                case "src" when ++sources == 2: server = value; break;
                case "dst" when address.Length == 0: address = value; break;
                case "sport" when ++sports == 2: serverPort = Number(value); break;
                case "dport" when port == 0: port = Number(value); break;
            }
        }
        return server.Length == 0 || port == 0 || serverPort == 0 ? null : new(address, port, server, serverPort);

        static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0;
    }
}
