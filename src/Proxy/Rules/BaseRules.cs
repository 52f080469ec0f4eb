using System.Collections.Immutable;

namespace Hanbae.Proxy.Rules;

/// <summary>The part of the ruleset that every node has: where the kernel comes in, and what happens to marked and unserved traffic.</summary>
internal static class BaseRules
{
    /// <summary>Set on connections whose source must become this node's address.</summary>
    public const string MasqueradeMark = "0x4000";

    /// <param name="podCidr">Addresses of Pods: of their traffic what belongs to no connection goes no further.</param>
    public static Ruleset For(IpFamily family, string podCidr)
    {
        string ips = $"{family.SetType} . inet_proto . inet_service : verdict", ports = "inet_proto . inet_service : verdict";
        string byAddress = $"{family.Match} daddr . meta l4proto . th dport vmap", byPort = $"fib daddr type local {family.Match} daddr != {family.Loopback} meta l4proto . th dport vmap";
        // Cluster IPs are nobody's machine: a port that no Service has is refused there.
        string otherPorts = $"ct state new {family.Match} daddr @cluster-ips reject";
        return Ruleset.Empty with
        {
            Maps = Ruleset.Empty.Maps
                .Add("service-ips", new(ips, RuleElements.None)).Add("service-nodeports", new(ports, RuleElements.None))
                .Add("unserved-ips", new(ips, RuleElements.None)).Add("unserved-nodeports", new(ports, RuleElements.None))
                .Add("restricted-ips", new(ips, RuleElements.None)).Add("cluster-ips", new(family.SetType, RuleElements.None, IsSet: true)),
            Chains = Ruleset.Empty.Chains
                .Add("mark-masquerade", new(null, [$"mark set mark or {MasqueradeMark}"]))
                .Add("refuse", new(null, ["reject"]))
                .Add("services", new(null, [$"{byAddress} @service-ips", $"{byPort} @service-nodeports"]))
                .Add("unserved", new(null, [$"{byAddress} @unserved-ips", $"{byPort} @unserved-nodeports"]))
                .Add("restricted", new(null, [$"{byAddress} @restricted-ips"]))
                .Add("nat-prerouting", Hooked("nat", "prerouting", "dstnat", "jump services"))
                .Add("nat-output", Hooked("nat", "output", "-100", "jump services"))
                .Add("nat-postrouting", Hooked("nat", "postrouting", "srcnat",
                    $"mark and {MasqueradeMark} == 0 return", $"mark set mark xor {MasqueradeMark}", "masquerade fully-random"))
                // Who may not come is turned away before the address is no longer a load balancer's.
                .Add("filter-prerouting", Hooked("filter", "prerouting", "-110", "ct state new jump restricted"))
                // What was not led to any endpoint: refused at once instead of timing out.
                .Add("filter-input", Hooked("filter", "input", "-110", "ct state new jump unserved"))
                // A late answer of a Pod is not translated back, and the client would end its connection at the sight of the Pod's own address.
                .Add("filter-forward", Hooked("filter", "forward", "-110",
                    $"ct state invalid {family.Match} saddr {podCidr} drop", $"ct state invalid {family.Match} daddr {podCidr} drop", "ct state new jump unserved", otherPorts))
                .Add("filter-output", Hooked("filter", "output", "-110", "ct state new jump restricted"))
                .Add("filter-output-led", Hooked("filter", "output", "-90", "ct state new jump unserved", otherPorts)),
        };
    }

    static Chain Hooked(string type, string hook, string priority, params ImmutableArray<string> rules) => new($"type {type} hook {hook} priority {priority} ;", rules);
}
