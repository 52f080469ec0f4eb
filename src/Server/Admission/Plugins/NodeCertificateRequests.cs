using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Pods;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Holds a node's requests for Pods' certificates to Pods that run on it, named as they are (KEP-4317): a part of <see cref="NodeRestriction"/>.</summary>
/// <remarks>What only a look at old state can cause, such as a uid of another, is no Forbidden, as upstream: the kubelet may try again.</remarks>
static class NodeCertificateRequests
{
    public static async ValueTask CheckAsync(ServedObjects objects, AdmissionRequest request, string node, CancellationToken ct)
    {
        if (request.Operation != Operation.Create) throw No($"unexpected operation {request.Operation.ToString().ToUpperInvariant()}");
        if (request.Subresource.Length > 0) throw No($"unexpected subresource {request.Subresource}");
        if (request.Object is not PodCertificateRequest { Spec: var spec }) throw No($"unexpected type {request.Object?.GetType().Name}");
        string named = Quoted($"{request.Namespace}/{spec.PodName}"), about = $"PodCertificateRequest for pod {named}";

        if (spec.NodeName != node) throw No($"PodCertificateRequest.Spec.NodeName={Quoted(spec.NodeName)}, which is not the requesting node {Quoted(node)}");
        var itself = await objects.FindAsync<Node>("", node, ct).ConfigureAwait(false)
            ?? throw Later($"while retrieving node {Quoted(node)} named in the PodCertificateRequest: node {Quoted(node)} not found");
        if (itself.Metadata.Uid != spec.NodeUID) throw Later($"{about} names node UID {Quoted(spec.NodeUID)}, inconsistent with the running node ({Quoted(itself.Metadata.Uid)})");

        var pod = await objects.FindAsync<Pod>(request.Namespace, spec.PodName, ct).ConfigureAwait(false)
            ?? throw Later($"while retrieving pod {named} named in the PodCertificateRequest: pod {Quoted(spec.PodName)} not found");
        if (pod.Metadata.Uid != spec.PodUID) throw Later($"{about} contains pod UID ({Quoted(spec.PodUID)}) which differs from running pod {Quoted(pod.Metadata.Uid)}");
        if (pod.Spec.NodeName != node) throw No($"pod {named} is not running on node {Quoted(node)} named in the PodCertificateRequest");
        if (PodReferences.IsMirror(pod)) throw No($"pod {named} is a mirror pod");

        if (pod.Spec.ServiceAccountName != spec.ServiceAccountName)
            throw No($"{about} contains serviceAccountName ({Quoted(spec.ServiceAccountName)}) that differs from running pod ({Quoted(pod.Spec.ServiceAccountName)})");
        var account = await objects.FindAsync<ServiceAccount>(request.Namespace, spec.ServiceAccountName, ct).ConfigureAwait(false)
            ?? throw Later($"while retrieving service account {Quoted(request.Namespace + "/" + spec.ServiceAccountName)} named in the PodCertificateRequest: serviceaccount {Quoted(spec.ServiceAccountName)} not found");
        if (account.Metadata.Uid != spec.ServiceAccountUID)
            throw Later($"{about} names service account UID {Quoted(spec.ServiceAccountUID)}, which differs from the running service account ({Quoted(account.Metadata.Uid)})");

        StatusException No(string why) => Refuse.Because(request, why);
    }

    static StatusException Later(string why) => Statuses.Unknown(why);

    static string Quoted(string text) => FieldError.Quoted(text);
}
