using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Pods;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Authorizers;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Holds nodes to themselves: their own Node, lease and CSINode, mirror Pods on themselves, tokens of Pods that run on them.</summary>
/// <remarks>The other half of the Node authorizer: what only the object can tell. Labels under node-restriction.kubernetes.io are others' to set.</remarks>
sealed class NodeRestriction(ServedObjects objects) : IAdmission
{
    const string RestrictedSuffix = "node-restriction.kubernetes.io";

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        resource is { Group: "", Resource: "nodes" or "pods" } or { Group: "coordination.k8s.io", Resource: "leases" } or { Group: "storage.k8s.io", Resource: "csinodes" }
        || IsCertificate(resource);

    static bool IsCertificate(GroupResource resource) => resource is { Group: "certificates.k8s.io", Resource: "podcertificaterequests" };

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (Groups.NodeOf(request.User) is not { } node) return request.Object;
        switch (request.Resource.Resource)
        {
            case "nodes": CheckNode(request, node); break;
            case "pods": await CheckPodAsync(request, node, ct).ConfigureAwait(false); break;
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
        if (old is not null && old.Spec.Taints != now.Spec.Taints) throw Refuse.Because(request, $"node \"{node}\" is not allowed to modify taints");
        if (old is not null && old.Metadata.OwnerReferences != now.Metadata.OwnerReferences) throw Refuse.Because(request, $"node \"{node}\" is not allowed to modify ownerReferences");
        var labels = old?.Metadata.Labels ?? default;
        string[] forbidden = [.. now.Metadata.Labels.Where(l => labels[l.Key] != l.Value).Concat(labels.Where(l => !now.Metadata.Labels.ContainsKey(l.Key)))
            .Select(l => l.Key).Where(IsRestricted).Distinct().Order(StringComparer.Ordinal)];
        if (forbidden.Length > 0) throw Refuse.Because(request, $"is not allowed to modify labels: {string.Join(", ", forbidden)}");
    }

    static bool IsRestricted(string label)
    {
        string prefix = label.IndexOf('/') is >= 0 and var slash ? label[..slash] : "";
        if (prefix == RestrictedSuffix || prefix.EndsWith("." + RestrictedSuffix, StringComparison.Ordinal)) return true;
        bool ours = prefix is "kubernetes.io" or "k8s.io" || prefix.EndsWith(".kubernetes.io", StringComparison.Ordinal) || prefix.EndsWith(".k8s.io", StringComparison.Ordinal);
        return ours && !IsKubelets(label, prefix);
    }

    /// <summary>Labels under kubernetes.io that kubelets set about themselves.</summary>
    static bool IsKubelets(string label, string prefix) =>
        prefix is "kubelet.kubernetes.io" or "node.kubernetes.io" || prefix.EndsWith(".kubelet.kubernetes.io", StringComparison.Ordinal) || prefix.EndsWith(".node.kubernetes.io", StringComparison.Ordinal)
        || label is "kubernetes.io/hostname" or "kubernetes.io/os" or "kubernetes.io/arch" or "beta.kubernetes.io/os" or "beta.kubernetes.io/arch" or "beta.kubernetes.io/instance-type"
            or "topology.kubernetes.io/zone" or "topology.kubernetes.io/region" or "failure-domain.beta.kubernetes.io/zone" or "failure-domain.beta.kubernetes.io/region";

    async ValueTask CheckPodAsync(AdmissionRequest request, string node, CancellationToken ct)
    {
        if (request.Subresource is not ("" or "status" or "eviction")) throw Refuse.Because(request, $"unexpected pod subresource \"{request.Subresource}\", only 'status' and 'eviction' are allowed");
        if (request is { Operation: Operation.Create, Subresource: "", Object: Pod pod })
        {
            if (!PodReferences.IsMirror(pod)) throw Refuse.Because(request, $"pod does not have \"kubernetes.io/config.mirror\" annotation, node \"{node}\" can only create mirror pods");
            if (pod.Spec.NodeName != node) throw Refuse.Because(request, $"node \"{node}\" can only create pods with spec.nodeName set to itself");
            if (pod.Spec.ServiceAccountName.Length > 0) throw Refuse.Because(request, $"node \"{node}\" can not create pods that reference a service account");
            if (PodReferences.Secrets(pod).Any()) throw Refuse.Because(request, $"node \"{node}\" can not create pods that reference secrets");
            if (PodReferences.ConfigMaps(pod).Any()) throw Refuse.Because(request, $"node \"{node}\" can not create pods that reference configmaps");
            if (PodReferences.Claims(pod).Any()) throw Refuse.Because(request, $"node \"{node}\" can not create pods that reference persistentvolumeclaims");
            return;
        }
        var old = request.OldObject as Pod ?? await objects.FindAsync<Pod>(request.Namespace, request.Name, ct).ConfigureAwait(false);
        if (old is null) return;
        string doing = (request.Operation, request.Subresource) switch { (Operation.Delete, _) => "delete pods", (_, "eviction") => "evict pods", _ => "update pod status for pods" };
        if (old.Spec.NodeName != node) throw Refuse.Because(request, $"node \"{node}\" can only {doing} with spec.nodeName set to itself");
        if (request is { Subresource: "status", Object: Pod now } && old.Metadata.Labels != now.Metadata.Labels) throw Refuse.Because(request, $"node \"{node}\" cannot update labels through pod status");
    }

    /// <summary>A node's token request is for a Pod that runs on it. Called by the token subresource, which is no storage.</summary>
    public static async ValueTask CheckTokenAsync(ServedObjects objects, Api.Rest.Identity user, string ns, string account, BoundObjectReference? reference, CancellationToken ct)
    {
        if (Groups.NodeOf(user) is not { } node) return;
        Errors.StatusException No(string why) => Errors.Statuses.Forbidden(new("", "serviceaccounts"), account, why);
        if (reference is null) throw No("node requested token not bound to a pod");
        if (reference is not { Kind: "Pod", ApiVersion: "v1" }) throw No("node requested token not bound to a pod");
        if (reference.Uid.Length == 0) throw No("node requested token with a pod binding without a uid");
        var pod = await objects.FindAsync<Pod>(ns, reference.Name, ct).ConfigureAwait(false) ?? throw Errors.Statuses.NotFound(new("", "pods"), reference.Name);
        if (pod.Metadata.Uid != reference.Uid) throw No($"the UID in the bound object reference ({reference.Uid}) does not match the UID in record ({pod.Metadata.Uid}). The object might have been deleted and then recreated");
        if (pod.Spec.NodeName != node) throw No("node requested token bound to a pod scheduled on a different node");
    }
}
