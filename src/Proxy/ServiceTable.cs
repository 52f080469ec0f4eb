using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy;

/// <summary>Keeps the ruleset of one family: only Services that changed are worked out again.</summary>
internal sealed class ServiceTable(IpFamily family, string node, string podCidr)
{
    /// <summary>Upstream's label for Services that something else serves.</summary>
    const string OtherProxy = "service.kubernetes.io/service-proxy-name";
    /// <summary>Upstream's label for Services whose address nobody is to serve.</summary>
    const string Unserved = "service.kubernetes.io/headless";
    const string Headless = "None";

    readonly Dictionary<Key, (DateTimeOffset Made, ServiceRules Rules)> _services = [];

    public IpFamily Family => family;

    /// <summary>What Services see of the node; of those that are there already, each is to be set again when it changes.</summary>
    public NodePlace Here { get; set; } = new(node);

    /// <summary>Whether a proxy has anything to do with the Service.</summary>
    public static bool Serves(Service service) =>
        service.Spec.Type != "ExternalName" && service.Spec.ClusterIP is not ("" or Headless) && !service.Metadata.Labels.ContainsKey(OtherProxy) && !service.Metadata.Labels.ContainsKey(Unserved);

    public void Set(Key key, Service? service, IEnumerable<EndpointSlice> slices)
    {
        if (service is null || !Serves(service)) _services.Remove(key);
        else _services[key] = (service.Metadata.CreationTimestamp ?? default, ServiceRules.For(service, slices, family, Here, podCidr));
    }

    public Ruleset Build()
    {
        var start = BaseRules.For(family, podCidr);
        var chains = start.Chains.ToBuilder();
        var sets = start.Sets.ToBuilder();
        var maps = start.Maps.ToDictionary(m => m.Key, m => m.Value.Elements.ToBuilder());
        // By age: of two Services that name one address and port, the one that was there first has it.
        var services = _services.OrderBy(s => s.Value.Made).ThenBy(s => s.Key.ToString(), StringComparer.Ordinal).Select(s => s.Value.Rules).ToList();
        foreach (var rules in services)
        {
            foreach (var (name, chain) in rules.Chains) chains[name] = chain;
            foreach (var (name, declaration) in rules.Sets) sets[name] = declaration;
            foreach (var (map, key, verdict) in rules.Elements) maps[map].TryAdd(key, verdict);
        }
        // All of it, or nothing: whom it turns away is its own matter. What a cluster IP serves stays the cluster IP's.
        Dictionary<string, ServiceRules> named = [];
        foreach (var rules in services)
            foreach (var (map, key, verdict) in rules.Named)
            {
                if (!named.ContainsKey(key) && !maps["service-ips"].ContainsKey(key) && !maps["unserved-ips"].ContainsKey(key)) named[key] = rules;
                if (ReferenceEquals(named.GetValueOrDefault(key), rules)) maps[map].TryAdd(key, verdict);
            }
        return new(chains.ToImmutable(), start.Maps.SetItems(maps.Select(m => KeyValuePair.Create(m.Key, start.Maps[m.Key] with { Elements = m.Value.ToImmutable() }))), sets.ToImmutable());
    }
}
