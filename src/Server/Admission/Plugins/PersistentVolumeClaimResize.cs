using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Volumes;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Lets claims grow only where their class says that its volumes can.</summary>
sealed class PersistentVolumeClaimResize(ServedObjects objects) : IValidates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Update && subresource.Length == 0 && resource is { Group: "", Resource: "persistentvolumeclaims" };

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Object: PersistentVolumeClaim claim, OldObject: PersistentVolumeClaim old }
            || claim.Spec.Resources.Requests["storage"] <= old.Spec.Resources.Requests["storage"]) return;
        if (old.Status.Phase != "Bound") throw Refuse.Because(request, "Only bound persistent volume claims can be expanded");
        string name = VolumeNotes.ClassOf(claim);
        // Who takes on a class may not grow by it in the same breath.
        if (name.Length == 0 || VolumeNotes.ClassOf(old) != name || await objects.FindAsync<StorageClass>("", name, ct).ConfigureAwait(false) is not { AllowVolumeExpansion: true })
            throw Refuse.Because(request, "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
    }
}
