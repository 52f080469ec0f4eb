using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Networking.V1;

namespace Hanbae.Server.Tables;

/// <summary>Rows of Services and what stands around them.</summary>
static class NetworkCells
{
    public static void Write(Service service, IRow row)
    {
        row.Text(service.Metadata.Name);
        row.Text(service.Spec.Type);
        row.Text(CellText.OrNone(service.Spec.ClusterIP));
        row.Text(External(service));
        row.Text(CellText.OrNone(string.Join(',', service.Spec.Ports.Select(p => p.NodePort > 0 ? $"{p.Port}:{p.NodePort}/{p.Protocol}" : $"{p.Port}/{p.Protocol}"))));
        row.Age(service.Metadata.CreationTimestamp);
        row.Text(CellText.Labels(service.Spec.Selector));
    }

    static string External(Service service)
    {
        string own = string.Join(',', service.Spec.ExternalIPs);
        switch (service.Spec.Type)
        {
            case "ClusterIP" or "NodePort": return CellText.OrNone(own);
            case "ExternalName": return service.Spec.ExternalName;
            case "LoadBalancer":
                string balancer = Addresses(service.Status.LoadBalancer.Ingress.Select(i => i.Ip.Length > 0 ? i.Ip : i.Hostname));
                return own.Length == 0 ? balancer.Length == 0 ? "<pending>" : balancer : balancer.Length == 0 ? own : balancer + "," + own;
            default: return CellText.Unknown;
        }
    }

    static string Addresses(IEnumerable<string> addresses) =>
        string.Join(',', addresses.Where(a => a.Length > 0).Distinct().Order(StringComparer.Ordinal));

    public static void Write(Endpoints endpoints, IRow row)
    {
        row.Text(endpoints.Metadata.Name);
        row.Text(endpoints.Subsets.IsEmpty ? CellText.None : CellText.Some([.. endpoints.Subsets.SelectMany(Addresses)]));
        row.Age(endpoints.Metadata.CreationTimestamp);
    }

    static IEnumerable<string> Addresses(EndpointSubset subset) =>
        subset.Ports.IsEmpty ? subset.Addresses.Select(a => a.Ip)
        : subset.Ports.SelectMany(p => subset.Addresses.Select(a => CellText.HostPort(a.Ip, p.Port)));

    public static void Write(EndpointSlice slice, IRow row)
    {
        row.Text(slice.Metadata.Name);
        row.Text(slice.AddressType);
        row.Text(CellText.SomeOrUnset([.. slice.Ports.Select(p => p.Port is { } port ? CellText.Of(port) : p.Name ?? "*")]));
        row.Text(CellText.SomeOrUnset([.. slice.Endpoints.SelectMany(e => e.Addresses)]));
        row.Age(slice.Metadata.CreationTimestamp);
    }

    public static void Write(Ingress ingress, IRow row)
    {
        row.Text(ingress.Metadata.Name);
        row.Text(ingress.Spec.IngressClassName ?? CellText.None);
        row.Text(Hosts(ingress.Spec.Rules));
        row.Text(Addresses(ingress.Status.LoadBalancer.Ingress.Select(i => i.Ip.Length > 0 ? i.Ip : i.Hostname)));
        row.Text(ingress.Spec.Tls.IsEmpty ? "80" : "80, 443");
        row.Age(ingress.Metadata.CreationTimestamp);
    }

    const int MostHosts = 3;

    static string Hosts(Seq<IngressRule> rules)
    {
        string[] hosts = [.. rules.Where(r => r.Host.Length > 0).Take(MostHosts).Select(r => r.Host)];
        if (hosts.Length == 0) return "*";
        // Upstream counts the rules that are left, with a host or without.
        int third = 0, at = 0;
        while (at < rules.Count && third < MostHosts) if (rules[at++].Host.Length > 0) third++;
        return third == MostHosts && at < rules.Count ? $"{string.Join(',', hosts)} + {rules.Count - MostHosts} more..." : string.Join(',', hosts);
    }

    public static void Write(IngressClass kind, IRow row)
    {
        row.Text(kind.Metadata.Annotations["ingressclass.kubernetes.io/is-default-class"] == "true" ? kind.Metadata.Name + " (default)" : kind.Metadata.Name);
        row.Text(kind.Spec.Controller);
        row.Text(kind.Spec.Parameters is { } p ? $"{p.Kind}{(p.ApiGroup is null ? "" : "." + p.ApiGroup)}/{p.Name}" : CellText.None);
        row.Age(kind.Metadata.CreationTimestamp);
    }

    public static void Write(NetworkPolicy policy, IRow row)
    {
        row.Text(policy.Metadata.Name);
        row.Text(CellText.Selector(policy.Spec.PodSelector));
        row.Age(policy.Metadata.CreationTimestamp);
    }

    public static void Write(IPAddress address, IRow row)
    {
        row.Text(address.Metadata.Name);
        row.Text(address.Spec.ParentRef is { } parent
            ? $"{new GroupResource(parent.Group, parent.Resource)}/{(parent.Namespace.Length > 0 ? parent.Namespace + "/" : "")}{parent.Name}" : CellText.None);
    }

    public static void Write(ServiceCIDR range, IRow row)
    {
        row.Text(range.Metadata.Name);
        row.Text(string.Join(',', range.Spec.Cidrs));
        row.Age(range.Metadata.CreationTimestamp);
    }
}
