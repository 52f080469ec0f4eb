using System.Collections.Immutable;
using System.Net;

namespace Hanbae.Server.Registry.Services;

/// <summary>Where Services get their addresses and ports: upstream's --service-cluster-ip-range and --service-node-port-range.</summary>
public sealed record ServiceNetworks
{
    /// <summary>The first is of the cluster's default family; a second, of the other family, makes the cluster dual-stack.</summary>
    public ImmutableArray<IPNetwork> ClusterIPs { get; init; } = [IPNetwork.Parse("10.96.0.0/16")];
    public int FirstNodePort { get; init; } = 30000;
    public int LastNodePort { get; init; } = 32767;
}
