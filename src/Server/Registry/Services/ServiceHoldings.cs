using System.Net;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Services;

/// <summary>The addresses and ports that a Service has, each named once.</summary>
sealed record ServiceHoldings(string Owner, IReadOnlySet<IPAddress> Addresses, IReadOnlySet<int> Ports)
{
    public static ServiceHoldings Of(Service service)
    {
        var addresses = new HashSet<IPAddress>();
        var ports = new HashSet<int>();
        if (ServiceNeeds.ClusterIP(service))
            foreach (string text in service.Spec.ClusterIPs.IsEmpty ? [service.Spec.ClusterIP] : service.Spec.ClusterIPs)
                if (IpSyntax.TryParse(text, out var address)) addresses.Add(address);
        foreach (var port in service.Spec.Ports) if (port.NodePort != 0) ports.Add(port.NodePort);
        if (service.Spec.HealthCheckNodePort != 0) ports.Add(service.Spec.HealthCheckNodePort);
        return new(OwnerOf(service), addresses, ports);
    }

    public static string OwnerOf(Service service) => service.Metadata.Uid.Length > 0 ? service.Metadata.Uid : service.Metadata.Namespace + "/" + service.Metadata.Name;

    /// <summary>What is stored is taken, whether or not it is still in range.</summary>
    public void Take(AddressRanges ranges, NodePortPool ports)
    {
        foreach (var address in Addresses) ranges.Take(address, Owner);
        foreach (int port in Ports) ports.Take(port, Owner);
    }

    public void Release(AddressRanges ranges, NodePortPool ports)
    {
        foreach (var address in Addresses) ranges.Release(address, Owner);
        foreach (int port in Ports) ports.Release(port, Owner);
    }

    public ServiceHoldings Except(ServiceHoldings other) =>
        this with { Addresses = Addresses.Except(other.Addresses).ToHashSet(), Ports = Ports.Except(other.Ports).ToHashSet() };
}
