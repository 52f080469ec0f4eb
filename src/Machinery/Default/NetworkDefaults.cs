using Hanbae.Api;
using Hanbae.Api.Networking.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of network policies.</summary>
static class NetworkDefaults
{
    public static NetworkPolicy Policy(NetworkPolicy o) => o with
    {
        Spec = o.Spec with
        {
            PolicyTypes = !o.Spec.PolicyTypes.IsEmpty ? o.Spec.PolicyTypes : o.Spec.Egress.IsEmpty ? ["Ingress"] : ["Ingress", "Egress"],
            Ingress = o.Spec.Ingress.Each(r => r with { Ports = Ports(r.Ports) }),
            Egress = o.Spec.Egress.Each(r => r with { Ports = Ports(r.Ports) }),
        },
    };

    static Seq<NetworkPolicyPort> Ports(Seq<NetworkPolicyPort> ports) => ports.Each(p => p.Protocol is null ? p with { Protocol = "TCP" } : p);
}
