using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Registry.Services;

/// <summary>Brings a Service's fields in line with each other and with what it was, before anything is allocated; as upstream does it.</summary>
static class ServiceFields
{
    public static Service OnCreate(Service s) =>
        s.Spec.ClusterIP.Length > 0 && s.Spec.ClusterIPs.IsEmpty ? s with { Spec = s.Spec with { ClusterIPs = [s.Spec.ClusterIP] } } : s;

    public static Service OnUpdate(Service s, Service old)
    {
        // A PUT that leaves out what the server gave keeps it.
        s = KeepAllocated(s, old);
        var spec = s.Spec;
        // The one that the client changed leads: old clients only know the singular.
        if (spec.ClusterIP != old.Spec.ClusterIP && spec.ClusterIPs == old.Spec.ClusterIPs)
            spec = spec with { ClusterIPs = spec.ClusterIP.Length == 0 ? default(Seq<string>) : [spec.ClusterIP] };
        else if (spec.ClusterIP.Length > 0 && spec.ClusterIPs.IsEmpty) spec = spec with { ClusterIPs = [spec.ClusterIP] };
        s = Shrink(s with { Spec = spec }, old);
        return DropOfOtherType(s, old);
    }

    static Service KeepAllocated(Service s, Service old)
    {
        var spec = s.Spec;
        if (ServiceNeeds.ClusterIP(old) && ServiceNeeds.ClusterIP(s))
        {
            if (spec.ClusterIP.Length == 0) spec = spec with { ClusterIP = old.Spec.ClusterIP };
            if (spec.ClusterIPs.IsEmpty && spec.ClusterIP == old.Spec.ClusterIP) spec = spec with { ClusterIPs = old.Spec.ClusterIPs };
        }
        // Of a balancer that does without, those that the client leaves out go.
        if (ServiceNeeds.NodePort(old) && ServiceNeeds.AnyNodePort(s))
        {
            var used = old.Spec.Ports.Select(p => p.NodePort).Intersect(spec.Ports.Select(p => p.NodePort)).ToHashSet();
            for (int i = 0; i < spec.Ports.Count; i++)
            {
                var port = spec.Ports[i];
                if (port.NodePort == 0 && old.Spec.Ports.Find(p => p.Name == port.Name) is { NodePort: > 0 } was && used.Add(was.NodePort))
                    spec = spec with { Ports = spec.Ports.SetAt(i, port with { NodePort = was.NodePort }) };
            }
        }
        if (ServiceNeeds.HealthCheckNodePort(old) && ServiceNeeds.HealthCheckNodePort(s) && spec.HealthCheckNodePort == 0)
            spec = spec with { HealthCheckNodePort = old.Spec.HealthCheckNodePort };
        return s with { Spec = spec };
    }

    /// <summary>From dual-stack to SingleStack: the second family goes, if the client says no more than that.</summary>
    static Service Shrink(Service s, Service old)
    {
        var (spec, was) = (s.Spec, old.Spec);
        if ((spec.IpFamilyPolicy ?? was.IpFamilyPolicy) != "SingleStack") return s;
        if (spec.ClusterIPs == was.ClusterIPs && spec.ClusterIPs.Count == 2) spec = spec with { ClusterIPs = [spec.ClusterIPs[0]] };
        if (spec.IpFamilies == was.IpFamilies && spec.IpFamilies.Count == 2) spec = spec with { IpFamilies = [spec.IpFamilies[0]] };
        return s with { Spec = spec };
    }

    /// <summary>What only the old type had goes with the type, unless the client set it anew (then validation complains).</summary>
    static Service DropOfOtherType(Service s, Service old)
    {
        var (spec, was) = (s.Spec, old.Spec);
        if (ServiceNeeds.ClusterIP(old) && !ServiceNeeds.ClusterIP(s))
        {
            if (spec.ClusterIPs == was.ClusterIPs) spec = spec with { ClusterIP = "", ClusterIPs = default };
            if (spec.IpFamilies == was.IpFamilies) spec = spec with { IpFamilies = default };
            if (spec.IpFamilyPolicy == was.IpFamilyPolicy) spec = spec with { IpFamilyPolicy = null };
            if (spec.InternalTrafficPolicy == was.InternalTrafficPolicy) spec = spec with { InternalTrafficPolicy = null };
        }
        if (ServiceNeeds.NodePort(old) && !ServiceNeeds.NodePort(s) && SameNodePorts(spec.Ports, was.Ports))
            spec = spec with { Ports = spec.Ports.Select(p => p with { NodePort = 0 }).ToSeq() };
        if (ServiceNeeds.HealthCheckNodePort(old) && !ServiceNeeds.HealthCheckNodePort(s) && spec.HealthCheckNodePort == was.HealthCheckNodePort)
            spec = spec with { HealthCheckNodePort = 0 };
        if (was.Type == "LoadBalancer" && spec.Type != "LoadBalancer")
        {
            if (spec.AllocateLoadBalancerNodePorts == was.AllocateLoadBalancerNodePorts) spec = spec with { AllocateLoadBalancerNodePorts = null };
            if (spec.LoadBalancerClass == was.LoadBalancerClass) spec = spec with { LoadBalancerClass = null };
        }
        if (ServiceNeeds.ExternalTrafficPolicy(old) && !ServiceNeeds.ExternalTrafficPolicy(s with { Spec = spec }) && spec.ExternalTrafficPolicy == was.ExternalTrafficPolicy)
            spec = spec with { ExternalTrafficPolicy = "" };
        return s with { Spec = spec };
    }

    static bool SameNodePorts(Seq<ServicePort> a, Seq<ServicePort> b) =>
        a.Select(p => p.NodePort).Where(p => p != 0).ToHashSet().SetEquals(b.Select(p => p.NodePort).Where(p => p != 0));
}
