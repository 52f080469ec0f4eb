using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Nodes;
using Hanbae.Machinery.Pkcs;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Authorizers;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Holds nodes to themselves: their own Node, lease and CSINode, mirror Pods on themselves, tokens of Pods that run on them.</summary>
/// <remarks>The other half of the Node authorizer: what only the object can tell. Labels under node-restriction.kubernetes.io are others' to set.</remarks>
sealed class NodeRestriction(ServedObjects objects) : IMutates
{
    const string RestrictedSuffix = "node-restriction.kubernetes.io";

    public bool Handles(Operation operation, GroupResource resource, string subresource) => (resource.Group, resource.Resource) is
        ("", "nodes" or "pods" or "persistentvolumeclaims") or ("coordination.k8s.io", "leases") or ("storage.k8s.io", "csinodes")
        or ("certificates.k8s.io", "podcertificaterequests" or "certificatesigningrequests") or ("resource.k8s.io", "resourceslices");

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (Groups.NodeOf(request.User) is not { } node) return request.Object;
        switch (request.Resource.Resource)
        {
            case "nodes": CheckNode(request, node); break;
            case "pods": await NodePods.CheckAsync(objects, request, node, ct).ConfigureAwait(false); break;
            case "persistentvolumeclaims": CheckClaim(request, node); break;
            case "certificatesigningrequests": CheckSigning(request, node); break;
            case "resourceslices": CheckSlice(request, node); break;
            case "podcertificaterequests": await NodeCertificateRequests.CheckAsync(objects, request, node, ct).ConfigureAwait(false); break;
            case "leases" when request.Operation == Operation.Create && (request.Object as IObject)?.Metadata.Name != node:
                throw Refuse.Because(request, "can only access node lease with the same name as the requesting node");
            case "csinodes" when request.Operation == Operation.Create && (request.Object as IObject)?.Metadata.Name != node:
                throw Refuse.Because(request, "can only access CSINode with the same name as the requesting node");
        }
        return request.Object;
    }

    static void CheckNode(AdmissionRequest request, string node)
    {
        string name = request.Name.Length > 0 ? request.Name : (request.Object as IObject)?.Metadata.Name ?? "";
        if (name != node) throw Refuse.Because(request, $"node \"{node}\" is not allowed to modify node \"{name}\"");
        if (request.Object is not Node now) return;
        var old = request.OldObject as Node;
        if (old is null && now.Spec.ConfigSource is not null) throw Refuse.Because(request, $"node \"{node}\" is not allowed to create pods with a non-nil configSource");
        if (old is not null && now.Spec.ConfigSource is not null && now.Spec.ConfigSource != old.Spec.ConfigSource)
            throw Refuse.Because(request, $"node \"{node}\" is not allowed to update configSource to a new non-nil configSource");
        if (old is not null && old.Spec.Taints != now.Spec.Taints) throw Refuse.Because(request, $"node \"{node}\" is not allowed to modify taints");
        if (old is not null && old.Metadata.OwnerReferences != now.Metadata.OwnerReferences) throw Refuse.Because(request, $"node \"{node}\" is not allowed to modify ownerReferences");
        var labels = old?.Metadata.Labels ?? default;
        string[] forbidden = [.. now.Metadata.Labels.Where(l => labels[l.Key] != l.Value).Concat(labels.Where(l => !now.Metadata.Labels.ContainsKey(l.Key)))
            .Select(l => l.Key).Where(IsRestricted).Distinct().Order(StringComparer.Ordinal)];
        if (forbidden.Length > 0) throw Refuse.Because(request, old is null ? $"node \"{node}\" is not allowed to set the following labels: {string.Join(", ", forbidden)}"
            : $"is not allowed to modify labels: {string.Join(", ", forbidden)}");
    }

    static bool IsRestricted(string label)
    {
        string prefix = label.IndexOf('/') is >= 0 and var slash ? label[..slash] : "";
        if (prefix == RestrictedSuffix || prefix.EndsWith("." + RestrictedSuffix, StringComparison.Ordinal)) return true;
        return KubeletLabels.IsForeign(label);
    }

    /// <summary>What of a claim a node writes: how large its volume is now, and how that went.</summary>
    static void CheckClaim(AdmissionRequest request, string node)
    {
        static PersistentVolumeClaim Rest(PersistentVolumeClaim claim) => claim with
        {
            Metadata = claim.Metadata with { ResourceVersion = "", ManagedFields = default },
            Status = claim.Status with { Capacity = default, Conditions = default, AllocatedResources = default, AllocatedResourceStatuses = default },
        };
        if (request is not { Subresource: "status", Object: PersistentVolumeClaim now, OldObject: PersistentVolumeClaim old }) return;
        if (Rest(now) != Rest(old)) throw Refuse.Because(request, $"node \"{node}\" is not allowed to update fields other than status.quantity and status.conditions");
    }

    /// <summary>What the request for a certificate says is who the node is: else a node could be signed as another.</summary>
    static void CheckSigning(AdmissionRequest request, string node)
    {
        if (request is not { Operation: Operation.Create, Object: CertificateSigningRequest { Spec: { SignerName: KubeletRequests.ClientSigner or KubeletRequests.ServingSigner } spec } }) return;
        var ask = CertificateAsk.TryParse(spec.Request, out string wrong) ?? throw Refuse.Because(request, $"unable to parse csr: {wrong}");
        if (ask.CommonName != Groups.NodePrefix + node) throw Refuse.Because(request, $"can only create a node CSR with CN={Groups.NodePrefix}{node}");
    }

    /// <summary>The devices of the node, of which the authorizer sees no names when one is made, nor which ones go when all do.</summary>
    static void CheckSlice(AdmissionRequest request, string node)
    {
        if (request is { Operation: Operation.Create, Object: ResourceSlice made } && made.Spec.NodeName != node)
            throw Refuse.Because(request, "can only create ResourceSlice with the same NodeName as the requesting node");
        if (request is { Operation: Operation.Delete, OldObject: ResourceSlice gone } && gone.Spec.NodeName != node)
            throw Refuse.Because(request, "can only delete ResourceSlice with the same NodeName as the requesting node");
    }

    /// <summary>A node's token request is for a Pod that runs on it. Called by the token subresource, which is no storage.</summary>
    public static async ValueTask CheckTokenAsync(ServedObjects objects, Auth.IAuthorizer authorizer, Api.Rest.Identity user, string ns, string account, TokenRequestSpec spec, CancellationToken ct)
    {
        if (Groups.NodeOf(user) is not { } node) return;
        Errors.StatusException No(string why) => Errors.Statuses.Forbidden(new("", "serviceaccounts"), account, why);
        if (spec.BoundObjectRef is not { Kind: "Pod", ApiVersion: "v1" } reference) throw No("node requested token not bound to a pod");
        if (reference.Uid.Length == 0) throw No("node requested token with a pod binding without a uid");
        var pod = await objects.FindAsync<Pod>(ns, reference.Name, ct).ConfigureAwait(false) ?? throw Errors.Statuses.NotFound(new("", "pods"), reference.Name);
        if (pod.Metadata.Uid != reference.Uid)
            throw No($"the UID in the bound object reference ({reference.Uid}) does not match the UID in record ({pod.Metadata.Uid}). The object might have been deleted and then recreated");
        if (pod.Spec.NodeName != node) throw No("node requested token bound to a pod scheduled on a different node");
        if (await NodeTokenAudiences.RefusalAsync(objects, authorizer, user, pod, account, spec.Audiences, ct).ConfigureAwait(false) is { } why) throw No(why);
    }
}
