using System.Collections.Immutable;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Proxy.Rules;

/// <summary>The part of the ruleset that one Service needs: a pure function of it and its endpoint slices.</summary>
internal sealed record ServiceRules(
    ImmutableArray<(string Name, Chain Chain)> Chains,
    ImmutableArray<(string Map, string Key, string Verdict)> Elements,
    ImmutableArray<(string Name, string Declaration)> Sets)
{
    /// <param name="node">This node's name, for policies that keep traffic on it.</param>
    /// <param name="podCidr">Traffic to a cluster IP from elsewhere is masqueraded, so that answers come back through here.</param>
    public static ServiceRules For(Service service, IEnumerable<EndpointSlice> slices, IpFamily family, string node, string podCidr)
    {
        var rules = new Builder(service, [.. slices.Where(s => s.AddressType == family.AddressType)], family, node, podCidr);
        foreach (var port in service.Spec.Ports) rules.Add(port);
        return rules.Build();
    }

    sealed class Builder(Service service, ImmutableArray<EndpointSlice> slices, IpFamily family, string node, string podCidr)
    {
        readonly ImmutableArray<(string, Chain)>.Builder _chains = ImmutableArray.CreateBuilder<(string, Chain)>();
        readonly ImmutableArray<(string, string, string)>.Builder _elements = ImmutableArray.CreateBuilder<(string, string, string)>();
        readonly ImmutableArray<(string, string)>.Builder _sets = ImmutableArray.CreateBuilder<(string, string)>();
        readonly HashSet<string> _made = [];

        public ServiceRules Build() => new(_chains.ToImmutable(), _elements.ToImmutable(), _sets.ToImmutable());

        public void Add(ServicePort port)
        {
            string? clusterIp = service.Spec.ClusterIPs.Concat([service.Spec.ClusterIP]).FirstOrDefault(family.Has);
            if (clusterIp is null) return;
            string protocol = port.Protocol.ToLowerInvariant();
            var all = Targets(port);
            bool internalLocal = service.Spec.InternalTrafficPolicy == "Local", externalLocal = service.Spec.ExternalTrafficPolicy == "Local";
            string name = Short(service, port, protocol);

            string inside = Balance("svc-" + name, internalLocal ? Local(all) : all, port, protocol,
                $"{family.Match} daddr {clusterIp} {family.Match} saddr != {podCidr} jump mark-masquerade");
            Element("service-ips", $"{clusterIp} . {protocol} . {port.Port}", all, inside, internalLocal);

            var outsideAddresses = service.Spec.ExternalIPs.Concat(service.Status.LoadBalancer.Ingress.Where(i => i.IpMode != "Proxy").Select(i => i.Ip)).Where(family.Has).Distinct().ToList();
            if (port.NodePort == 0 && outsideAddresses.Count == 0) return;
            // Local keeps the client's address: nothing is masqueraded, and only Pods of this node answer.
            string outside = Balance("ext-" + name, externalLocal ? Local(all) : all, port, protocol, externalLocal ? null : "jump mark-masquerade");
            if (port.NodePort > 0)
                Element("service-nodeports", $"{protocol} . {port.NodePort}", all, outside, externalLocal);
            foreach (string address in outsideAddresses)
                Element("service-ips", $"{address} . {protocol} . {port.Port}", all, outside, externalLocal);
        }

        /// <summary>Without any endpoint connections are refused; with none here under a Local policy they are dropped, as upstream does.</summary>
        void Element(string map, string key, ImmutableArray<Target> all, string chain, bool local)
        {
            var reachable = local ? Local(all) : all;
            if (!reachable.IsEmpty) _elements.Add((map, key, "goto " + chain));
            else _elements.Add((map == "service-ips" ? "unserved-ips" : "unserved-nodeports", key, all.IsEmpty ? "goto refuse" : "drop"));
        }

        string Balance(string chain, ImmutableArray<Target> targets, ServicePort port, string protocol, string? first)
        {
            if (targets.IsEmpty) return chain;
            var rules = ImmutableArray.CreateBuilder<string>();
            if (first is not null) rules.Add(first);
            var names = targets.Select(t => Endpoint(t, port, protocol)).ToList();
            if (service.Spec.SessionAffinity == "ClientIP")
                foreach (string name in names) rules.Add($"{family.Match} saddr @{Remembered(name)} goto {name}");
            rules.Add(names.Count == 1 ? "goto " + names[0]
                : $"numgen random mod {names.Count} vmap {{ {string.Join(", ", names.Select((n, i) => $"{i} : goto {n}"))} }}");
            _chains.Add((chain, new(null, rules.DrainToImmutable())));
            return chain;
        }

        string Endpoint(Target target, ServicePort port, string protocol)
        {
            string name = "ep-" + RuleName.Of($"{service.Metadata.Namespace}/{service.Metadata.Name}/{port.Name}/{protocol}/{target.Address}/{target.Port}");
            if (!_made.Add(name)) return name;
            var rules = ImmutableArray.CreateBuilder<string>();
            // A Pod that reaches itself through its Service must see the answer come from outside.
            rules.Add($"{family.Match} saddr {target.Address} jump mark-masquerade");
            if (service.Spec.SessionAffinity == "ClientIP")
            {
                int seconds = service.Spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds ?? 10_800;
                _sets.Add((Remembered(name), $"type {family.SetType} ; flags dynamic,timeout ; timeout {seconds}s ;"));
                rules.Add($"update @{Remembered(name)} {{ {family.Match} saddr }}");
            }
            rules.Add($"meta l4proto {protocol} dnat to {family.Endpoint(target.Address, target.Port)}");
            _chains.Add((name, new(null, rules.DrainToImmutable())));
            return name;
        }

        static string Remembered(string endpoint) => "aff-" + endpoint;

        /// <summary>Ready endpoints; when there are none, those that still serve while they end (KEP-1669).</summary>
        ImmutableArray<Target> Targets(ServicePort port)
        {
            var found = new SortedDictionary<string, Target>(StringComparer.Ordinal);
            foreach (bool terminating in new[] { false, true })
            {
                foreach (var slice in slices)
                    foreach (var p in slice.Ports)
                        if ((p.Name ?? "") == port.Name && (p.Protocol ?? "TCP") == port.Protocol && p.Port is { } number)
                            foreach (var e in slice.Endpoints)
                            {
                                bool usable = terminating ? e.Conditions.Serving == true && e.Conditions.Terminating == true : e.Conditions.Ready ?? true;
                                if (usable && e.Addresses.Count > 0) found[$"{e.Addresses[0]}:{number}"] = new(e.Addresses[0], number, e.NodeName ?? "");
                            }
                if (found.Count > 0) break;
            }
            return [.. found.Values];
        }

        ImmutableArray<Target> Local(ImmutableArray<Target> targets) => [.. targets.Where(t => t.Node == node)];
    }

    readonly record struct Target(string Address, int Port, string Node);

    static string Short(Service service, ServicePort port, string protocol) =>
        RuleName.Of($"{service.Metadata.Namespace}/{service.Metadata.Name}/{port.Name}/{protocol}/{port.Port.ToString(CultureInfo.InvariantCulture)}");
}
