using System.Collections.Immutable;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Networking.V1;
using Hanbae.Proxy.Rules;
using IPAddress = System.Net.IPAddress;

namespace Hanbae.Proxy.Policies;

/// <summary>What one NetworkPolicy allows, as rules over sets of peers and ports: a pure function of the policy.</summary>
/// <param name="Ingress">Chain that ends in a verdict what the policy's Pods may receive; null when it says nothing of that.</param>
/// <param name="Egress">The same for what they may send.</param>
/// <param name="Scopes">Peers whose addresses the rules ask for.</param>
/// <param name="Names">Ports that the rules ask for by name.</param>
internal sealed record PolicyRules(Selector Pods, Chain? Ingress, Chain? Egress, ImmutableHashSet<PeerScope> Scopes, ImmutableHashSet<PortName> Names)
{
    /// <summary>The receiving end is still to be asked.</summary>
    const string Sent = "goto ingress";

    public static string IngressChain(Key policy) => "in-" + RuleName.Of(policy.ToString());
    public static string EgressChain(Key policy) => "out-" + RuleName.Of(policy.ToString());

    public static PolicyRules For(NetworkPolicy policy, IpFamily family)
    {
        var builder = new Builder(policy.Metadata.Namespace, family);
        var spec = policy.Spec;
        return new(spec.PodSelector.ToSelector(),
            spec.PolicyTypes.Contains("Ingress") ? new(null, [.. spec.Ingress.SelectMany(r => builder.Rules("saddr", r.From, r.Ports, "accept")).Distinct()]) : null,
            spec.PolicyTypes.Contains("Egress") ? new(null, [.. spec.Egress.SelectMany(r => builder.Rules("daddr", r.To, r.Ports, Sent)).Distinct()]) : null,
            builder.Scopes.ToImmutable(), builder.Names.ToImmutable());
    }

    sealed class Builder(string ns, IpFamily family)
    {
        public ImmutableHashSet<PeerScope>.Builder Scopes { get; } = ImmutableHashSet.CreateBuilder<PeerScope>();
        public ImmutableHashSet<PortName>.Builder Names { get; } = ImmutableHashSet.CreateBuilder<PortName>();

        public IEnumerable<string> Rules(string side, Seq<NetworkPolicyPeer> peers, Seq<NetworkPolicyPort> ports, string verdict)
        {
            var conditions = Ports(ports).ToList();
            foreach (string peer in Peers(side, peers))
                foreach (string port in conditions) yield return peer + port + verdict;
        }

        IEnumerable<string> Peers(string side, Seq<NetworkPolicyPeer> peers)
        {
            if (peers.IsEmpty) yield return "";
            foreach (var peer in peers)
            {
                if (peer.IpBlock is { } block)
                {
                    if (Range(block.Cidr) is not { } cidr) continue;
                    // Apart from each other: in one set of nft, ranges that overlap are refused.
                    yield return $"{family.Match} {side} {cidr} " + string.Concat(block.Except.Select(Range).OfType<string>().Select(e => $"{family.Match} {side} != {e} "));
                }
                else
                {
                    var scope = PeerScope.Of(ns, peer.NamespaceSelector, peer.PodSelector);
                    Scopes.Add(scope);
                    yield return $"{family.Match} {side} @{scope.Set} ";
                }
            }
        }

        /// <summary>As nft has it, without bits beyond the prefix; null when it is of the other family.</summary>
        string? Range(string cidr)
        {
            int slash = cidr.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0 || !IPAddress.TryParse(cidr.AsSpan(0, slash), out var address) || address.AddressFamily != family.Family) return null;
            byte[] bytes = address.GetAddressBytes();
            if (!int.TryParse(cidr.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length > bytes.Length * 8) return null;
            for (int bit = length; bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            return $"{new IPAddress(bytes)}/{length}";
        }

        IEnumerable<string> Ports(Seq<NetworkPolicyPort> ports)
        {
            if (ports.IsEmpty) yield return "";
            foreach (var protocol in ports.GroupBy(p => p.Protocol ?? "TCP").OrderBy(g => g.Key, StringComparer.Ordinal))
            {
                string match = $"meta l4proto {protocol.Key.ToLowerInvariant()} ";
                if (protocol.Any(p => p.Port is null))
                {
                    yield return match;
                    continue;
                }
                var ranges = Merged([.. protocol.Where(p => !p.Port!.Value.IsString).Select(p => (p.Port!.Value.Int, p.EndPort ?? p.Port!.Value.Int))]);
                if (ranges.Count > 0) yield return $"{match}th dport {{ {string.Join(", ", ranges.Select(r => r.From == r.To ? $"{r.From}" : $"{r.From}-{r.To}"))} }} ";
                foreach (string name in protocol.Select(p => p.Port!.Value.String).OfType<string>().Distinct())
                {
                    var port = new PortName(name, protocol.Key);
                    Names.Add(port);
                    yield return $"{family.Match} daddr . meta l4proto . th dport @{port.Set} ";
                }
            }
        }

        static List<(int From, int To)> Merged(List<(int From, int To)> ranges)
        {
            var merged = new List<(int From, int To)>();
            foreach (var range in ranges.Order())
                if (merged.Count > 0 && range.From <= merged[^1].To + 1) merged[^1] = (merged[^1].From, Math.Max(merged[^1].To, range.To));
                else merged.Add(range);
            return merged;
        }
    }
}
