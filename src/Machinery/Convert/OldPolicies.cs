using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Policy.V1;
using OldDiscovery = Hanbae.Api.Discovery.V1beta1;

namespace Hanbae.Machinery.Convert;

/// <summary>Where v1beta1 of a kind meant something else than v1 does by the same words.</summary>
static class OldPolicies
{
    const string NoneLabel = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";
    const string Hostname = "kubernetes.io/hostname", Zone = "topology.kubernetes.io/zone";

    static readonly LabelSelector s_none = new() { MatchExpressions = [new LabelSelectorRequirement { Key = NoneLabel, Operator = "Exists" }] };
    static readonly LabelSelector s_all = new() { MatchExpressions = [new LabelSelectorRequirement { Key = NoneLabel, Operator = "DoesNotExist" }] };

    /// <summary>An empty selector selected nothing; in v1 it selects all.</summary>
    public static PodDisruptionBudget Budget(PodDisruptionBudget o) => o.Spec.Selector switch
    {
        { MatchLabels.IsEmpty: true, MatchExpressions.IsEmpty: true } => o with { Spec = o.Spec with { Selector = s_none } },
        { } all when all == s_all => o with { Spec = o.Spec with { Selector = LabelSelector.Empty } },
        _ => o,
    };

    public static LabelSelector? OldSelector(LabelSelector? selector) => selector switch
    {
        { MatchLabels.IsEmpty: true, MatchExpressions.IsEmpty: true } => s_all,
        { } none when none == s_none => LabelSelector.Empty,
        _ => selector,
    };

    public static ValidatingWebhookConfiguration Webhooks(ValidatingWebhookConfiguration o) => o with
    {
        Webhooks = o.Webhooks.Select(w => w with
        {
            FailurePolicy = w.FailurePolicy ?? "Ignore", MatchPolicy = w.MatchPolicy ?? "Exact", TimeoutSeconds = w.TimeoutSeconds ?? 30, SideEffects = w.SideEffects ?? "Unknown",
            AdmissionReviewVersions = w.AdmissionReviewVersions.IsEmpty ? ["v1beta1"] : w.AdmissionReviewVersions,
        }).ToSeq(),
    };

    public static MutatingWebhookConfiguration Webhooks(MutatingWebhookConfiguration o) => o with
    {
        Webhooks = o.Webhooks.Select(w => w with
        {
            FailurePolicy = w.FailurePolicy ?? "Ignore", MatchPolicy = w.MatchPolicy ?? "Exact", TimeoutSeconds = w.TimeoutSeconds ?? 30, SideEffects = w.SideEffects ?? "Unknown",
            AdmissionReviewVersions = w.AdmissionReviewVersions.IsEmpty ? ["v1beta1"] : w.AdmissionReviewVersions,
        }).ToSeq(),
    };

    /// <summary>Who is to sign did not have to be said.</summary>
    public static CertificateSigningRequest Signing(CertificateSigningRequest o)
    {
        Seq<string> usages = o.Spec.Usages.IsEmpty ? ["digital signature", "key encipherment"] : o.Spec.Usages;
        return o with
        {
            Spec = o.Spec with { Usages = usages, SignerName = o.Spec.SignerName.Length > 0 ? o.Spec.SignerName : SigningSubject.Signer(o.Spec.Request, usages) },
            Status = o.Status with { Conditions = o.Status.Conditions.IsNil ? default : o.Status.Conditions.Select(c => c.Status.Length > 0 ? c : c with { Status = "True" }).ToSeq() },
        };
    }

    /// <summary>The node and the zone were entries of a map.</summary>
    public static EndpointSlice Slice(EndpointSlice o, OldDiscovery.EndpointSlice old)
    {
        var endpoints = o.Endpoints;
        for (int i = 0; i < endpoints.Count; i++)
        {
            var topology = old.Endpoints[i].Topology;
            if (topology.IsEmpty) continue;
            var endpoint = endpoints[i];
            if (topology.TryGet(Zone, out string? zone)) endpoint = endpoint with { Zone = zone };
            if (endpoint.NodeName is null && topology.TryGet(Hostname, out string? node)) endpoint = endpoint with { NodeName = node };
            var rest = topology.Remove(Zone);
            if (endpoint.NodeName == rest[Hostname]) rest = rest.Remove(Hostname);
            endpoints = endpoints.SetAt(i, endpoint with { DeprecatedTopology = rest.IsEmpty ? default : rest });
        }
        return o with { Endpoints = endpoints };
    }

    public static OldDiscovery.EndpointSlice Slice(OldDiscovery.EndpointSlice old, EndpointSlice o)
    {
        var endpoints = old.Endpoints;
        for (int i = 0; i < endpoints.Count; i++)
        {
            var now = o.Endpoints[i];
            var topology = now.DeprecatedTopology;
            if (now.Zone is { } zone) topology = topology.Set(Zone, zone);
            if (now.NodeName is { } node) topology = topology.Set(Hostname, node);
            if (!topology.IsEmpty) endpoints = endpoints.SetAt(i, endpoints[i] with { Topology = topology });
        }
        return old with { Endpoints = endpoints };
    }
}
