using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Certificates.V1beta1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Pods;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Auth.Authorizers;

/// <summary>Lets a node do what a kubelet has to do, and read only what Pods bound to it refer to.</summary>
/// <remarks>
/// Upstream keeps a graph from nodes to what their Pods name. Here each node has a table of it (<see cref="NodeReferences"/>), made of the index of Pods
/// by node when the node's Pods have changed: what a check costs does not grow with Pods, nodes or Secrets. What claims and volumes lead to is looked up.
/// </remarks>
public sealed class NodeAuthorizer(ServedObjects objects) : IAuthorizer
{
    /// <summary>By the set of Pods that they were made of: another set, another table, and the old one goes with its set.</summary>
    readonly ConditionalWeakTable<Sorted, ConcurrentDictionary<string, NodeReferences>> _references = [];

    public async ValueTask<Decision> AuthorizeAsync(Attributes a, CancellationToken ct)
    {
        if (Groups.NodeOf(a.User) is not { Length: > 0 } node) return Decision.NoOpinion();
        if (!a.IsResourceRequest) return Decision.NoOpinion();
        return (a.ApiGroup, a.Resource) switch
        {
            ("", "secrets") or ("", "configmaps") => !a.IsReadOnly ? Refuse("can only read resources of this type")
                : a.Subresource.Length > 0 ? Refuse("cannot read subresource") : await NamedAsync(a, node, ct).ConfigureAwait(false),
            ("", "persistentvolumeclaims") => (a.Verb, a.Subresource) switch
            {
                ("get", "") or ("update" or "patch", "status") => await NamedAsync(a, node, ct).ConfigureAwait(false),
                _ => Refuse("can only get individual resources of this type, or update their status"),
            },
            ("", "persistentvolumes") => a is { Verb: "get", Subresource: "" } ? await NamedAsync(a, node, ct).ConfigureAwait(false) : Refuse("can only get individual resources of this type"),
            ("storage.k8s.io", "volumeattachments") => a is { Verb: "get", Subresource: "" } ? await AttachmentAsync(a, node, ct).ConfigureAwait(false) : Refuse("can only get individual resources of this type"),
            ("", "serviceaccounts") => a.Subresource == "token" && a.Verb == "create" ? await NamedAsync(a, node, ct).ConfigureAwait(false)
                : a.Verb == "get" && a.Subresource.Length == 0 ? await NamedAsync(a, node, ct).ConfigureAwait(false) : Refuse("can only create tokens for individual service accounts"),
            ("coordination.k8s.io", "leases") => Lease(a, node),
            ("storage.k8s.io", "csinodes") => CsiNode(a, node),
            ("resource.k8s.io", "resourceclaims") => a is { Verb: "get", Subresource: "" } ? await NamedAsync(a, node, ct).ConfigureAwait(false) : Refuse("can only get individual resources of this type"),
            ("resource.k8s.io", "resourceslices") => Slice(a, node),
            ("certificates.k8s.io", "podcertificaterequests") => await CertificateAsync(a, node, ct).ConfigureAwait(false),
            ("", "nodes") => NodeItself(a, node),
            ("", "pods") => await PodsAsync(a, node, ct).ConfigureAwait(false),
            _ => NodeRules.Allows(a) ? Decision.Allow() : Decision.NoOpinion(),
        };
    }

    static Decision Refuse(string why) => Decision.NoOpinion(why);

    static Decision Lease(Attributes a, string node)
    {
        if (a.Verb is not ("get" or "create" or "update" or "patch" or "delete")) return Refuse("can only get, create, update, patch, or delete a node lease");
        if (a.Namespace != "kube-node-lease") return Refuse("can only access leases in the \"kube-node-lease\" system namespace");
        // On create the name is in the body: admission compares it (NodeRestriction).
        return a.Verb == "create" || a.Name == node ? Decision.Allow() : Refuse("can only access node lease with the same name as the requesting node");
    }

    static Decision CsiNode(Attributes a, string node)
    {
        if (a.Verb is not ("get" or "create" or "update" or "patch" or "delete") || a.Subresource.Length > 0) return Refuse("can only get, create, update, patch, or delete a CSINode");
        return a.Verb == "create" || a.Name == node ? Decision.Allow() : Refuse("can only access CSINode with the same name as the requesting node");
    }

    /// <summary>What it may write admission sees in the object; what it lists or deletes as a whole must be its own.</summary>
    static Decision Slice(Attributes a, string node)
    {
        if (a.Subresource.Length > 0) return Refuse("cannot read subresource");
        return a.Verb switch
        {
            "get" or "create" or "update" or "patch" or "delete" => Decision.Allow(),
            "list" or "watch" or "deletecollection" => Requires(a, "spec.nodeName", node) ? Decision.Allow() : Refuse("can only list/watch/deletecollection resourceslices with nodeName field selector"),
            _ => Refuse("only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection"),
        };
    }

    /// <summary>Those of its own Pods; what it may ask for admission sees in the object.</summary>
    async ValueTask<Decision> CertificateAsync(Attributes a, string node, CancellationToken ct)
    {
        if (a.Subresource.Length > 0) return Refuse("nodes may not access the status subresource of PodCertificateRequests");
        switch (a.Verb)
        {
            case "create": return Decision.Allow();
            case "list" or "watch": return Requires(a, "spec.nodeName", node) ? Decision.Allow() : Refuse("can only list/watch podcertificaterequests with nodeName field selector");
            case "get":
                var request = await objects.FindAsync<PodCertificateRequest>(a.Namespace, a.Name, ct).ConfigureAwait(false);
                return request?.Spec.NodeName == node ? Decision.Allow() : Refuse($"no relationship found between node '{node}' and this object");
            default: return Refuse("can only get, list, watch, or create PodCertificateRequests");
        }
    }

    /// <summary>Its own Node only (KEP-4601): other Nodes' state is no business of a kubelet.</summary>
    static Decision NodeItself(Attributes a, string node)
    {
        if (a.Subresource is not ("" or "status")) return Decision.NoOpinion();
        if (a.Verb == "create" && a.Subresource.Length == 0) return Decision.Allow();
        bool own = a.Name == node || a.Verb is "list" or "watch" && Requires(a, "metadata.name", node);
        return a.Verb switch
        {
            "get" or "list" or "watch" => own ? Decision.Allow() : Refuse($"node '{node}' cannot read '{a.Name}', only its own Node object"),
            "update" or "patch" => own ? Decision.Allow() : Refuse($"node '{node}' cannot modify '{a.Name}', only its own Node object"),
            _ => Decision.NoOpinion(),
        };
    }

    async ValueTask<Decision> PodsAsync(Attributes a, string node, CancellationToken ct)
    {
        switch (a.Verb, a.Subresource)
        {
            case ("list" or "watch", "") when Requires(a, "spec.nodeName", node): return Decision.Allow();
            case ("list" or "watch", ""): return Refuse("can only list/watch pods with spec.nodeName field selector");
            // Which Pods a node may create (mirror Pods), change and evict is admission's to say: the object decides.
            case ("create" or "delete", "") or ("patch" or "update", "status") or ("create", "eviction"): return Decision.Allow();
            case ("get", ""):
                var pod = await objects.FindAsync<Pod>(a.Namespace, a.Name, ct).ConfigureAwait(false);
                return pod?.Spec.NodeName == node ? Decision.Allow() : Refuse($"no relationship found between node '{node}' and this object");
            default: return Decision.NoOpinion();
        }
    }

    static bool Requires(Attributes a, string field, string value)
    {
        try { return a.FieldSelector.Length > 0 && FieldSelector.Parse(a.FieldSelector).RequiresExactly(field, out string? exact) && exact == value; }
        catch (SelectorFormatException) { return false; }
    }

    /// <summary>Whether a Pod of the node names the object.</summary>
    async ValueTask<Decision> NamedAsync(Attributes a, string node, CancellationToken ct)
    {
        string name = a.Name;
        if (name.Length == 0 && a.Verb is "list" or "watch" && a.FieldSelector.Length > 0)
            try { if (FieldSelector.Parse(a.FieldSelector).RequiresExactly("metadata.name", out string? exact)) name = exact; }
            catch (SelectorFormatException) { }
        if (name.Length == 0) return Refuse("No Object name found");
        // Without a namespace the answer would hold every namespace's object of that name.
        bool namespaced = a.Resource != "persistentvolumes";
        if (namespaced && a.Namespace.Length == 0) return Refuse("can only read namespaced object of this type");
        var references = await ReferencesAsync(node, ct).ConfigureAwait(false);
        return references.Names(a.Resource, a.Namespace, name) || await LeadsToAsync(references, a, name, ct).ConfigureAwait(false)
            ? Decision.Allow() : Refuse($"no relationship found between node '{node}' and this object");
    }

    async ValueTask<NodeReferences> ReferencesAsync(string node, CancellationToken ct)
    {
        if (await objects.SetWithFieldAsync<Pod>("spec.nodeName", node, ct).ConfigureAwait(false) is not { } pods) return NodeReferences.None;
        return _references.GetValue(pods, static _ => new()).GetOrAdd(node, static (n, set) => NodeReferences.Of(n, set), pods);
    }

    /// <summary>Volumes are named by claims, and Secrets by volumes.</summary>
    async ValueTask<bool> LeadsToAsync(NodeReferences references, Attributes a, string name, CancellationToken ct)
    {
        if (a.Resource is not ("persistentvolumes" or "secrets")) return false;
        foreach (var (ns, claim) in references.Claims)
        {
            if (a.Resource == "secrets" && ns != a.Namespace) continue;
            var found = await objects.FindAsync<PersistentVolumeClaim>(ns, claim, ct).ConfigureAwait(false);
            if (found?.Spec.VolumeName is not { Length: > 0 } volume) continue;
            if (a.Resource == "persistentvolumes" ? volume == name
                : await objects.FindAsync<PersistentVolume>("", volume, ct).ConfigureAwait(false) is { } pv && PodReferences.Secrets(pv, ns).Contains(name)) return true;
        }
        return false;
    }

    async ValueTask<Decision> AttachmentAsync(Attributes a, string node, CancellationToken ct) =>
        await objects.FindAsync<VolumeAttachment>("", a.Name, ct).ConfigureAwait(false) is { } found && found.Spec.NodeName == node
            ? Decision.Allow() : Refuse($"no relationship found between node '{node}' and this object");
}
