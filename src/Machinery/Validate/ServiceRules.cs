using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What a Service has to be; its addresses are looked at where they are allocated.</summary>
static class ServiceRules
{
    const int LongestAffinity = 86_400;

    public static void Check(Service service, Errors errors)
    {
        var (at, spec) = (FieldPath.Spec, service.Spec);
        bool headless = spec.ClusterIP == "None";
        if (spec.Ports.IsEmpty && !headless && spec.Type != "ExternalName") errors.Required(at["ports"]);
        if (spec.Type == "LoadBalancer" && headless) errors.Invalid(at["clusterIPs"], "None", "may not be set to 'None' for LoadBalancer services");
        if (spec.Type == "ExternalName")
        {
            if (!spec.ClusterIPs.IsEmpty) errors.Forbidden(at["clusterIPs"], "may not be set when `type` is 'ExternalName'");
            string name = spec.ExternalName.EndsWith('.') ? spec.ExternalName[..^1] : spec.ExternalName;
            if (name.Length > 0) errors.Invalid(at["externalName"], spec.ExternalName, Names.Subdomain(name));
            else errors.Required(at["externalName"]);
        }
        Ports(at["ports"], spec.Ports, headless, errors);
        LabelRules.Labels(at["selector"], spec.Selector, errors);
        errors.RequiredOneOf(at["sessionAffinity"], spec.SessionAffinity, "ClientIP", "None");
        if (spec.SessionAffinity == "ClientIP")
        {
            if (spec.SessionAffinityConfig?.ClientIP?.TimeoutSeconds is { } seconds && seconds is <= 0 or > LongestAffinity)
                errors.Invalid(at["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"], seconds, $"must be greater than 0 and less than {LongestAffinity}");
        }
        else if (spec.SessionAffinity == "None" && spec.SessionAffinityConfig is not null)
            errors.Forbidden(at["sessionAffinityConfig"], "must not be set when session affinity is None");
        for (int i = 0; i < spec.ExternalIPs.Count; i++)
            if (!IpSyntax.IsAddress(spec.ExternalIPs[i])) errors.Invalid(at["externalIPs"][i], spec.ExternalIPs[i], IpSyntax.AddressRule);
        errors.RequiredOneOf(at["type"], spec.Type, "ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
        NodePorts(at["ports"], spec, errors);
        if (!spec.LoadBalancerSourceRanges.IsEmpty)
        {
            var here = at["loadBalancerSourceRanges"];
            if (spec.Type != "LoadBalancer") errors.Forbidden(here, "may only be used when `type` is 'LoadBalancer'");
            for (int i = 0; i < spec.LoadBalancerSourceRanges.Count; i++)
                if (!IpSyntax.IsNetwork(spec.LoadBalancerSourceRanges[i].Trim())) errors.Invalid(here[i], spec.LoadBalancerSourceRanges[i], IpSyntax.NetworkRule);
        }
        if (spec.AllocateLoadBalancerNodePorts is not null && spec.Type != "LoadBalancer")
            errors.Forbidden(at["allocateLoadBalancerNodePorts"], "may only be used when `type` is 'LoadBalancer'");
        if (spec.LoadBalancerClass is { } lbClass)
        {
            if (spec.Type != "LoadBalancer") errors.Forbidden(at["loadBalancerClass"], "may only be used when `type` is 'LoadBalancer'");
            errors.Invalid(at["loadBalancerClass"], lbClass, LabelSyntax.KeyErrors(lbClass));
        }
        Traffic(at, spec, errors);
    }

    static void Ports(FieldPath at, Seq<ServicePort> ports, bool headless, Errors errors)
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
            for (int j = 0; j < i; j++)
                if (ports[j].Port == port.Port && ports[j].Protocol == port.Protocol)
                {
                    errors.Add(new(FieldErrorType.Duplicate, here.ToString(), Shown.Message(new ServicePort { Protocol = port.Protocol, Port = port.Port }), ""));
                    break;
                }
        }
    }

    static void NodePorts(FieldPath at, ServiceSpec spec, Errors errors)
    {
        for (int i = 0; i < spec.Ports.Count; i++)
        {
            var port = spec.Ports[i];
            if (port.NodePort == 0) continue;
            if (spec.Type is not ("NodePort" or "LoadBalancer")) { errors.Forbidden(at[i]["nodePort"], $"may not be used when `type` is '{spec.Type}'"); continue; }
            for (int j = 0; j < i; j++)
                if (spec.Ports[j].NodePort == port.NodePort && spec.Ports[j].Protocol == port.Protocol)
                {
                    errors.Add(new(FieldErrorType.Duplicate, at[i]["nodePort"].ToString(), Shown.Number(port.NodePort), ""));
                    break;
                }
        }
    }

    static void Traffic(FieldPath at, ServiceSpec spec, Errors errors)
    {
        bool outside = spec.Type is "LoadBalancer" or "NodePort" || spec.Type == "ClusterIP" && !spec.ExternalIPs.IsEmpty;
        if (!outside)
        {
            if (spec.ExternalTrafficPolicy.Length > 0) errors.Invalid(at["externalTrafficPolicy"], spec.ExternalTrafficPolicy, "may only be set for externally-accessible services");
        }
        else errors.RequiredOneOf(at["externalTrafficPolicy"], spec.ExternalTrafficPolicy, "Cluster", "Local");
        if (spec.HealthCheckNodePort != 0 && !(spec.Type == "LoadBalancer" && spec.ExternalTrafficPolicy == "Local"))
            errors.Invalid(at["healthCheckNodePort"], spec.HealthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
        if (spec.Type is "ClusterIP" or "NodePort" or "LoadBalancer")
        {
            if (spec.InternalTrafficPolicy is { } policy) errors.OneOf(at["internalTrafficPolicy"], policy, "Cluster", "Local");
            else errors.Required(at["internalTrafficPolicy"]);
        }
        if (spec.TrafficDistribution is { } distribution) errors.OneOf(at["trafficDistribution"], distribution, "PreferClose", "PreferSameNode", "PreferSameZone");
    }

    public static void Update(Service service, Service old, Errors errors)
    {
        if (service.Spec == old.Spec) return;
        if (service.Spec.Type == "LoadBalancer" && old.Spec.Type == "LoadBalancer" && service.Spec.LoadBalancerClass != old.Spec.LoadBalancerClass)
            errors.InvalidAs(FieldPath.Spec["loadBalancerClass"], service.Spec.LoadBalancerClass is { } now ? FieldError.Quoted(now) : "null", "may not change once set");
        if (old.Spec.HealthCheckNodePort != 0 && service.Spec.HealthCheckNodePort != 0 && old.Spec.HealthCheckNodePort != service.Spec.HealthCheckNodePort)
            errors.Forbidden(FieldPath.Spec["healthCheckNodePort"], "field is immutable");
        Check(service, errors);
    }
}
