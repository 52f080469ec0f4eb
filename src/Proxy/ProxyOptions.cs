using System.Net;

namespace Hanbae.Proxy;

/// <summary>How a node's Services are programmed.</summary>
public sealed record ProxyOptions
{
    public required string NodeName { get; init; }
    /// <summary>The nft table, one per family; carries the cluster's id so that several can share a host.</summary>
    public required string Table { get; init; }
    /// <summary>The nft table of NetworkPolicies, as the other.</summary>
    public required string PolicyTable { get; init; }
    /// <summary>Addresses of Pods, IPv4.</summary>
    public required string PodCidr { get; init; }
    /// <summary>Addresses of Pods, IPv6; null when the cluster has none.</summary>
    public string? PodCidrV6 { get; init; }
    /// <summary>Where load balancers ask for this node's health; port 0 takes a free one, null none.</summary>
    public IPEndPoint? Health { get; init; }
    /// <summary>Where mode and figures are asked for; port 0 takes a free one, null none.</summary>
    public IPEndPoint? Metrics { get; init; }
    /// <summary>Told when one of these two is another program's, such as another cluster's: nobody asks this one then, and nothing is wrong.</summary>
    public Action<string>? OnTakenPort { get; init; }
    /// <summary>Changes within this time of the last load are loaded together.</summary>
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromMilliseconds(100);
}
