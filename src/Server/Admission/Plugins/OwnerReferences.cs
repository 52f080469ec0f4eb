using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets only those make an object depend on another who may delete it, and only those hold up the other's end who may set its finalizers: upstream's OwnerReferencesPermissionEnforcement.</summary>
sealed class OwnerReferences(ResourceVersions versions, IAuthorizer authorizer) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        // A kubelet that writes a Pod's status sends all of the Pod.
        operation is Operation.Create or Operation.Update && !(resource is { Group: "", Resource: "pods" } && subresource == "status");

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Object is not IObject obj) return;
        var now = obj.Metadata.OwnerReferences;
        var old = request.OldObject?.Metadata.OwnerReferences ?? default;
        if (now == old) return;
        if (await MayNotAsync(request, "delete", request.Resource, request.Subresource, request.Namespace, request.Name.Length > 0 ? request.Name : obj.Metadata.Name, ct).ConfigureAwait(false) is { } why)
            throw Refuse.Because(request, $"cannot set an ownerRef on a resource you can't delete: {why}, <nil>");

        foreach (var reference in now.Where(r => r.BlockOwnerDeletion == true && !old.Exists(o => o.Uid == r.Uid && o.BlockOwnerDeletion == true)))
        {
            var kind = (GroupVersion.Parse(reference.ApiVersion) ?? default).Kind(reference.Kind);
            if (await versions.FindAsync(kind, ct).ConfigureAwait(false) is not var (stored, _))
                throw Refuse.Because(request,
                    $"cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion {reference.ApiVersion} Kind {reference.Kind}: "
                    + $"no matches for kind \"{reference.Kind}\" in version \"{reference.ApiVersion}\"");
            var owner = new GroupVersionResource(stored.Resource.Group, kind.Version, stored.Resource.Resource);
            if (await MayNotAsync(request, "update", owner, "finalizers", stored.Namespaced ? request.Namespace : "", reference.Name, ct).ConfigureAwait(false) is { } no)
                throw Refuse.Because(request, $"cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: {no}, <nil>");
        }
    }

    /// <summary>The reason, when the user may not.</summary>
    async ValueTask<string?> MayNotAsync(AdmissionRequest request, string verb, GroupVersionResource resource, string subresource, string ns, string name, CancellationToken ct)
    {
        var decision = await authorizer.AuthorizeAsync(new()
        {
            User = request.User, Verb = verb, IsResourceRequest = true, ApiGroup = resource.Group, ApiVersion = resource.Version, Resource = resource.Resource, Subresource = subresource, Namespace = ns, Name = name,
        }, ct).ConfigureAwait(false);
        return decision.Verdict == Verdict.Allow ? null : decision.Reason;
    }
}
