using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of Services and Endpoints.</summary>
static class ServiceDefaults
{
    const int StickySeconds = 10_800;

    public static Service Service(Service o)
    {
        var s = o.Spec;
        string type = s.Type.Or("ClusterIP"), affinity = s.SessionAffinity.Or("None");
        bool balanced = type == "LoadBalancer", outside = balanced || type == "NodePort" || type == "ClusterIP" && !s.ExternalIPs.IsEmpty;
        var spec = s with
        {
            Type = type,
            SessionAffinity = affinity,
            SessionAffinityConfig = affinity == "None" ? null
                : affinity == "ClientIP" && s.SessionAffinityConfig?.ClientIP?.TimeoutSeconds is null ? new() { ClientIP = new() { TimeoutSeconds = StickySeconds } } : s.SessionAffinityConfig,
            Ports = s.Ports.Each(Port),
            ExternalTrafficPolicy = outside ? s.ExternalTrafficPolicy.Or("Cluster") : s.ExternalTrafficPolicy,
            InternalTrafficPolicy = s.InternalTrafficPolicy ?? (balanced || type is "NodePort" or "ClusterIP" ? "Cluster" : null),
            AllocateLoadBalancerNodePorts = s.AllocateLoadBalancerNodePorts ?? (balanced ? true : null),
        };
        var status = o.Status;
        if (balanced && status.LoadBalancer.Ingress.Exists(i => i.Ip.Length > 0 && i.IpMode is null))
            status = status with { LoadBalancer = status.LoadBalancer with { Ingress = status.LoadBalancer.Ingress.Each(i => i.Ip.Length > 0 && i.IpMode is null ? i with { IpMode = "VIP" } : i) } };
        return o with { Spec = spec, Status = status };
    }

    static ServicePort Port(ServicePort p)
    {
        bool target = p.TargetPort.IsString ? p.TargetPort.String!.Length > 0 : p.TargetPort.Int != 0;
        return target && p.Protocol.Length > 0 ? p : p with { Protocol = p.Protocol.Or("TCP"), TargetPort = target ? p.TargetPort : p.Port };
    }

    public static Endpoints Endpoints(Endpoints o) =>
        o with { Subsets = o.Subsets.Each(s => s with { Ports = s.Ports.Each(p => p.Protocol.Length > 0 ? p : p with { Protocol = "TCP" }) }) };
}
