using Hanbae.Api;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Keeps claims and volumes that are in use when they are deleted: a controller takes the finalizer off when they no longer are.</summary>
sealed class StorageObjectInUseProtection : IMutates
{
    public bool Handles(Operation operation, GroupResource resource, string subresource) =>
        operation == Operation.Create && subresource.Length == 0 && FinalizerOf(resource).Length > 0;

    static string FinalizerOf(GroupResource resource) => (resource.Group, resource.Resource) switch
    {
        ("", "persistentvolumeclaims") => "kubernetes.io/pvc-protection",
        ("", "persistentvolumes") => "kubernetes.io/pv-protection",
        ("storage.k8s.io", "volumeattributesclasses") => "kubernetes.io/vac-protection",
        _ => "",
    };

    public ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        string finalizer = FinalizerOf(request.Resource.GroupResource);
        return new(request.Object is IObject obj && !obj.Metadata.Finalizers.Contains(finalizer)
            ? obj.WithMetadata(obj.Metadata with { Finalizers = obj.Metadata.Finalizers.Add(finalizer) }) : request.Object);
    }
}
