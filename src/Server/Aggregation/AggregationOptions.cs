using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Server.Aggregation;

/// <summary>How the server reaches other API servers behind it.</summary>
public sealed record AggregationOptions
{
    /// <summary>What this server shows to them; signed by the authority that they believe as front proxy. Asked for each connection.</summary>
    public Func<X509Certificate2?> ProxyClientCertificate { get; init; } = static () => null;
    /// <summary>Where a Service's port is reached from here, by namespace, name and port; null for the Service's endpoints as the server itself knows them.</summary>
    public Func<string, string, int, CancellationToken, ValueTask<DnsEndPoint?>>? Resolve { get; init; }
    /// <summary>How often servers that nothing has changed about are looked at.</summary>
    public TimeSpan CheckEvery { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>How long one may take to answer such a look, as upstream.</summary>
    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
