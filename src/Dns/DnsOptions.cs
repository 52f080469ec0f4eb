using System.Net;

namespace Hanbae.Dns;

/// <summary>How cluster DNS answers.</summary>
public sealed record DnsOptions
{
    /// <summary>The cluster's domain without dots around it.</summary>
    public string Domain { get; init; } = "cluster.local";
    /// <summary>Addresses served, UDP and TCP on the same port.</summary>
    public required IReadOnlyList<IPEndPoint> Listen { get; init; }
    /// <summary>Where names outside the cluster's domain are asked, in order; none means that they are refused.</summary>
    public IReadOnlyList<IPEndPoint> Upstreams { get; init; } = [];
    /// <summary>How long answers about the cluster may be kept.</summary>
    public uint TtlSeconds { get; init; } = 5;
    public TimeSpan UpstreamTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The name servers of a resolv.conf; those in <paramref name="except"/> would be asking ourselves.</summary>
    public static IReadOnlyList<IPEndPoint> ReadResolvConf(string text, IReadOnlyList<IPEndPoint> except) =>
        [.. text.Split('\n').Select(l => l.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(w => w.Length > 1 && w[0] == "nameserver" && IPAddress.TryParse(w[1], out _))
            .Select(w => new IPEndPoint(IPAddress.Parse(w[1]), 53)).Where(e => !except.Contains(e))];
}
