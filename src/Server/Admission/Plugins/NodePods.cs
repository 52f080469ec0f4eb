using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Pods;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>What a node may do with Pods: make mirrors of its own, and change, delete and evict those that run on it. A part of <see cref="NodeRestriction"/>.</summary>
static class NodePods
{
    public static async ValueTask CheckAsync(ServedObjects objects, AdmissionRequest request, string node, CancellationToken ct)
    {
        if (request.Subresource is not ("" or "status" or "eviction")) throw Refuse.Because(request, $"unexpected pod subresource \"{request.Subresource}\", only 'status' and 'eviction' are allowed");
        if (request is { Operation: Operation.Create, Subresource: "", Object: Pod pod })
        {
            await CreateAsync(objects, request, pod, node, ct).ConfigureAwait(false);
            return;
        }
        var old = request.OldObject as Pod ?? await objects.FindAsync<Pod>(request.Namespace, request.Name, ct).ConfigureAwait(false);
        if (old is null) return;
        string doing = (request.Operation, request.Subresource) switch { (Operation.Delete, _) => "delete pods", (_, "eviction") => "evict pods", _ => "update pod status for pods" };
        if (old.Spec.NodeName != node) throw Refuse.Because(request, $"node {(request.Subresource == "eviction" ? node : $"\"{node}\"")} can only {doing} with spec.nodeName set to itself");
        if (request is not { Subresource: "status", Object: Pod now }) return;
        if (old.Metadata.Labels != now.Metadata.Labels) throw Refuse.Because(request, $"node \"{node}\" cannot update labels through pod status");
        if (old.Status.ResourceClaimStatuses != now.Status.ResourceClaimStatuses) throw Refuse.Because(request, $"node \"{node}\" cannot update resource claim statues");
    }

    static async ValueTask CreateAsync(ServedObjects objects, AdmissionRequest request, Pod pod, string node, CancellationToken ct)
    {
        if (!PodReferences.IsMirror(pod)) throw No($"pod does not have \"kubernetes.io/config.mirror\" annotation, node \"{node}\" can only create mirror pods");
        if (pod.Spec.NodeName != node) throw No($"node \"{node}\" can only create pods with spec.nodeName set to itself");
        switch (pod.Metadata.OwnerReferences)
        {
            case { Count: > 1 }: throw No($"node \"{node}\" can only create pods with a single owner reference set to itself");
            case [{ ApiVersion: "v1", Kind: "Node" } owner] when owner.Name == node:
                if (owner.Controller != true) throw No($"node \"{node}\" can only create pods with a controller owner reference set to itself");
                if (owner.BlockOwnerDeletion == true) throw No($"node \"{node}\" must not set blockOwnerDeletion on an owner reference");
                var itself = await objects.FindAsync<Node>("", node, ct).ConfigureAwait(false) ?? throw Errors.Statuses.NotFound(new("", "nodes"), node);
                if (itself.Metadata.Uid != owner.Uid) throw No($"node {node} UID mismatch: expected {owner.Uid} got {itself.Metadata.Uid}");
                break;
            default: throw No($"node \"{node}\" can only create pods with an owner reference set to itself");
        }
        if (ReferenceOf(pod) is { } what) throw No($"node \"{node}\" can not create pods that reference {what}");

        Errors.StatusException No(string why) => Refuse.Because(request, why);
    }

    /// <summary>What of the API's it names: a node could else read by its own Pod what is not for it. Null for nothing.</summary>
    static string? ReferenceOf(Pod pod)
    {
        if (pod.Spec.ServiceAccountName.Length > 0) return "serviceaccounts";
        if (!pod.Spec.ResourceClaims.IsEmpty) return "resourceclaims";
        foreach (var volume in pod.Spec.Volumes)
        {
            if (volume.Csi is not null) return "csidrivers (via CSI volumes)";
            if (volume.PersistentVolumeClaim is not null) return "persistentvolumeclaims";
            if (volume.Ephemeral is not null) return "persistentvolumeclaims (via ephemeral volumes)";
            foreach (var source in volume.Projected?.Sources ?? default)
                if (source.ServiceAccountToken is not null) return "serviceaccounts (via projected volumes)";
                else if (source.ClusterTrustBundle is not null) return "clustertrustbundles";
                else if (source.PodCertificate is not null) return "podcertificates";
        }
        return PodReferences.Secrets(pod).Any() ? "secrets" : PodReferences.ConfigMaps(pod).Any() ? "configmaps" : null;
    }
}
