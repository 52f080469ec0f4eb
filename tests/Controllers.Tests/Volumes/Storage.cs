using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Tests.Volumes;

/// <summary>Claims and volumes to test with.</summary>
static class Storage
{
    public static PersistentVolume Volume(string name, string size = "1Gi", string @class = "", string[]? modes = null, string phase = "", string policy = "Retain", ObjectReference? claim = null) => new()
    {
        Metadata = new() { Name = name, Finalizers = ["kubernetes.io/pv-protection"] },
        Spec = new()
        {
            Capacity = Map.Of(("storage", Quantity.Parse(size))), AccessModes = modes ?? ["ReadWriteOnce"], StorageClassName = @class, PersistentVolumeReclaimPolicy = policy,
            HostPath = new() { Path = "/data/" + name }, ClaimRef = claim,
        },
        Status = new() { Phase = phase },
    };

    public static PersistentVolumeClaim Claim(string name, string size = "1Gi", string? @class = "", string volume = "", string[]? modes = null) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Finalizers = ["kubernetes.io/pvc-protection"] },
        Spec = new()
        {
            AccessModes = modes ?? ["ReadWriteOnce"], StorageClassName = @class, VolumeName = volume,
            Resources = new() { Requests = Map.Of(("storage", Quantity.Parse(size))) },
        },
        Status = new() { Phase = "Pending" },
    };

    public static Api.Storage.V1.StorageClass Class(string name, bool waits = false, bool isDefault = false, string provisioner = "example.com/disk") => new()
    {
        Metadata = new() { Name = name, Annotations = isDefault ? Map.Of(("storageclass.kubernetes.io/is-default-class", "true")) : default },
        Provisioner = provisioner, VolumeBindingMode = waits ? "WaitForFirstConsumer" : "Immediate", ReclaimPolicy = "Delete",
    };

    public static Pod User(string name, string claim, string node = "") => new()
    {
        Metadata = new() { Name = name, Namespace = "default" },
        Spec = new() { NodeName = node, Containers = [new Container { Name = "main", Image = "i" }], Volumes = [new() { Name = "v", PersistentVolumeClaim = new() { ClaimName = claim } }] },
    };
}
