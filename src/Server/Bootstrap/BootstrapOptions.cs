using System.Net;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Bootstrap;

/// <summary>What a cluster must be told to begin with.</summary>
public sealed record BootstrapOptions
{
    /// <summary>Where the API server is reached from Pods; null leaves the Service <c>kubernetes</c> without endpoints of this server.</summary>
    public IPEndPoint? Advertise { get; init; }
    /// <summary>The address of the Service <c>kubernetes</c>: the first of the service range.</summary>
    public IPAddress? ServiceAddress { get; init; }
    /// <summary>Where Services' addresses come from, as the ServiceCIDR <c>kubernetes</c> shows it; empty for none.</summary>
    public IReadOnlyList<IPNetwork> ServiceRanges { get; init; } = [];
    public int ServicePort { get; init; } = 443;
    /// <summary>PEM of who signs clients' certificates, for extension API servers; empty when there is none.</summary>
    public string ClientAuthority { get; init; } = "";
    /// <summary>PEM of who signs front proxies' certificates.</summary>
    public string FrontProxyAuthority { get; init; } = "";
    /// <summary>PEM of who signs the API server's own certificate, for machines that want to join; empty to tell none.</summary>
    public string ServingAuthority { get; init; } = "";
    /// <summary>Resources that are served though they are not by default: those who work with them have roles for it.</summary>
    public MoreServed MoreServed { get; init; } = MoreServed.None;
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
