using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Machinery.Volumes.Clouds;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Has a driver bring volumes to nodes and take them away as VolumeAttachments ask: what upstream's external-attacher does.</summary>
sealed class Bring(IClusterAccess cluster, ControllerSide side, Sidecars sidecars) : IReconciler
{
    readonly ICache<VolumeAttachment> _attachments = cluster.Cache<VolumeAttachment>();
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();
    readonly ICache<CSINode> _nodes = cluster.Cache<CSINode>();

    /// <summary>Keeps an attachment until the volume is off the node, and a volume while it is attached.</summary>
    string Finalizer => "external-attacher/" + side.Name.Replace('.', '-');

    public void Watch(Triggers on) => on
        .When(_attachments, e => e.New?.Spec.Attacher == side.Name)
        // What failed for want of the node's name in the driver's eyes.
        .From(add => _nodes.Subscribe(e =>
        {
            foreach (var attachment in _attachments.All)
                if (attachment.Spec.Attacher == side.Name && attachment.Spec.NodeName == e.Object.Metadata.Name && !attachment.Status.Attached) add(Key.Of(attachment));
        }))
        .Needs(_volumes).Needs(_nodes);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_attachments.Find(key) is not { } attachment || attachment.Spec.Attacher != side.Name) return Again.OnChange;
        bool leaves = attachment.Metadata.DeletionTimestamp is not null;
        if (sidecars.Serve(Sidecars.Attacher, takesBack: leaves)) return Again.In(Sidecars.Period);
        if (!side.Does(ControllerCan.PublishUnpublishVolume))
        {
            // A driver that does not attach, and is not declared so: there is nothing to wait for.
            if (leaves) await cluster.Client.RemoveFinalizerAsync(attachment, Finalizer, ct).ConfigureAwait(false);
            else if (!attachment.Status.Attached) await cluster.Client.UpdateStatusAsync(attachment with { Status = new() { Attached = true } }, ct).ConfigureAwait(false);
            return Again.OnChange;
        }
        if (leaves ? !attachment.HasFinalizer(Finalizer) : attachment.Status.Attached) return Again.OnChange;
        try
        {
            if (leaves) await TakeAwayAsync(attachment, ct).ConfigureAwait(false);
            else await BringAsync(attachment, ct).ConfigureAwait(false);
            return Again.OnChange;
        }
        catch (Exception e) when (e is GrpcException or SecretException or NotYetException && !ct.IsCancellationRequested)
        {
            var error = new VolumeError { Time = cluster.Time.GetUtcNow(), Message = e.Message, ErrorCode = e is GrpcException g ? (int)g.Status : null };
            await cluster.Client.UpdateWithRetryAsync<VolumeAttachment>(key,
                a => a with { Status = leaves ? a.Status with { DetachError = error } : a.Status with { AttachError = error } }, ct, "status").ConfigureAwait(false);
            return Again.WithBackoff;
        }
    }

    async Task BringAsync(VolumeAttachment attachment, CancellationToken ct)
    {
        var volume = await VolumeAsync(attachment, ct).ConfigureAwait(false);
        if (volume.Metadata.DeletionTimestamp is not null) throw new NotYetException($"PersistentVolume \"{volume.Metadata.Name}\" is marked for deletion");
        string node = NodeId(attachment);
        // Written before the driver is asked: whatever happens, somebody will take the volume away again.
        attachment = await cluster.Client.AddFinalizerAsync(attachment, Finalizer, ct).ConfigureAwait(false);
        if (await StoredAsync(attachment, ct).ConfigureAwait(false) is { } stored) await cluster.Client.AddFinalizerAsync(stored, Finalizer, ct).ConfigureAwait(false);
        var csi = volume.Spec.Csi!;
        var request = new ControllerPublishVolumeRequest
        {
            VolumeId = CloudDisks.HandleFor(csi, node), NodeId = node, VolumeCapability = side.Capability(volume), Readonly = csi.ReadOnly && side.Does(ControllerCan.PublishReadonly),
        };
        foreach (var (name, value) in csi.VolumeAttributes) request.VolumeContext[name] = value;
        await ControllerSide.PutSecretsAsync(cluster.Client, request.Secrets, csi.ControllerPublishSecretRef, ct).ConfigureAwait(false);
        var answer = await side.Driver.CallAsync(CsiMethods.ControllerPublishVolume, request, ct).ConfigureAwait(false);
        await cluster.Client.UpdateStatusAsync(attachment with { Status = new() { Attached = true, AttachmentMetadata = answer.PublishContext.ToMap() } }, ct).ConfigureAwait(false);
    }

    async Task TakeAwayAsync(VolumeAttachment attachment, CancellationToken ct)
    {
        var volume = await VolumeAsync(attachment, ct).ConfigureAwait(false);
        string node = NodeId(attachment);
        var csi = volume.Spec.Csi!;
        var request = new ControllerUnpublishVolumeRequest { VolumeId = CloudDisks.HandleFor(csi, node), NodeId = node };
        await ControllerSide.PutSecretsAsync(cluster.Client, request.Secrets, csi.ControllerPublishSecretRef, ct).ConfigureAwait(false);
        try { await side.Driver.CallAsync(CsiMethods.ControllerUnpublishVolume, request, ct).ConfigureAwait(false); }
        catch (GrpcException e) when (e.Status == GrpcStatus.NotFound) { } // no volume, or no node: it is not there
        bool last = !_attachments.All.Any(a => a.Metadata.Name != attachment.Metadata.Name && a.Spec.Attacher == side.Name && a.Spec.Source.PersistentVolumeName == volume.Metadata.Name);
        if (last && attachment.Spec.Source.PersistentVolumeName is not null && await cluster.Client.FindAsync(volume, ct).ConfigureAwait(false) is { } now)
            await cluster.Client.RemoveFinalizerAsync(now, Finalizer, ct).ConfigureAwait(false);
        await cluster.Client.RemoveFinalizerAsync(attachment, Finalizer, ct).ConfigureAwait(false);
    }

    async Task<PersistentVolume> VolumeAsync(VolumeAttachment attachment, CancellationToken ct)
    {
        var stored = await StoredAsync(attachment, ct).ConfigureAwait(false);
        return CloudDisks.Of(attachment, _ => stored) is { Spec.Csi: { } csi } volume && csi.Driver == side.Name ? volume
            : throw new NotYetException($"could not get PersistentVolume \"{attachment.Spec.Source.PersistentVolumeName}\" of CSI driver {side.Name}");
    }

    /// <summary>Null where a Pod names the disk itself. A volume that was made this moment may not be in the cache.</summary>
    async ValueTask<PersistentVolume?> StoredAsync(VolumeAttachment attachment, CancellationToken ct) =>
        attachment.Spec.Source.PersistentVolumeName is not { Length: > 0 } name ? null : _volumes.Find(new("", name)) ?? await cluster.Client.FindAsync<PersistentVolume>(new Key("", name), ct).ConfigureAwait(false);

    string NodeId(VolumeAttachment attachment) => _nodes.Find(new("", attachment.Spec.NodeName))?.Spec.Drivers.Find(d => d.Name == side.Name)?.NodeID
        ?? throw new NotYetException($"CSINode {attachment.Spec.NodeName} does not contain driver {side.Name}");
}
