using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.EndpointSlices;

/// <summary>Says which Pods stand behind a Service, and on which of their ports.</summary>
static class Backend
{
    public const string Headless = "service.kubernetes.io/headless";

    public static bool IsHeadless(this Service service) => service.Spec.ClusterIP is "None" or "";

    /// <summary>It is the controllers' to reflect: others keep the endpoints of a Service without selector themselves.</summary>
    public static bool HasBackends(this Service service) => !service.Spec.Selector.IsEmpty && service.Spec.Type != "ExternalName";

    public static bool Selects(this Service service, Pod pod)
    {
        foreach (var (key, value) in service.Spec.Selector) if (pod.Metadata.Labels[key] != value) return false;
        return service.HasBackends();
    }

    public static bool IsIPv6(string ip) => ip.Contains(':', StringComparison.Ordinal);

    /// <summary>What of a Pod shows in endpoints: other changes concern nobody here.</summary>
    public static bool LooksTheSame(Pod a, Pod b) =>
        a.Status.PodIP == b.Status.PodIP && a.Status.PodIPs == b.Status.PodIPs && a.IsReady == b.IsReady && a.IsTerminal == b.IsTerminal
        && a.Metadata.DeletionTimestamp == b.Metadata.DeletionTimestamp && a.Metadata.Labels == b.Metadata.Labels && a.Spec.NodeName == b.Spec.NodeName;

    public static IEnumerable<string> Addresses(this Pod pod, bool ipv6)
    {
        bool any = false;
        foreach (var ip in pod.Status.PodIPs)
            if (IsIPv6(ip.Ip) == ipv6) { any = true; yield return ip.Ip; }
        if (!any && pod.Status.PodIPs.IsEmpty && pod.Status.PodIP.Length > 0 && IsIPv6(pod.Status.PodIP) == ipv6) yield return pod.Status.PodIP;
    }

    /// <summary>The name by which DNS knows the Pod beneath the Service, if it has one.</summary>
    public static string HostnameOf(Service service, Pod pod) => pod.Spec.Subdomain == service.Metadata.Name ? pod.Spec.Hostname : "";

    /// <summary>The port of a Pod that a Service's port means; null when the Pod has none of that name.</summary>
    public static int? PortOf(Pod pod, ServicePort port)
    {
        if (!port.TargetPort.IsString) return port.TargetPort.Int > 0 ? port.TargetPort.Int : port.Port;
        // Init containers that restart are sidecars, and serve like any other (KEP-753).
        foreach (var container in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(c => c.RestartPolicy == "Always")))
            foreach (var candidate in container.Ports)
                if (candidate.Name == port.TargetPort.String && Protocol(candidate.Protocol) == Protocol(port.Protocol)) return candidate.ContainerPortValue;
        return null;
    }

    public static string Protocol(string name) => name.Length == 0 ? "TCP" : name;

    public static ObjectReference Reference(Pod pod) =>
        new() { Kind = "Pod", Namespace = pod.Metadata.Namespace, Name = pod.Metadata.Name, Uid = pod.Metadata.Uid };
}
