using Hanbae.Api;
using Hanbae.Api.Networking.V1;
using Extensions = Hanbae.Api.Extensions.V1beta1;
using Old = Hanbae.Api.Networking.V1beta1;

namespace Hanbae.Machinery.Convert;

/// <summary>Ingresses of the days when a backend was a name and a port side by side.</summary>
static class Ingresses
{
    /// <param name="o">Of extensions/v1beta1 or networking.k8s.io/v1beta1, which are alike.</param>
    public static Ingress ToV1(Old.Ingress o) => new()
    {
        Metadata = o.Metadata,
        Spec = new()
        {
            IngressClassName = o.Spec.IngressClassName, DefaultBackend = o.Spec.Backend is { } backend ? New(backend) : null,
            Tls = o.Spec.Tls.Select(t => new IngressTLS { Hosts = t.Hosts, SecretName = t.SecretName }).ToSeqOr(o.Spec.Tls.IsNil),
            Rules = o.Spec.Rules.Select(r => new IngressRule
            {
                Host = r.Host,
                Http = r.Http is not { } http ? null : new()
                {
                    Paths = http.Paths.Select(p => new HTTPIngressPath { Path = p.Path, PathType = p.PathType ?? "ImplementationSpecific", Backend = New(p.Backend) })
                        .ToSeqOr(http.Paths.IsNil),
                },
            }).ToSeqOr(o.Spec.Rules.IsNil),
        },
        Status = new() { LoadBalancer = Json.As(o.Status.LoadBalancer, IngressLoadBalancerStatus.ReadJson) },
    };

    public static Old.Ingress ToOld(Ingress o) => new()
    {
        Metadata = o.Metadata,
        Spec = new()
        {
            IngressClassName = o.Spec.IngressClassName, Backend = o.Spec.DefaultBackend is { } backend ? Former(backend) : null,
            Tls = o.Spec.Tls.Select(t => new Old.IngressTLS { Hosts = t.Hosts, SecretName = t.SecretName }).ToSeqOr(o.Spec.Tls.IsNil),
            Rules = o.Spec.Rules.Select(r => new Old.IngressRule
            {
                Host = r.Host,
                Http = r.Http is { } http ? new() { Paths = http.Paths.Select(p => new Old.HTTPIngressPath { Path = p.Path, PathType = p.PathType, Backend = Former(p.Backend) }).ToSeqOr(http.Paths.IsNil) } : null,
            }).ToSeqOr(o.Spec.Rules.IsNil),
        },
        Status = new() { LoadBalancer = Json.As(o.Status.LoadBalancer, Old.IngressLoadBalancerStatus.ReadJson) },
    };

    static IngressBackend New(Old.IngressBackend b) => new()
    {
        Resource = b.Resource,
        Service = b.ServiceName.Length == 0 && Unset(b.ServicePort) ? null
            : new() { Name = b.ServiceName, Port = b.ServicePort.IsString ? new() { Name = b.ServicePort.String! } : new() { Number = b.ServicePort.Int } },
    };

    static bool Unset(IntOrString port) => port.IsString ? port.String!.Length == 0 : port.Int == 0;

    static Old.IngressBackend Former(IngressBackend b) => new()
    {
        Resource = b.Resource, ServiceName = b.Service?.Name ?? "",
        ServicePort = b.Service is not { } service ? default : service.Port.Name.Length > 0 ? service.Port.Name : service.Port.Number,
    };

    public static Old.Ingress Renamed(Extensions.Ingress o) => (Old.Ingress)Old.Ingress.Info.Decode(Extensions.Ingress.Info.ToJson(o));
    public static Extensions.Ingress Renamed(Old.Ingress o) => (Extensions.Ingress)Extensions.Ingress.Info.Decode(Old.Ingress.Info.ToJson(o));

    /// <summary>Absent stays absent.</summary>
    static Seq<T> ToSeqOr<T>(this IEnumerable<T> items, bool absent) => absent ? default : items.ToSeq();
}
