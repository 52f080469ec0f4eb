using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Registry.Services;

/// <summary>Which fields a Service's type gives a meaning to.</summary>
static class ServiceNeeds
{
    public static bool ClusterIP(Service s) => s.Spec.Type is "ClusterIP" or "NodePort" or "LoadBalancer";
    public static bool NodePort(Service s) => s.Spec.Type is "NodePort" or "LoadBalancer";
    /// <summary>KEP-1864: balancers that reach Pods directly can do without node ports.</summary>
    public static bool AnyNodePort(Service s) => s.Spec.Type == "NodePort" || s.Spec.Type == "LoadBalancer" && s.Spec.AllocateLoadBalancerNodePorts != false;
    public static bool HealthCheckNodePort(Service s) => s.Spec is { Type: "LoadBalancer", ExternalTrafficPolicy: "Local" };
    public static bool ExternalTrafficPolicy(Service s) => NodePort(s) || s.Spec.Type == "ClusterIP" && !s.Spec.ExternalIPs.IsEmpty;
    public static bool IsHeadless(Service s) => !s.Spec.ClusterIPs.IsEmpty && s.Spec.ClusterIPs[0] == "None";
}
