using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Cri.Csi;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>What a driver is asked for a claim, and what becomes of its answer; no client. Names and forms are those of upstream's external-provisioner, so that either goes on with what the other began.</summary>
sealed record ProvisionPlan(PersistentVolumeClaim Claim, StorageClass Class, ClassParameters Parameters)
{
    /// <summary>Keeps a volume that is deleted until its storage is gone (KEP-2644).</summary>
    public const string Finalizer = "external-provisioner.volume.kubernetes.io/finalizer";
    public const string SecretNote = "volume.kubernetes.io/provisioner-deletion-secret-name", SecretNamespaceNote = "volume.kubernetes.io/provisioner-deletion-secret-namespace";
    const string Identity = "storage.kubernetes.io/csiProvisionerIdentity";

    public string Name => "pvc-" + Claim.Metadata.Uid;
    public bool Block => Claim.Spec.VolumeMode == "Block";
    /// <summary>Drivers whose volumes have a file system and whose class names none get ext4: groups are only given to volumes of a type.</summary>
    public string FsType => Block ? "" : Parameters.FsType.Length > 0 ? Parameters.FsType : "ext4";
    public long Asked => Claim.Spec.Resources.Requests["storage"].Value();
    public SecretReference? Secret => Parameters.Secret("provisioner", Name, Claim);

    public CreateVolumeRequest Request(ControllerSide side, TopologyRequirement? places, VolumeContentSource? source)
    {
        var made = new CreateVolumeRequest { Name = Name, CapacityRange = new() { RequiredBytes = Asked }, AccessibilityRequirements = places, VolumeContentSource = source };
        if (Claim.Spec.Resources.Limits.TryGet("storage", out var most)) made.CapacityRange.LimitBytes = most.Value();
        made.VolumeCapabilities.Add(side.Capabilities(Claim.Spec.AccessModes, Block, FsType, Class.MountOptions));
        foreach (var (key, value) in Parameters.Drivers) made.Parameters[key] = value;
        return made;
    }

    public PersistentVolume Volume(string driver, Cri.Csi.Volume made, bool readOnly)
    {
        var notes = Map.Of((VolumeNotes.ProvisionedBy, driver));
        if (Secret is { } secret) notes = notes.Set(SecretNote, secret.Name).Set(SecretNamespaceNote, secret.Namespace);
        return new()
        {
            Metadata = new() { Name = Name, Annotations = notes, Finalizers = Class.ReclaimPolicy is null or "Delete" ? [Finalizer] : default },
            Spec = new()
            {
                Capacity = Map.Of(("storage", made.CapacityBytes > 0 ? new Quantity(made.CapacityBytes, QuantityFormat.BinarySI) : Claim.Spec.Resources.Requests["storage"])),
                AccessModes = Claim.Spec.AccessModes, VolumeMode = Claim.Spec.VolumeMode ?? "Filesystem", MountOptions = Class.MountOptions,
                PersistentVolumeReclaimPolicy = Class.ReclaimPolicy ?? "Delete", StorageClassName = Class.Metadata.Name, VolumeAttributesClassName = Claim.Spec.VolumeAttributesClassName,
                NodeAffinity = Places.Affinity(made.AccessibleTopology),
                ClaimRef = new()
                {
                    Kind = "PersistentVolumeClaim", ApiVersion = "v1", Namespace = Claim.Metadata.Namespace, Name = Claim.Metadata.Name,
                    Uid = Claim.Metadata.Uid, ResourceVersion = Claim.Metadata.ResourceVersion,
                },
                Csi = new()
                {
                    Driver = driver, VolumeHandle = made.VolumeId, FsType = FsType, ReadOnly = readOnly,
                    VolumeAttributes = made.VolumeContext.ToMap().Set(Identity, "hanbae-" + driver),
                    ControllerPublishSecretRef = Parameters.Secret("controller-publish", Name, Claim), NodeStageSecretRef = Parameters.Secret("node-stage", Name, Claim),
                    NodePublishSecretRef = Parameters.Secret("node-publish", Name, Claim), ControllerExpandSecretRef = Parameters.Secret("controller-expand", Name, Claim),
                    NodeExpandSecretRef = Parameters.Secret("node-expand", Name, Claim),
                },
            },
        };
    }
}
