using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Namespace = Hanbae.Api.Core.V1.Namespace;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets devices that others use be looked into only from namespaces that are for this (KEP-5018). Upstream's storage checks it, so no plugin can be turned off to go without.</summary>
sealed class DeviceAdminAccess(ServedObjects objects) : IValidates
{
    const string Label = "resource.kubernetes.io/admin-access";

    public bool Handles(Operation operation, GroupResource resource, string subresource) => resource.Group == "resource.k8s.io"
        && (operation == Operation.Create && subresource.Length == 0 && resource.Resource is "resourceclaims" or "resourceclaimtemplates"
            || operation == Operation.Update && subresource == "status" && resource.Resource == "resourceclaims");

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        var (requests, at) = request switch
        {
            { Subresource: "status", Object: ResourceClaim { Status.Allocation: { } now }, OldObject: ResourceClaim { Status.Allocation: var was } } => (now == was ? [] : Given(now), "status.allocation.devices.results"),
            { Subresource: "", Object: ResourceClaim claim } => (Asking(claim.Spec), "spec.devices.requests"),
            { Object: ResourceClaimTemplate template } => (Asking(template.Spec.Spec), "spec.spec.devices.requests"),
            _ => (Enumerable.Empty<int>(), ""),
        };
        if (requests.Cast<int?>().FirstOrDefault() is not { } index) return;
        var ns = await objects.FindAsync<Namespace>("", request.Namespace, ct).ConfigureAwait(false);
        if (ns?.Metadata.Labels[Label] == "true") return;
        throw Statuses.Invalid(request.Kind, request.Name,
            [FieldError.Forbidden($"{at}[{index}].adminAccess", $"admin access to devices requires the `{Label}: true` label on the containing namespace")]);
    }

    static IEnumerable<int> Given(AllocationResult allocation) => allocation.Devices.Results.Index().Where(r => r.Item.AdminAccess == true).Select(r => r.Index);

    static IEnumerable<int> Asking(ResourceClaimSpec spec) => spec.Devices.Requests.Index().Where(r => r.Item.Exactly?.AdminAccess == true).Select(r => r.Index);
}
