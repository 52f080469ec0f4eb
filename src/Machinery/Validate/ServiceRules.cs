using System.Net;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What a Service has to be; its addresses are looked at where they are allocated.</summary>
static class ServiceRules
{
    const int LongestAffinity = 86_400;
    const string Balanced = "may only be used when `type` is 'LoadBalancer'", SourceRanges = "service.beta.kubernetes.io/load-balancer-source-ranges";
    const string Hints = "service.kubernetes.io/topology-aware-hints", Mode = "service.kubernetes.io/topology-mode";

    public static void Check(Service service, Errors errors)
    {
        var (at, spec, annotations) = (FieldPath.Spec, service.Spec, service.Metadata.Annotations);
        if (annotations[Mode] is { } mode && annotations[Hints] is { } hints && mode != hints)
            errors.Invalid(FieldPath.Metadata["annotations"].Key(Mode), mode, $"must match annotations[{Hints}] when both are specified");
        bool headless = spec.ClusterIPs.Count == 1 && spec.ClusterIPs[0] == "None";
        if (spec.Ports.IsEmpty && !headless && spec.Type != "ExternalName") errors.Required(at["ports"]);
        if (headless && spec.Type is ("LoadBalancer" or "NodePort") and var type) errors.Invalid(at["clusterIPs"][0], "None", $"may not be set to 'None' for {type} services");
        else if (spec.Type == "ExternalName") ExternalName(at, spec, errors);
        Ports(at["ports"], spec.Ports, errors);
        LabelRules.Labels(at["selector"], spec.Selector, errors);
        errors.RequiredOneOf(at["sessionAffinity"], spec.SessionAffinity, "ClientIP", "None");
        if (spec.SessionAffinity == "ClientIP") Affinity(at["sessionAffinityConfig"], spec.SessionAffinityConfig, errors);
        else if (spec.SessionAffinity == "None" && spec.SessionAffinityConfig is not null)
            errors.Forbidden(at["sessionAffinityConfig"], "must not be set when session affinity is None");
        for (int i = 0; i < spec.ExternalIPs.Count; i++)
            if (errors.Address(at["externalIPs"][i], spec.ExternalIPs[i]) is { } ip) NotSpecial(at["externalIPs"][i], ip, spec.ExternalIPs[i], errors);
        errors.RequiredOneOf(at["type"], spec.Type, "ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
        Once(at["ports"], spec, errors);
        Ranges(at["LoadBalancerSourceRanges"], spec, annotations[SourceRanges], errors);
        bool balanced = spec.Type == "LoadBalancer";
        if (!balanced && spec.AllocateLoadBalancerNodePorts is not null) errors.Forbidden(at["allocateLoadBalancerNodePorts"], Balanced);
        if (balanced && spec.AllocateLoadBalancerNodePorts is null) errors.Required(FieldPath.Of("allocateLoadBalancerNodePorts"));
        if (spec.LoadBalancerClass is { } lbClass)
            if (balanced) errors.Invalid(at["loadBalancerClass"], lbClass, LabelSyntax.KeyErrors(lbClass));
            else errors.Forbidden(at["loadBalancerClass"], Balanced);
        Traffic(at, spec, errors);
    }

    static void ExternalName(FieldPath at, ServiceSpec spec, Errors errors)
    {
        const string not = "may not be set for ExternalName services";
        if (!spec.ClusterIPs.IsEmpty) errors.Forbidden(at["clusterIPs"], not);
        if (!spec.IpFamilies.IsEmpty) errors.Forbidden(at["ipFamilies"], not);
        if (spec.IpFamilyPolicy is not null) errors.Forbidden(at["ipFamilyPolicy"], not);
        string name = spec.ExternalName.EndsWith('.') ? spec.ExternalName[..^1] : spec.ExternalName;
        if (name.Length > 0) errors.Invalid(at["externalName"], name, Names.Subdomain(name));
        else errors.Required(at["externalName"]);
    }

    static void Affinity(FieldPath at, SessionAffinityConfig? config, Errors errors)
    {
        const string when = "when session affinity type is ClientIP";
        if (config is null) errors.Required(at, when);
        else if (config.ClientIP is null) errors.Required(at["clientIP"], when);
        else if (config.ClientIP.TimeoutSeconds is not { } seconds) errors.Required(at["clientIP"]["timeoutSeconds"], when);
        else if (seconds is <= 0 or > LongestAffinity) errors.Invalid(at["clientIP"]["timeoutSeconds"], seconds, $"must be greater than 0 and less than {LongestAffinity}");
    }

    static void Ports(FieldPath at, Seq<ServicePort> ports, Errors errors)
    {
        var names = new HashSet<string>();
        for (int i = 0; i < ports.Count; i++)
        {
            var (here, port) = (at[i], ports[i]);
            if (port.Name.Length == 0)
            {
                if (ports.Count > 1) errors.Required(here["name"]);
            }
            else
            {
                errors.Invalid(here["name"], port.Name, Names.Label(port.Name));
                if (!names.Add(port.Name)) errors.Duplicate(here["name"], port.Name);
            }
            errors.Port(here["port"], port.Port);
            errors.RequiredOneOf(here["protocol"], port.Protocol, "SCTP", "TCP", "UDP");
            errors.PortOrName(here["targetPort"], port.TargetPort);
            if (port.AppProtocol is { } protocol) errors.Invalid(here["appProtocol"], protocol, LabelSyntax.KeyErrors(protocol));
        }
    }

    /// <summary>A port of a protocol, the Service's own or a node's, is there once.</summary>
    static void Once(FieldPath at, ServiceSpec spec, Errors errors)
    {
        var (nodePorts, ports) = (new HashSet<(string, int)>(), new HashSet<(string, int)>());
        for (int i = 0; i < spec.Ports.Count; i++)
            if (spec.Type == "ClusterIP" && spec.Ports[i].NodePort != 0) errors.Forbidden(at[i]["nodePort"], "may not be used when `type` is 'ClusterIP'");
        for (int i = 0; i < spec.Ports.Count; i++)
            if (spec.Ports[i].NodePort != 0 && !nodePorts.Add((spec.Ports[i].Protocol, spec.Ports[i].NodePort)))
                errors.Add(new(FieldErrorType.Duplicate, at[i]["nodePort"].ToString(), Shown.Number(spec.Ports[i].NodePort), ""));
        for (int i = 0; i < spec.Ports.Count; i++)
            if (!ports.Add((spec.Ports[i].Protocol, spec.Ports[i].Port)))
                errors.Add(new(FieldErrorType.Duplicate, at[i].ToString(), Shown.Message(new ServicePort { Protocol = spec.Ports[i].Protocol, Port = spec.Ports[i].Port }), ""));
    }

    /// <summary>Spaces around them have been there since they were an annotation.</summary>
    static void Ranges(FieldPath at, ServiceSpec spec, string? annotation, Errors errors)
    {
        var annotated = FieldPath.Metadata["annotations"].Key(SourceRanges);
        if (!spec.LoadBalancerSourceRanges.IsEmpty)
        {
            if (spec.Type != "LoadBalancer") errors.Forbidden(at, Balanced);
            for (int i = 0; i < spec.LoadBalancerSourceRanges.Count; i++) errors.Network(at[i], spec.LoadBalancerSourceRanges[i].Trim());
        }
        else if (annotation is not null)
        {
            if (spec.Type != "LoadBalancer") errors.Forbidden(annotated, Balanced);
            if (annotation.Trim().Length == 0) return;
            foreach (string range in annotation.Split(','))
                if (!IpSyntax.IsNetwork(range.Trim())) errors.Invalid(annotated, range.Trim(), IpSyntax.NetworkRule);
        }
    }

    /// <summary>Addresses that mean one machine, or none, are nobody's way in.</summary>
    public static void NotSpecial(FieldPath at, IPAddress ip, string text, Errors errors)
    {
        byte[] bytes = ip.GetAddressBytes();
        bool four = bytes.Length == 4;
        if (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)) errors.Invalid(at, text, $"may not be unspecified ({text})");
        if (IPAddress.IsLoopback(ip)) errors.Invalid(at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
        if (four ? bytes[0] == 169 && bytes[1] == 254 : ip.IsIPv6LinkLocal) errors.Invalid(at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
        if (four ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0 : bytes[0] == 0xFF && (bytes[1] & 0xF) == 2)
            errors.Invalid(at, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }

    static void Traffic(FieldPath at, ServiceSpec spec, Errors errors)
    {
        bool outside = spec.Type is "LoadBalancer" or "NodePort" || spec.Type == "ClusterIP" && !spec.ExternalIPs.IsEmpty;
        if (!outside)
        {
            if (spec.ExternalTrafficPolicy.Length > 0) errors.Invalid(at["externalTrafficPolicy"], spec.ExternalTrafficPolicy, "may only be set for externally-accessible services");
        }
        else errors.RequiredOneOf(at["externalTrafficPolicy"], spec.ExternalTrafficPolicy, "Cluster", "Local");
        if (!Healthchecked(spec))
        {
            if (spec.HealthCheckNodePort != 0)
                errors.Invalid(at["healthCheckNodePort"], spec.HealthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
        }
        else if (spec.HealthCheckNodePort == 0) errors.Required(at["healthCheckNodePort"]);
        else errors.Port(at["healthCheckNodePort"], spec.HealthCheckNodePort);
        if (spec.InternalTrafficPolicy is { } policy) errors.OneOf(at["internalTrafficPolicy"], policy, "Cluster", "Local");
        else if (spec.Type is "ClusterIP" or "NodePort" or "LoadBalancer") errors.Required(at["internalTrafficPolicy"]);
        if (spec.TrafficDistribution is { } distribution) errors.OneOf(at["trafficDistribution"], distribution, "PreferClose", "PreferSameNode", "PreferSameZone");
    }

    static bool Healthchecked(ServiceSpec spec) => spec is { Type: "LoadBalancer", ExternalTrafficPolicy: "Local" };

    public static void Update(Service service, Service old, Errors errors)
    {
        if (service.Spec == old.Spec && service.Metadata.Annotations == old.Metadata.Annotations) return;
        if (service.Spec.Type == "LoadBalancer" && old.Spec.Type == "LoadBalancer" && service.Spec.LoadBalancerClass != old.Spec.LoadBalancerClass)
            errors.InvalidAs(FieldPath.Spec["loadBalancerClass"], service.Spec.LoadBalancerClass is { } now ? FieldError.Quoted(now) : "null", "may not change once set");
        if (Healthchecked(old.Spec) && Healthchecked(service.Spec) && old.Spec.HealthCheckNodePort != service.Spec.HealthCheckNodePort)
            errors.Forbidden(FieldPath.Spec["healthCheckNodePort"], "field is immutable");
        Check(service, errors);
    }

    public static void Part(Service service, Service old, string subresource, Errors errors)
    {
        if (subresource != "status") return;
        var (at, ingress) = (FieldPath.Of("status")["loadBalancer"]["ingress"], service.Status.LoadBalancer.Ingress);
        if (service.Spec.Type != "LoadBalancer")
        {
            if (!ingress.IsEmpty) errors.Forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'");
            return;
        }
        for (int i = 0; i < ingress.Count; i++)
        {
            var (here, way) = (at[i], ingress[i]);
            if (way.Ip.Length > 0) errors.Address(here["ip"], way.Ip);
            if (way.IpMode is null)
            {
                if (way.Ip.Length > 0) errors.Required(here["ipMode"], "must be specified when `ip` is set");
            }
            else if (way.Ip.Length == 0) errors.Forbidden(here["ipMode"], "may not be specified when `ip` is not set");
            else errors.OneOf(here["ipMode"], way.IpMode, "Proxy", "VIP");
            if (way.Hostname.Length == 0) continue;
            errors.Invalid(here["hostname"], way.Hostname, Names.Subdomain(way.Hostname));
            if (IpSyntax.IsAddress(way.Hostname)) errors.Invalid(here["hostname"], way.Hostname, "must be a DNS name, not an IP address");
        }
    }
}
