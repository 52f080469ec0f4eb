using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Networking.V1;
using Discovery = Hanbae.Api.Discovery.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Endpoints and network policies.</summary>
static class NetworkRules
{
    const int MostPorts = 20_000, MostEndpoints = 1000, MostAddresses = 100;

    public static void Check(Endpoints o, Errors errors)
    {
        for (int i = 0; i < o.Subsets.Count; i++)
        {
            var (at, subset) = (FieldPath.Of("subsets")[i], o.Subsets[i]);
            if (subset.Addresses.IsEmpty && subset.NotReadyAddresses.IsEmpty) errors.Required(at, "must specify `addresses` or `notReadyAddresses`");
            for (int j = 0; j < subset.Addresses.Count; j++) Address(at["addresses"][j], subset.Addresses[j], errors);
            for (int j = 0; j < subset.NotReadyAddresses.Count; j++) Address(at["notReadyAddresses"][j], subset.NotReadyAddresses[j], errors);
            for (int j = 0; j < subset.Ports.Count; j++)
            {
                var (here, port) = (at["ports"][j], subset.Ports[j]);
                if (port.Name.Length > 0) errors.Invalid(here["name"], port.Name, Names.Label(port.Name));
                else if (subset.Ports.Count > 1) errors.Required(here["name"]);
                errors.Port(here["port"], port.Port);
                errors.RequiredOneOf(here["protocol"], port.Protocol, "SCTP", "TCP", "UDP");
                if (port.AppProtocol is { } protocol) errors.Invalid(here["appProtocol"], protocol, LabelSyntax.KeyErrors(protocol));
            }
        }
    }

    static void Address(FieldPath at, EndpointAddress address, Errors errors)
    {
        var ip = errors.Address(at["ip"], address.Ip);
        if (address.Hostname.Length > 0) errors.Invalid(at["hostname"], address.Hostname, Names.Label(address.Hostname));
        if (address.NodeName is { } node) errors.Invalid(at["nodeName"], node, Names.Subdomain(node));
        if (ip is not null) ServiceRules.NotSpecial(at["ip"], ip, address.Ip, errors);
    }

    const int MostTopology = 16, MostHints = 8;

    public static void Check(Discovery.EndpointSlice o, Errors errors)
    {
        errors.RequiredOneOf(FieldPath.Of("addressType"), o.AddressType, "FQDN", "IPv4", "IPv6");
        if (o.Endpoints.Count > MostEndpoints) errors.TooMany(FieldPath.Of("endpoints"), o.Endpoints.Count, MostEndpoints);
        else
            for (int i = 0; i < o.Endpoints.Count; i++) Endpoint(FieldPath.Of("endpoints")[i], o.Endpoints[i], o.AddressType, errors);
        if (o.Ports.Count > MostPorts) { errors.TooMany(FieldPath.Of("ports"), o.Ports.Count, MostPorts); return; }
        var names = new HashSet<string>();
        for (int i = 0; i < o.Ports.Count; i++)
        {
            var (at, port) = (FieldPath.Of("ports")[i], o.Ports[i]);
            if (port.Name is { Length: > 0 } name) errors.Invalid(at["name"], name, Names.Label(name));
            if (!names.Add(port.Name ?? "")) errors.Duplicate(at["name"], port.Name ?? "");
            errors.RequiredOneOf(at["protocol"], port.Protocol ?? "", "SCTP", "TCP", "UDP");
            if (port.Port is { } number) errors.Port(at["port"], number);
            if (port.AppProtocol is { } protocol) errors.Invalid(at["appProtocol"], protocol, LabelSyntax.KeyErrors(protocol));
        }
    }

    static void Endpoint(FieldPath at, Discovery.Endpoint endpoint, string type, Errors errors)
    {
        var addresses = at["addresses"];
        if (endpoint.Addresses.IsEmpty) errors.Required(addresses, "must contain at least 1 address");
        else if (endpoint.Addresses.Count > MostAddresses) errors.TooMany(addresses, endpoint.Addresses.Count, MostAddresses);
        for (int j = 0; j < endpoint.Addresses.Count; j++)
        {
            string text = endpoint.Addresses[j];
            if (type == "FQDN") FullName(addresses[j], text, errors);
            if (type is not ("IPv4" or "IPv6") || errors.Address(addresses[j], text) is not { } ip) continue;
            if (ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 != (type == "IPv6")) errors.Invalid(addresses, text, $"must be an {type} address");
            else ServiceRules.NotSpecial(addresses[j], ip, text, errors);
        }
        if (endpoint.NodeName is { } node) errors.Invalid(at["nodeName"], node, Names.Subdomain(node));
        if (endpoint.DeprecatedTopology.Count > MostTopology) errors.TooMany(at["deprecatedTopology"], endpoint.DeprecatedTopology.Count, MostTopology);
        LabelRules.Labels(at["deprecatedTopology"], endpoint.DeprecatedTopology, errors);
        if (endpoint.Hostname is { } hostname) errors.Invalid(at["hostname"], hostname, Names.Label(hostname));
        if (endpoint.Hints is not { } hints) return;
        Hints(at["hints"]["forZones"], hints.ForZones.Select(z => z.Name), errors);
        Hints(at["hints"]["forNodes"], hints.ForNodes.Select(n => n.Name), errors);
    }

    static void Hints(FieldPath at, IEnumerable<string> names, Errors errors)
    {
        string[] all = [.. names];
        if (all.Length > MostHints) { errors.TooMany(at, all.Length, MostHints); return; }
        var seen = new HashSet<string>();
        for (int i = 0; i < all.Length; i++)
            if (seen.Add(all[i])) errors.Invalid(at[i]["name"], all[i], LabelSyntax.ValueErrors(all[i]));
            else errors.Duplicate(at[i]["name"], all[i]);
    }

    static void FullName(FieldPath at, string name, Errors errors)
    {
        if (name.Length == 0) { errors.Required(at); return; }
        if (name.EndsWith('.')) name = name[..^1];
        if (Names.Subdomain(name) is { Count: > 0 } wrong) { errors.Invalid(at, name, string.Join(",", wrong)); return; }
        if (!name.Contains('.')) errors.Invalid(at, name, "should be a domain with at least two segments separated by dots");
    }

    public static void Update(Discovery.EndpointSlice o, Discovery.EndpointSlice old, Errors errors)
    {
        Check(o, errors);
        if (o.AddressType != old.AddressType) errors.Unchanged(FieldPath.Of("addressType"), o.AddressType, old.AddressType);
    }

    public static void Check(NetworkPolicy o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        LabelRules.Selector(at["podSelector"], s.PodSelector, errors);
        for (int i = 0; i < s.Ingress.Count; i++) Rule(at["ingress"][i], s.Ingress[i].Ports, "from", s.Ingress[i].From, errors);
        for (int i = 0; i < s.Egress.Count; i++) Rule(at["egress"][i], s.Egress[i].Ports, "to", s.Egress[i].To, errors);
        if (s.PolicyTypes.Count > 2) errors.InvalidAs(at["policyTypes"], Shown.List(s.PolicyTypes), "may not specify more than two policyTypes");
        for (int i = 0; i < s.PolicyTypes.Count; i++) errors.OneOf(at["policyTypes"][i], s.PolicyTypes[i], "Egress", "Ingress");
    }

    static void Rule(FieldPath at, Seq<NetworkPolicyPort> ports, string side, Seq<NetworkPolicyPeer> peers, Errors errors)
    {
        for (int i = 0; i < ports.Count; i++)
        {
            var (here, port) = (at["ports"][i], ports[i]);
            if (port.Protocol is { } protocol) errors.OneOf(here["protocol"], protocol, "SCTP", "TCP", "UDP");
            if (port.Port is { } number) errors.PortOrName(here["port"], number);
            if (port.EndPort is not { } end) continue;
            if (port.Port is not { } start) errors.Invalid(here["endPort"], end, "may not be specified when `port` is not specified");
            else if (start.IsString) errors.Invalid(here["endPort"], end, "may not be specified when `port` is non-numeric");
            else
            {
                if (end < start.Int) errors.Invalid(here["endPort"], start.Int, "must be greater than or equal to `port`");
                errors.Port(here["endPort"], end);
            }
        }
        for (int i = 0; i < peers.Count; i++)
        {
            var (here, peer) = (at[side][i], peers[i]);
            LabelRules.Selector(here["podSelector"], peer.PodSelector, errors);
            LabelRules.Selector(here["namespaceSelector"], peer.NamespaceSelector, errors);
            if (peer is { PodSelector: null, NamespaceSelector: null, IpBlock: null }) errors.Required(here, "must specify a peer");
            if (peer.IpBlock is not { } block) continue;
            if (peer.PodSelector is not null || peer.NamespaceSelector is not null) errors.Forbidden(here, "may not specify both ipBlock and another peer");
            Block(here["ipBlock"], block, errors);
        }
    }

    /// <summary>What is left out has to be a part, and not all, of what it is left out of.</summary>
    static void Block(FieldPath at, IPBlock block, Errors errors)
    {
        if (block.Cidr.Length == 0) { errors.Required(at["cidr"]); return; }
        errors.Network(at["cidr"], block.Cidr);
        if (IpSyntax.TryParseLoosely(block.Cidr, out int bits, out _) is not { } whole) return;
        for (int j = 0; j < block.Except.Count; j++)
        {
            var here = at["except"][j];
            errors.Network(here, block.Except[j]);
            if (IpSyntax.TryParseLoosely(block.Except[j], out int less, out _) is not { } part) return;
            if (less <= bits || part.AddressFamily != whole.AddressFamily || !new System.Net.IPNetwork(IpSyntax.Base(whole, bits), bits).Contains(part))
                errors.Invalid(here, block.Except[j], "must be a strict subset of `cidr`");
        }
    }
}
