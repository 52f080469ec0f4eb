using System.Globalization;

namespace Hanbae.Server.Discovery;

/// <summary>What an <c>Accept</c> header asks of <c>/api</c> and <c>/apis</c>: the aggregated form, or (null) the plain one.</summary>
/// <param name="Version">Of <c>apidiscovery.k8s.io</c>.</param>
public sealed record DiscoveryAccept(string Version, bool Protobuf)
{
    public string ContentType => $"{(Protobuf ? "application/vnd.kubernetes.protobuf" : "application/json")};g=apidiscovery.k8s.io;v={Version};as=APIGroupDiscoveryList";

    /// <summary>The first clause of the highest weight decides, as in all of upstream's negotiation.</summary>
    public static DiscoveryAccept? Of(string accept)
    {
        if (!accept.Contains("APIGroupDiscoveryList", StringComparison.Ordinal)) return null;
        foreach (string[] clause in accept.Split(',').Select(c => c.Split(';', StringSplitOptions.TrimEntries)).OrderByDescending(Weight))
        {
            bool protobuf = clause[0].Trim() == "application/vnd.kubernetes.protobuf";
            if (!protobuf && clause[0].Trim() is not ("application/json" or "application/yaml" or "*/*" or "application/*")) continue;
            if (!clause.Contains("as=APIGroupDiscoveryList") || !clause.Contains("g=apidiscovery.k8s.io"))
            {
                if (clause.Any(p => p.StartsWith("as=", StringComparison.Ordinal))) continue;
                return null;
            }
            string version = clause.FirstOrDefault(p => p.StartsWith("v=", StringComparison.Ordinal)) ?? "";
            if (clause[0].Trim() is "application/json" or "application/vnd.kubernetes.protobuf" && version is "v=v2" or "v=v2beta1") return new(version[2..], protobuf);
        }
        return null;
    }

    static double Weight(string[] clause) =>
        clause.FirstOrDefault(p => p.StartsWith("q=", StringComparison.Ordinal)) is { } q && double.TryParse(q.AsSpan(2), CultureInfo.InvariantCulture, out double weight) ? weight : 1;
}
