using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Proxy.Rules;

/// <summary>The part of the ruleset that one Service needs: a pure function of it and its endpoint slices.</summary>
/// <param name="Elements">Of addresses and ports that are allocated: nobody else has them.</param>
/// <param name="Named">Of addresses that the Service itself names, or a balancer: others may name the same.</param>
internal sealed record ServiceRules(
    ImmutableArray<(string Name, Chain Chain)> Chains,
    ImmutableArray<(string Map, string Key, string Verdict)> Elements,
    ImmutableArray<(string Map, string Key, string Verdict)> Named,
    ImmutableArray<(string Name, string Declaration)> Sets)
{
    /// <param name="podCidr">Traffic to a cluster IP from elsewhere is masqueraded, so that answers come back through here.</param>
    public static ServiceRules For(Service service, IEnumerable<EndpointSlice> slices, IpFamily family, NodePlace here, string podCidr)
    {
        var rules = new Builder(service, [.. slices.Where(s => s.AddressType == family.AddressType)], family, here, podCidr);
        foreach (var port in service.Spec.Ports) rules.Add(port);
        return rules.Build();
    }

    sealed class Builder(Service service, ImmutableArray<EndpointSlice> slices, IpFamily family, NodePlace here, string podCidr)
    {
        readonly ImmutableArray<(string, Chain)>.Builder _chains = ImmutableArray.CreateBuilder<(string, Chain)>();
        readonly ImmutableArray<(string, string, string)>.Builder _elements = ImmutableArray.CreateBuilder<(string, string, string)>();
        readonly ImmutableArray<(string, string, string)>.Builder _named = ImmutableArray.CreateBuilder<(string, string, string)>();
        readonly ImmutableArray<(string, string)>.Builder _sets = ImmutableArray.CreateBuilder<(string, string)>();
        readonly HashSet<string> _made = [];

        public ServiceRules Build() => new(_chains.ToImmutable(), _elements.ToImmutable(), _named.ToImmutable(), _sets.ToImmutable());

        public void Add(ServicePort port)
        {
            string? clusterIp = service.Spec.ClusterIPs.Concat([service.Spec.ClusterIP]).FirstOrDefault(family.Has);
            if (clusterIp is null) return;
            string protocol = port.Protocol.ToLowerInvariant(), name = Short(service, port, protocol);
            var balancers = service.Status.LoadBalancer.Ingress.Where(i => i.IpMode != "Proxy").Select(i => i.Ip).Where(family.Has).Distinct().ToList();
            var addresses = service.Spec.ExternalIPs.Where(family.Has).Concat(balancers).Distinct().Select(a => (_named, "ips", $"{a} . {protocol} . {port.Port}")).ToList();
            if (port.NodePort > 0) addresses.Add((_elements, "nodeports", $"{protocol} . {port.NodePort}"));
            bool insideLocal = service.Spec.InternalTrafficPolicy == "Local", outsideLocal = service.Spec.ExternalTrafficPolicy == "Local", outside = addresses.Count > 0;
            var reachable = Reachable.From(slices, port, here);
            string near = "svl-" + name, all = "svc-" + name;
            string forCluster = $"{family.Match} daddr {clusterIp} {family.Match} saddr != {podCidr} jump mark-masquerade";
            if (insideLocal || (outside && outsideLocal)) Balance(near, reachable.Local, port, protocol, forCluster);
            if (!insideLocal || outside) Balance(all, reachable.Cluster, port, protocol, forCluster);

            var inside = insideLocal ? reachable.Local : reachable.Cluster;
            _elements.Add(("cluster-ips", clusterIp, ""));
            Serve(_elements, "ips", $"{clusterIp} . {protocol} . {port.Port}", inside.IsEmpty ? null : insideLocal ? near : all, reachable.Anywhere);

            if (!outside) return;
            if (reachable.Anywhere) _chains.Add(("ext-" + name, new(null, [.. FromOutside(outsideLocal, all, reachable.Local.IsEmpty ? null : near)])));
            foreach (var (elements, map, key) in addresses)
            {
                Serve(elements, map, key, reachable.Anywhere ? "ext-" + name : null, anywhere: false);
                // What does not come from this node or a Pod is left to the nodes that have Pods of it.
                if (outsideLocal && reachable is { Anywhere: true, Local.IsEmpty: true }) elements.Add(("unserved-" + map, key, "drop"));
            }
            Restrict("fw-" + name, balancers, port, protocol);
        }

        /// <summary>Without any endpoint connections are refused; with none here under a Local policy they are dropped, as upstream does.</summary>
        static void Serve(ImmutableArray<(string, string, string)>.Builder elements, string map, string key, string? chain, bool anywhere) =>
            elements.Add(chain is null ? ("unserved-" + map, key, anywhere ? "drop" : "goto refuse") : ("service-" + map, key, "goto " + chain));

        /// <param name="all">Leads to endpoints anywhere.</param>
        /// <param name="near">Leads to those of this node; null when there are none.</param>
        IEnumerable<string> FromOutside(bool local, string all, string? near)
        {
            if (!local)
            {
                yield return "jump mark-masquerade";
                yield return "goto " + all;
                yield break;
            }
            // Local is about clients from outside. They keep their address: only Pods of this node answer, and nothing is masqueraded.
            yield return $"{family.Match} saddr {podCidr} goto {all}";
            yield return "fib saddr type local jump mark-masquerade";
            yield return "fib saddr type local goto " + all;
            if (near is not null) yield return "goto " + near;
        }

        /// <summary>Lets only these clients reach addresses of load balancers that leave that to the nodes.</summary>
        void Restrict(string chain, List<string> balancers, ServicePort port, string protocol)
        {
            List<IPNetwork> ranges = [.. service.Spec.LoadBalancerSourceRanges
                .Select(r => IPNetwork.TryParse(r.Trim(), out var range) ? range : default(IPNetwork?)).OfType<IPNetwork>()
                .Where(r => r.BaseAddress.AddressFamily == family.Family)];
            if (ranges.Count == 0 || balancers.Count == 0) return;
            var rules = ranges.Select(r => $"{family.Match} saddr {r} return").ToList();
            // The node that has the address itself asks from there.
            if (here.Addresses.Exists(a => IPAddress.TryParse(a, out var own) && ranges.Exists(r => r.Contains(own)))) rules.AddRange(balancers.Select(b => $"{family.Match} saddr {b} return"));
            _chains.Add((chain, new(null, [.. rules, "drop"])));
            foreach (string address in balancers) _named.Add(("restricted-ips", $"{address} . {protocol} . {port.Port}", "goto " + chain));
        }

        void Balance(string chain, ImmutableArray<Target> targets, ServicePort port, string protocol, string first)
        {
            if (targets.IsEmpty) return;
            var rules = ImmutableArray.CreateBuilder<string>();
            rules.Add(first);
            var names = targets.Select(t => Endpoint(t, port, protocol)).ToList();
            if (Sticky)
                foreach (string name in names) rules.Add($"{family.Match} saddr @{Remembered(name)} goto {name}");
            rules.Add(names.Count == 1 ? "goto " + names[0]
                : $"numgen random mod {names.Count} vmap {{ {string.Join(", ", names.Select((n, i) => $"{i} : goto {n}"))} }}");
            _chains.Add((chain, new(null, rules.DrainToImmutable())));
        }

        bool Sticky => service.Spec.SessionAffinity == "ClientIP";
        int Seconds => service.Spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds ?? 10_800;

        string Endpoint(Target target, ServicePort port, string protocol)
        {
            string name = "ep-" + RuleName.Of($"{service.Metadata.Namespace}/{service.Metadata.Name}/{port.Name}/{protocol}/{target.Address}/{target.Port}");
            if (!_made.Add(name)) return name;
            var rules = ImmutableArray.CreateBuilder<string>();
            // A Pod that reaches itself through its Service must see the answer come from outside.
            rules.Add($"{family.Match} saddr {target.Address} jump mark-masquerade");
            if (Sticky)
            {
                _sets.Add((Remembered(name), $"type {family.SetType} ; flags dynamic,timeout ; timeout {Seconds}s ;"));
                rules.Add($"update @{Remembered(name)} {{ {family.Match} saddr }}");
            }
            rules.Add($"meta l4proto {protocol} dnat to {family.Endpoint(target.Address, target.Port)}");
            _chains.Add((name, new(null, rules.DrainToImmutable())));
            return name;
        }

        /// <summary>By its time too: a set's cannot be changed.</summary>
        string Remembered(string endpoint) => $"aff-{endpoint}-{Seconds}";
    }

    static string Short(Service service, ServicePort port, string protocol) =>
        RuleName.Of($"{service.Metadata.Namespace}/{service.Metadata.Name}/{port.Name}/{protocol}/{port.Port.ToString(CultureInfo.InvariantCulture)}");
}
