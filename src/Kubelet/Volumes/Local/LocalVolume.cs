using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Kubelet.Volumes.Local;

/// <summary>What a volume made for a claim looks like; no client, no disk.</summary>
static class LocalVolume
{
    public const string Provisioner = "hanbae.dev/local", NodeNote = "hanbae.dev/node";
    /// <summary>Keeps a volume that is deleted until its folder is gone (KEP-2644).</summary>
    public const string Finalizer = "external-provisioner.volume.kubernetes.io/finalizer";
    const string Hostname = "kubernetes.io/hostname";

    public static string NameFor(PersistentVolumeClaim claim) => "pvc-" + claim.Metadata.Uid;

    /// <summary>Why no volume can be made for the claim; null when one can.</summary>
    public static string? Unfit(PersistentVolumeClaim claim, StorageClass made) =>
        made.Parameters.TryGet(SizeLimit, out string? limit) && limit != "enforced" ? $"parameter {SizeLimit} must be \"enforced\", not \"{limit}\""
        : claim.Spec.VolumeMode == "Block" ? "volumeMode Block is not supported: local volumes are folders"
        : claim.Spec.Selector is not null ? "claim Selector is not supported"
        : claim.Spec.DataSourceRef is not null || claim.Spec.DataSource is not null ? "local volumes cannot be filled from a data source"
        : null;

    /// <summary>What a class says of its volumes' sizes: <c>enforced</c>, or nothing, and then they are promises to the scheduler.</summary>
    public const string SizeLimit = "sizeLimit";

    /// <summary>What the claim's volume may hold; 0 for as much as the disk does.</summary>
    public static long LimitOf(PersistentVolumeClaim claim, StorageClass? made) => made?.Parameters[SizeLimit] == "enforced" ? claim.Spec.Resources.Requests["storage"].Value() : 0;

    public static bool Allowed(StorageClass made, Node node) =>
        made.AllowedTopologies.IsEmpty || made.AllowedTopologies.Exists(t =>
            t.MatchLabelExpressions.All(e => node.Metadata.Labels.TryGet(e.Key, out string? value) && e.Values.Contains(value)));

    public static PersistentVolume For(PersistentVolumeClaim claim, StorageClass made, Node node, string path) => new()
    {
        Metadata = new()
        {
            Name = NameFor(claim),
            Annotations = Map.Of((VolumeNotes.ProvisionedBy, Provisioner), (NodeNote, node.Metadata.Name)),
            Finalizers = [Finalizer],
        },
        Spec = new()
        {
            Capacity = Map.Of(("storage", claim.Spec.Resources.Requests["storage"])),
            AccessModes = claim.Spec.AccessModes, VolumeMode = "Filesystem", MountOptions = made.MountOptions,
            PersistentVolumeReclaimPolicy = made.ReclaimPolicy ?? "Delete", StorageClassName = made.Metadata.Name,
            VolumeAttributesClassName = claim.Spec.VolumeAttributesClassName,
            Local = new() { Path = path },
            ClaimRef = new()
            {
                Kind = "PersistentVolumeClaim", ApiVersion = "v1", Namespace = claim.Metadata.Namespace, Name = claim.Metadata.Name,
                Uid = claim.Metadata.Uid, ResourceVersion = claim.Metadata.ResourceVersion,
            },
            NodeAffinity = new()
            {
                Required = new()
                {
                    NodeSelectorTerms =
                    [
                        new() { MatchExpressions = [new() { Key = Hostname, Operator = "In", Values = [node.Metadata.Labels.TryGet(Hostname, out string? host) ? host : node.Metadata.Name] }] },
                    ],
                },
            },
        },
    };
}
