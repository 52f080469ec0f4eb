using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Networking.V1;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Policies;

/// <summary>Keeps the ruleset of all NetworkPolicies for one family: what a change costs depends on what it changes, not on how much there is.</summary>
/// <remarks>
/// Two maps lead from addresses of this node's Pods to a chain for all Pods that the same policies select; that asks each policy, and drops what none
/// allows. Who may send is asked first, then who may receive. A policy's chain asks for peers by sets of addresses, which follow the Pods.
/// </remarks>
internal sealed class PolicyTable(IpFamily family, string node)
{
    /// <summary>The Pods of a direction that some policy selects.</summary>
    /// <param name="Prefix">Of the names of their chains.</param>
    sealed record Direction(string Prefix, Func<Key, string> ChainOf, Func<PolicyRules, Chain?> RulesOf)
    {
        public ImmutableSortedDictionary<string, string>.Builder ByAddress { get; } = RuleElements.None.ToBuilder();
        /// <summary>Which chain a Pod's traffic is led to, and from which address.</summary>
        public Dictionary<Key, (string Address, string Chain)> Led { get; } = [];
        /// <summary>Whose address it is.</summary>
        public Dictionary<string, Key> Owners { get; } = new(StringComparer.Ordinal);
        /// <summary>How many Pods are led to a chain.</summary>
        public Dictionary<string, int> Users { get; } = new(StringComparer.Ordinal);
    }

    readonly Direction _ingress = new("to-", PolicyRules.IngressChain, r => r.Ingress);
    readonly Direction _egress = new("from-", PolicyRules.EgressChain, r => r.Egress);
    readonly ImmutableSortedDictionary<string, Chain>.Builder _chains = Ruleset.Empty.Chains.ToBuilder();
    readonly Dictionary<Key, PolicyPod> _pods = [];
    readonly Dictionary<string, HashSet<Key>> _podsIn = new(StringComparer.Ordinal);
    readonly Dictionary<string, Map<string>> _namespaces = new(StringComparer.Ordinal);
    readonly Dictionary<Key, PolicyRules> _policies = [];
    readonly Dictionary<string, SortedSet<string>> _policiesIn = new(StringComparer.Ordinal);
    readonly Dictionary<PeerScope, AddressSet> _scopes = [];
    readonly Dictionary<PortName, AddressSet> _ports = [];
    /// <summary>Each Pod with itself: nothing keeps a Pod from what it serves.</summary>
    readonly AddressSet _own = new($"{family.SetType} . {family.SetType}");

    public IpFamily Family => family;

    public void SetNamespace(string name, Map<string>? labels)
    {
        if ((_namespaces.TryGetValue(name, out var before) ? before : null) == labels) return;
        // What selects namespaces is asked of their Pods anew.
        var there = _podsIn.GetValueOrDefault(name) ?? [];
        foreach (var key in there) Leave(_pods[key]);
        if (labels is { } now) _namespaces[name] = now; else _namespaces.Remove(name);
        foreach (var key in there) Enter(_pods[key]);
    }

    public void SetPod(Key key, Pod? pod)
    {
        var now = pod is null ? null : PolicyPod.Of(pod, family, node);
        var before = _pods.GetValueOrDefault(key);
        if (now == before) return;
        if (before is not null)
        {
            Leave(before);
            _pods.Remove(key);
            if (_podsIn[before.Namespace] is var left && left.Remove(key) && left.Count == 0) _podsIn.Remove(before.Namespace);
        }
        if (now is not null)
        {
            _pods[key] = now;
            if (!_podsIn.TryGetValue(now.Namespace, out var there)) _podsIn[now.Namespace] = there = [];
            there.Add(key);
            Enter(now);
        }
        Lead(key, now);
    }

    public void SetPolicy(Key key, NetworkPolicy? policy)
    {
        var before = _policies.GetValueOrDefault(key);
        var now = policy is null ? null : PolicyRules.For(policy, family);
        if (before is null && now is null) return;
        // Sets that the old and the new ask for stay as they are.
        foreach (var scope in now?.Scopes ?? []) Use(_scopes, scope, family.SetType, (set, pod) => { if (scope.Selects(pod, LabelsOf(pod))) set.Add(pod.Address); });
        foreach (var port in now?.Names ?? []) Use(_ports, port, $"{family.SetType} . inet_proto . inet_service", (set, pod) => { foreach (string e in port.Elements(pod)) set.Add(e); });
        foreach (var scope in before?.Scopes ?? []) Release(_scopes, scope);
        foreach (var port in before?.Names ?? []) Release(_ports, port);

        foreach (var direction in (Direction[])[_ingress, _egress])
        {
            string chain = direction.ChainOf(key);
            if (now is not null && direction.RulesOf(now) is { } rules) _chains[chain] = rules; else _chains.Remove(chain);
        }
        if (!_policiesIn.TryGetValue(key.Namespace, out var there)) _policiesIn[key.Namespace] = there = new(StringComparer.Ordinal);
        if (now is null)
        {
            _policies.Remove(key);
            there.Remove(key.Name);
            if (there.Count == 0) _policiesIn.Remove(key.Namespace);
        }
        else
        {
            _policies[key] = now;
            there.Add(key.Name);
        }
        foreach (var pod in _podsIn.GetValueOrDefault(key.Namespace) ?? []) Lead(pod, _pods[pod]);
    }

    public Ruleset Build()
    {
        var (hook, rules) = Start();
        var maps = Ruleset.Empty.Maps.ToBuilder();
        string verdict = family.SetType + " : verdict";
        maps["ingress-pods"] = new(verdict, _ingress.ByAddress.ToImmutable());
        maps["egress-pods"] = new(verdict, _egress.ByAddress.ToImmutable());
        maps["own"] = _own.Build();
        foreach (var (scope, set) in _scopes) maps[scope.Set] = set.Build();
        foreach (var (port, set) in _ports) maps[port.Set] = set.Build();
        return Ruleset.Empty with
        {
            Chains = _chains.ToImmutable().SetItem("forward", new(hook, rules)).SetItem("ingress", new(null, [$"{family.Match} daddr vmap @ingress-pods", "accept"])),
            Maps = maps.ToImmutable(),
        };
    }

    /// <summary>Only what is forwarded is asked about: a node always reaches its own Pods, and they reach it.</summary>
    (string Hook, ImmutableArray<string> Rules) Start()
    {
        var rules = ImmutableArray.CreateBuilder<string>();
        rules.Add("ct state established,related accept");
        // Over a bridge, neighbours are found by packets that come through here.
        if (family == IpFamily.V6) rules.Add("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept");
        rules.Add($"{family.Match} saddr . {family.Match} daddr @own accept");
        rules.Add($"{family.Match} saddr vmap @egress-pods");
        rules.Add("goto ingress");
        // After addresses of Services have become those of Pods, before senders' become the node's.
        return ("type filter hook forward priority filter ;", rules.DrainToImmutable());
    }

    Map<string> LabelsOf(PolicyPod pod) => _namespaces.GetValueOrDefault(pod.Namespace);

    void Enter(PolicyPod pod)
    {
        foreach (var (scope, set) in _scopes) if (scope.Selects(pod, LabelsOf(pod))) set.Add(pod.Address);
        foreach (var (port, set) in _ports) foreach (string element in port.Elements(pod)) set.Add(element);
    }

    void Leave(PolicyPod pod)
    {
        foreach (var (scope, set) in _scopes) if (scope.Selects(pod, LabelsOf(pod))) set.Remove(pod.Address);
        foreach (var (port, set) in _ports) foreach (string element in port.Elements(pod)) set.Remove(element);
    }

    void Use<T>(Dictionary<T, AddressSet> sets, T what, string type, Action<AddressSet, PolicyPod> fill) where T : notnull
    {
        if (!sets.TryGetValue(what, out var set))
        {
            sets[what] = set = new(type);
            foreach (var pod in _pods.Values) fill(set, pod);
        }
        set.Users++;
    }

    static void Release<T>(Dictionary<T, AddressSet> sets, T what) where T : notnull
    {
        if (--sets[what].Users == 0) sets.Remove(what);
    }

    /// <summary>Leads a Pod's traffic to the chain of the policies that select it; that of one without goes on as if there were none.</summary>
    void Lead(Key key, PolicyPod? pod)
    {
        string[] policies = pod is not { Here: true } || !_policiesIn.TryGetValue(pod.Namespace, out var names) ? []
            : [.. names.Where(n => _policies[new(pod.Namespace, n)].Pods.Matches(pod.Labels))];
        bool wasLed = _ingress.Led.TryGetValue(key, out var was) || _egress.Led.TryGetValue(key, out was);
        bool led = Lead(_ingress, key, pod, policies) | Lead(_egress, key, pod, policies);
        if (wasLed) _own.Remove($"{was.Address} . {was.Address}");
        if (led) _own.Add($"{pod!.Address} . {pod.Address}");
    }

    bool Lead(Direction direction, Key key, PolicyPod? pod, string[] policies)
    {
        string[] asked = pod is null ? [] : [.. policies.Select(n => new Key(pod.Namespace, n)).Where(p => direction.RulesOf(_policies[p]) is not null).Select(direction.ChainOf)];
        string chain = direction.Prefix + RuleName.Of(string.Join(' ', asked));
        if (asked.Length > 0)
        {
            if (direction.Users.TryGetValue(chain, out int users)) direction.Users[chain] = users + 1;
            else
            {
                direction.Users[chain] = 1;
                _chains[chain] = new(null, [.. asked.Select(a => "jump " + a), "drop"]);
            }
        }
        if (direction.Led.Remove(key, out var was))
        {
            if (--direction.Users[was.Chain] == 0)
            {
                direction.Users.Remove(was.Chain);
                _chains.Remove(was.Chain);
            }
            if (direction.Owners.TryGetValue(was.Address, out var owner) && owner == key)
            {
                direction.Owners.Remove(was.Address);
                direction.ByAddress.Remove(was.Address);
            }
        }
        if (asked.Length == 0) return false;
        direction.Led[key] = (pod!.Address, chain);
        direction.Owners[pod.Address] = key;
        direction.ByAddress[pod.Address] = "goto " + chain;
        return true;
    }
}
