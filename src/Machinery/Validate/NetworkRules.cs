using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Networking.V1;
using Discovery = Hanbae.Api.Discovery.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Endpoints, ingresses and network policies.</summary>
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
            }
        }
    }

    static void Address(FieldPath at, EndpointAddress address, Errors errors)
    {
        if (!IpSyntax.TryParse(address.Ip, out var ip)) { errors.Invalid(at["ip"], address.Ip, IpSyntax.AddressRule); return; }
        if (address.Hostname.Length > 0) errors.Invalid(at["hostname"], address.Hostname, Names.Label(address.Hostname));
        if (System.Net.IPAddress.IsLoopback(ip)) errors.Invalid(at["ip"], address.Ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }

    public static void Check(Discovery.EndpointSlice o, Errors errors)
    {
        errors.RequiredOneOf(FieldPath.Of("addressType"), o.AddressType, "FQDN", "IPv4", "IPv6");
        if (o.Endpoints.Count > MostEndpoints) errors.TooMany(FieldPath.Of("endpoints"), o.Endpoints.Count, MostEndpoints);
        for (int i = 0; i < o.Endpoints.Count; i++)
        {
            var (at, endpoint) = (FieldPath.Of("endpoints")[i], o.Endpoints[i]);
            if (endpoint.Addresses.IsEmpty) errors.Required(at["addresses"], "must contain at least 1 address");
            if (endpoint.Addresses.Count > MostAddresses) errors.TooMany(at["addresses"], endpoint.Addresses.Count, MostAddresses);
            for (int j = 0; j < endpoint.Addresses.Count; j++)
            {
                string text = endpoint.Addresses[j];
                bool known = IpSyntax.TryParse(text, out var ip);
                if (o.AddressType == "IPv4" && (!known || ip!.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork)) errors.Invalid(at["addresses"][j], text, "must be an IPv4 address");
                if (o.AddressType == "IPv6" && (!known || ip!.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6)) errors.Invalid(at["addresses"][j], text, "must be an IPv6 address");
                if (o.AddressType == "FQDN") errors.Invalid(at["addresses"][j], text, Names.Subdomain(text));
            }
        }
        if (o.Ports.Count > MostPorts) errors.TooMany(FieldPath.Of("ports"), o.Ports.Count, MostPorts);
        var names = new HashSet<string>();
        for (int i = 0; i < o.Ports.Count; i++)
        {
            var (at, port) = (FieldPath.Of("ports")[i], o.Ports[i]);
            if (port.Name is { Length: > 0 } name) errors.Invalid(at["name"], name, Names.Label(name));
            if (!names.Add(port.Name ?? "")) errors.Duplicate(at["name"], port.Name ?? "");
            errors.RequiredOneOf(at["protocol"], port.Protocol ?? "", "SCTP", "TCP", "UDP");
            if (port.Port is { } number) errors.Port(at["port"], number);
        }
    }

    public static void Update(Discovery.EndpointSlice o, Discovery.EndpointSlice old, Errors errors)
    {
        Check(o, errors);
        errors.Unchanged(FieldPath.Of("addressType"), o.AddressType, old.AddressType);
    }

    public static void Check(Ingress o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.Rules.IsEmpty && s.DefaultBackend is null) errors.InvalidAs(at, Shown.List(default), "either `defaultBackend` or `rules` must be specified");
        if (s.DefaultBackend is { } fallback) Backend(at["defaultBackend"], fallback, errors);
        if (s.IngressClassName is { } className) errors.Invalid(at["ingressClassName"], className, Names.Subdomain(className));
        for (int i = 0; i < s.Rules.Count; i++)
        {
            var (here, rule) = (at["rules"][i], s.Rules[i]);
            if (IpSyntax.IsAddress(rule.Host)) errors.Invalid(here["host"], rule.Host, "must be a DNS name, not an IP address");
            else if (rule.Host.Length > 0) errors.Invalid(here["host"], rule.Host, rule.Host.Contains('*') ? Names.Wildcard(rule.Host) : Names.Subdomain(rule.Host));
            if (rule.Http is not { } http) continue;
            if (http.Paths.IsEmpty) errors.Required(here["http"]["paths"]);
            for (int j = 0; j < http.Paths.Count; j++)
            {
                var (p, path) = (here["http"]["paths"][j], http.Paths[j]);
                if (path.PathType is null) errors.Required(p["pathType"], "pathType must be specified");
                else errors.OneOf(p["pathType"], path.PathType, "Exact", "ImplementationSpecific", "Prefix");
                if (path.PathType is "Exact" or "Prefix" && !path.Path.StartsWith('/')) errors.Invalid(p["path"], path.Path, "must be an absolute path");
                Backend(p["backend"], path.Backend, errors);
            }
        }
    }

    static void Backend(FieldPath at, IngressBackend backend, Errors errors)
    {
        if (backend is { Service: not null, Resource: not null }) { errors.Invalid(at, "", "cannot set both resource and service backends"); return; }
        if (backend.Service is not { } service)
        {
            if (backend.Resource is null) errors.Required(at, "must specify a service or resource backend");
            return;
        }
        if (service.Name.Length == 0) errors.Required(at["service"]["name"]);
        else errors.Invalid(at["service"]["name"], service.Name, Names.Label(service.Name));
        if (service.Port.Name.Length > 0 && service.Port.Number != 0) errors.Invalid(at, "", "cannot set both port name & port number");
        else if (service.Port.Name.Length > 0) errors.Invalid(at["service"]["port"]["name"], service.Port.Name, Names.PortName(service.Port.Name));
        else if (service.Port.Number != 0) errors.Port(at["service"]["port"]["number"], service.Port.Number);
        else errors.Required(at, "port name or number is required");
    }

    public static void Check(NetworkPolicy o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        LabelRules.Selector(at["podSelector"], s.PodSelector, errors);
        for (int i = 0; i < s.Ingress.Count; i++) Rule(at["ingress"][i], s.Ingress[i].Ports, "from", s.Ingress[i].From, errors);
        for (int i = 0; i < s.Egress.Count; i++) Rule(at["egress"][i], s.Egress[i].Ports, "to", s.Egress[i].To, errors);
        if (s.PolicyTypes.Count > 2) errors.InvalidAs(at["policyTypes"], Shown.List(s.PolicyTypes), "may not specify more than two policyTypes");
        for (int i = 0; i < s.PolicyTypes.Count; i++) errors.OneOf(at["policyTypes"][i], s.PolicyTypes[i], "Ingress", "Egress");
    }

    static void Rule(FieldPath at, Seq<NetworkPolicyPort> ports, string side, Seq<NetworkPolicyPeer> peers, Errors errors)
    {
        for (int i = 0; i < ports.Count; i++)
        {
            var (here, port) = (at["ports"][i], ports[i]);
            if (port.Protocol is { } protocol) errors.OneOf(here["protocol"], protocol, "SCTP", "TCP", "UDP");
            if (port.Port is { } number) errors.PortOrName(here["port"], number);
            else if (port.EndPort is { } lone) errors.Invalid(here["endPort"], lone, "may not be specified when `port` is not specified");
            if (port.EndPort is { } end && port.Port is { IsString: false } start && end < start.Int) errors.Invalid(here["endPort"], end, "must be greater than or equal to `port`");
        }
        for (int i = 0; i < peers.Count; i++)
        {
            var (here, peer) = (at[side][i], peers[i]);
            LabelRules.Selector(here["podSelector"], peer.PodSelector, errors);
            LabelRules.Selector(here["namespaceSelector"], peer.NamespaceSelector, errors);
            if (peer is { PodSelector: null, NamespaceSelector: null, IpBlock: null }) errors.Required(here, "must specify a peer");
            if (peer.IpBlock is not { } block) continue;
            if (peer.PodSelector is not null || peer.NamespaceSelector is not null) errors.Forbidden(here, "may not specify both ipBlock and another peer");
            if (block.Cidr.Length == 0) errors.Required(here["ipBlock"]["cidr"]);
            else if (!IpSyntax.IsNetwork(block.Cidr)) errors.Invalid(here["ipBlock"]["cidr"], block.Cidr, IpSyntax.NetworkRule);
            for (int j = 0; j < block.Except.Count; j++)
                if (!IpSyntax.IsNetwork(block.Except[j])) errors.Invalid(here["ipBlock"]["except"][j], block.Except[j], IpSyntax.NetworkRule);
        }
    }
}
