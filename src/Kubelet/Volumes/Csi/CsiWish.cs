using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Csi;
using static Hanbae.Cri.Csi.VolumeCapability.Types;
using NodeCan = Hanbae.Cri.Csi.NodeServiceCapability.Types.RPC.Types.Type;
using Volume = Hanbae.Api.Core.V1.Volume;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>What a Pod wants of a driver: a claim's volume and an inline one, in one form.</summary>
/// <param name="Volume">As the Pod calls it.</param>
/// <param name="Name">Of the PersistentVolume; of the Pod's volume where it is inline.</param>
sealed record CsiWish(Pod Pod, string Volume, string Name, string Driver, string Handle)
{
    public bool Inline { get; init; }
    public bool Block { get; init; }
    public bool ReadOnly { get; init; }
    public string FsType { get; init; } = "";
    public Seq<string> MountOptions { get; init; }
    /// <summary>Empty for inline volumes.</summary>
    public Seq<string> AccessModes { get; init; }
    public Map<string> Attributes { get; init; }
    public SecretReference? StageSecret { get; init; }
    public SecretReference? PublishSecret { get; init; }
    public SecretReference? ExpandSecret { get; init; }

    public string Uid => Pod.Metadata.Uid;
    public string UniqueName => CsiPaths.UniqueName(Driver, Handle);

    public static CsiWish Of(Pod pod, string volume, PersistentVolume persistent, bool readOnly)
    {
        var csi = persistent.Spec.Csi!;
        return new(pod, volume, persistent.Metadata.Name, csi.Driver, csi.VolumeHandle)
        {
            Block = persistent.Spec.VolumeMode == "Block", ReadOnly = readOnly, FsType = csi.FsType, MountOptions = persistent.Spec.MountOptions, AccessModes = persistent.Spec.AccessModes,
            Attributes = csi.VolumeAttributes, StageSecret = csi.NodeStageSecretRef, PublishSecret = csi.NodePublishSecretRef, ExpandSecret = csi.NodeExpandSecretRef,
        };
    }

    public static CsiWish Of(Pod pod, Volume volume)
    {
        var csi = volume.Csi!;
        return new(pod, volume.Name, volume.Name, csi.Driver, CsiPaths.InlineHandle(pod.Metadata.Uid, volume.Name))
        {
            Inline = true, ReadOnly = csi.ReadOnly == true, FsType = csi.FsType ?? "", Attributes = csi.VolumeAttributes,
            PublishSecret = csi.NodePublishSecretRef is { } secret ? new() { Name = secret.Name, Namespace = pod.Metadata.Namespace } : null,
        };
    }

    /// <param name="can">Of the driver's node side.</param>
    /// <param name="group">The group that the driver itself is to give the volume to (VOLUME_MOUNT_GROUP).</param>
    public VolumeCapability Capability(IReadOnlySet<NodeCan> can, long? group)
    {
        // As upstream: the first mode is the one, and one Pod alone is told apart only to drivers that know the difference (KEP-2485).
        bool tells = can.Contains(NodeCan.SingleNodeMultiWriter);
        var made = new VolumeCapability { AccessMode = new() { Mode = ModeOf(AccessModes.IsEmpty ? "ReadWriteOnce" : AccessModes[0], tells) } };
        if (Block) made.Block = new();
        else
        {
            made.Mount = new() { FsType = FsType, VolumeMountGroup = group?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "" };
            made.Mount.MountFlags.Add(MountOptions);
        }
        return made;
    }

    public static AccessMode.Types.Mode ModeOf(string mode, bool tellsWritersApart) => mode switch
    {
        "ReadOnlyMany" => AccessMode.Types.Mode.MultiNodeReaderOnly,
        "ReadWriteMany" => AccessMode.Types.Mode.MultiNodeMultiWriter,
        "ReadWriteOncePod" when tellsWritersApart => AccessMode.Types.Mode.SingleNodeSingleWriter,
        "ReadWriteOnce" when tellsWritersApart => AccessMode.Types.Mode.SingleNodeMultiWriter,
        _ => AccessMode.Types.Mode.SingleNodeWriter,
    };

    /// <summary>Whether the files are to be given to the Pod's <c>fsGroup</c>, by the policy that the driver declared.</summary>
    public bool TakesGroup(string policy) => !ReadOnly && !Block && policy switch
    {
        "None" => false,
        "File" => true,
        _ => FsType.Length > 0 && (Inline || AccessModes.Exists(m => m is "ReadWriteOnce" or "ReadWriteOncePod")),
    };

    public VolumeData Data(string node, string attachment) => new(Name, Handle, Driver) { Node = node, Attachment = attachment, Inline = Inline };
}
