using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Pods;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Auth.Authorizers;

/// <summary>All that the Pods of one node name: what its kubelet may read.</summary>
sealed class NodeReferences
{
    readonly HashSet<(string Resource, string Namespace, string Name)> _names = [];
    readonly HashSet<(string Namespace, string Name)> _claims = [];

    NodeReferences() { }

    public static NodeReferences None { get; } = new();

    /// <param name="pods">Those of the node are among them.</param>
    public static NodeReferences Of(string node, Sorted pods)
    {
        var table = new NodeReferences();
        foreach (var item in pods.Between("", ""))
            // A mirror Pod is the node's own claim: it grants nothing.
            if (item.Object is Pod pod && pod.Spec.NodeName == node && !PodReferences.IsMirror(pod)) table.Add(pod);
        return table;
    }

    void Add(Pod pod)
    {
        string ns = pod.Metadata.Namespace;
        if (pod.Spec.ServiceAccountName.Length > 0) _names.Add(("serviceaccounts", ns, pod.Spec.ServiceAccountName));
        foreach (string name in PodReferences.Secrets(pod)) _names.Add(("secrets", ns, name));
        foreach (string name in PodReferences.ConfigMaps(pod)) _names.Add(("configmaps", ns, name));
        foreach (string name in PodReferences.ResourceClaims(pod)) _names.Add(("resourceclaims", ns, name));
        foreach (string name in PodReferences.Claims(pod))
        {
            _names.Add(("persistentvolumeclaims", ns, name));
            _claims.Add((ns, name));
        }
    }

    public bool Names(string resource, string ns, string name) => _names.Contains((resource, ns, name));

    /// <summary>Claims, by which volumes and their Secrets are found.</summary>
    public IReadOnlyCollection<(string Namespace, string Name)> Claims => _claims;
}
