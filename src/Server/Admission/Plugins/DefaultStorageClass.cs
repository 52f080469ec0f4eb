using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Volumes;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Gives claims that name no storage class the default one, if there is one.</summary>
sealed class DefaultStorageClass(ServedObjects objects) : IMutates
{
    const string Default = "storageclass.kubernetes.io/is-default-class", BetaDefault = "storageclass.beta.kubernetes.io/is-default-class";

    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Create && subresource.Length == 0 && resource is { Group: "", Resource: "persistentvolumeclaims" };

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        // An empty name is an answer too: no class.
        if (request.Object is not PersistentVolumeClaim claim || VolumeNotes.NamesClass(claim)) return request.Object;
        var chosen = (await objects.ListAsync<StorageClass>("", ct).ConfigureAwait(false)).Where(IsDefault)
            .OrderByDescending(c => c.Metadata.CreationTimestamp).ThenBy(c => c.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();
        return chosen is null ? claim : claim with { Spec = claim.Spec with { StorageClassName = chosen.Metadata.Name } };
    }

    static bool IsDefault(StorageClass c) => c.Metadata.Annotations[Default] == "true" || c.Metadata.Annotations[BetaDefault] == "true";
}
