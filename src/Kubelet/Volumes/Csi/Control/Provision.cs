using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Machinery.Volumes;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Makes a driver's volumes for claims of its classes, and removes them: what upstream's external-provisioner does.</summary>
/// <remarks>Keys without a namespace are volumes, the others claims. A volume's name is made from its claim's uid, so that asking again never makes a second one.</remarks>
sealed class Provision(IClusterAccess cluster, ControllerSide side, Sidecars sidecars, Sources sources) : IReconciler
{
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();
    readonly ICache<StorageClass> _classes = cluster.Cache<StorageClass>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();
    readonly ICache<CSINode> _csiNodes = cluster.Cache<CSINode>();
    readonly ICache<VolumeAttachment> _attachments = cluster.Cache<VolumeAttachment>();

    public void Watch(Triggers on) => on
        .When(_claims, e => e.New is { } claim && Asks(claim))
        .When(_volumes, e => e.New is { } volume && IsOurs(volume))
        // A volume that is still attached waits until it is not.
        .Map(_attachments, a => a.Spec.Attacher == side.Name && a.Spec.Source.PersistentVolumeName is { } name ? [new Key("", name)] : [])
        // A class that is seen after its claims.
        .From(add => _classes.Subscribe(e =>
        {
            if (e.New is not { } now || now.Provisioner != side.Name) return;
            foreach (var claim in _claims.All)
                if (Asks(claim) && VolumeNotes.ClassOf(claim) == now.Metadata.Name) add(Key.Of(claim));
        }))
        .Needs(_nodes).Needs(_csiNodes);

    bool Asks(PersistentVolumeClaim claim) =>
        claim.Spec.VolumeName.Length == 0 && (claim.Metadata.Annotations[VolumeNotes.Provisioner] ?? claim.Metadata.Annotations[VolumeNotes.BetaProvisioner]) == side.Name;

    /// <summary>Whether a volume is this driver's to remove: one that it made, or that somebody wrote for what it has.</summary>
    bool IsOurs(PersistentVolume volume) =>
        volume.Spec.Csi?.Driver == side.Name && (!volume.Metadata.Annotations.TryGet(VolumeNotes.ProvisionedBy, out string? maker) || maker == side.Name);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (!side.Does(ControllerCan.CreateDeleteVolume)) return Again.OnChange;
        if (sidecars.Serve(Sidecars.Provisioner, takesBack: key.Namespace.Length == 0)) return Again.In(Sidecars.Period);
        if (key.Namespace.Length == 0) return _volumes.Find(key) is { } volume && IsOurs(volume) ? await ReclaimAsync(volume, ct).ConfigureAwait(false) : Again.OnChange;
        if (_claims.Find(key) is not { Metadata.DeletionTimestamp: null } claim || !Asks(claim)) return Again.OnChange;
        return await MakeAsync(claim, ct).ConfigureAwait(false);
    }

    async Task<Again> MakeAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        if (_volumes.Find(new("", "pvc-" + claim.Metadata.Uid)) is not null || _classes.Find(new("", VolumeNotes.ClassOf(claim))) is not { } made || made.Provisioner != side.Name) return Again.OnChange;
        bool chosen = claim.Metadata.Annotations.TryGet(VolumeNotes.SelectedNode, out string? node);
        if (!chosen && made.VolumeBindingMode == "WaitForFirstConsumer") return Again.OnChange;
        try
        {
            if (claim.Spec.Selector is not null) throw new SecretException("claim Selector is not supported");
            var plan = new ProvisionPlan(claim, made, new(made.Parameters));
            TopologyRequirement? places = null;
            if (side.KnowsPlaces)
            {
                if (chosen && _nodes.Find(new("", node!)) is null) return await RescheduleAsync(claim, ct).ConfigureAwait(false);
                var all = Places.Of(side.Name, _csiNodes.All, n => _nodes.Find(new("", n)));
                var place = chosen ? Places.Of(side.Name, _csiNodes.Find(new("", node!)), _nodes.Find(new("", node!))) : null;
                if (chosen && place is null) throw new SecretException($"error generating accessibility requirements: no topology key found on CSINode {node}");
                places = Places.Required(all, made.AllowedTopologies, place, claim.Metadata.Uid) ?? throw new SecretException("error generating accessibility requirements: no available topology found");
            }
            var source = await sources.OfAsync(claim, side, ct).ConfigureAwait(false);
            cluster.Recorder.Event(claim, "Normal", "Provisioning", $"External provisioner is provisioning volume for claim \"{Key.Of(claim)}\"");
            var request = plan.Request(side, places, source);
            if (claim.Spec.VolumeAttributesClassName is { Length: > 0 } attributes)
            {
                // Asked now, seldom: a volume with other attributes than those asked for is not what was asked for.
                var @class = await cluster.Client.FindAsync<VolumeAttributesClass>(new Key("", attributes), ct).ConfigureAwait(false) ?? throw new SecretException($"volumeattributesclass \"{attributes}\" not found");
                if (!side.Does(ControllerCan.ModifyVolume)) throw new SecretException("CSI driver does not support VolumeAttributesClass");
                if (@class.DriverName != side.Name) throw new SecretException($"VAC {attributes} referenced in PVC is for driver {@class.DriverName} which does not match driver name {side.Name}");
                foreach (var (name, value) in @class.Parameters) request.MutableParameters[name] = value;
            }
            await ControllerSide.PutSecretsAsync(cluster.Client, request.Secrets, plan.Secret, ct).ConfigureAwait(false);
            var answer = (await side.Driver.CallAsync(CsiMethods.CreateVolume, request, ct).ConfigureAwait(false)).Volume;
            if (answer.CapacityBytes > 0 && answer.CapacityBytes < plan.Asked)
            {
                await DeleteAsync(answer.VolumeId, plan.Secret, ct).ConfigureAwait(false);
                throw new SecretException($"created volume capacity {answer.CapacityBytes} less than requested capacity {plan.Asked}");
            }
            bool readOnly = !claim.Spec.AccessModes.IsEmpty && claim.Spec.AccessModes.All(m => m == "ReadOnlyMany");
            try { await cluster.Client.CreateAsync(plan.Volume(side.Name, answer, readOnly), ct).ConfigureAwait(false); }
            catch (ApiException e) when (e.IsAlreadyExists) { return Again.OnChange; }
            cluster.Recorder.Event(claim, "Normal", "ProvisioningSucceeded", $"Successfully provisioned volume {plan.Name}");
            return Again.OnChange;
        }
        catch (Exception e) when (e is GrpcException or SecretException or NotYetException && !ct.IsCancellationRequested)
        {
            cluster.Recorder.Event(claim, "Warning", "ProvisioningFailed", $"failed to provision volume with StorageClass \"{made.Metadata.Name}\": {e.Message}");
            // As upstream: where there is no room another node may have some.
            if (chosen && side.KnowsPlaces && e is GrpcException { Status: GrpcStatus.ResourceExhausted }) return await RescheduleAsync(claim, ct).ConfigureAwait(false);
            return Again.WithBackoff;
        }
    }

    async Task<Again> RescheduleAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        await cluster.Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Annotations = claim.Metadata.Annotations.Where(a => a.Key != VolumeNotes.SelectedNode).ToMap() } }, ct).ConfigureAwait(false);
        return Again.OnChange;
    }

    async Task<Again> ReclaimAsync(PersistentVolume volume, CancellationToken ct)
    {
        bool deleted = volume.Metadata.DeletionTimestamp is not null, held = volume.HasFinalizer(ProvisionPlan.Finalizer);
        bool deletes = volume.Spec.PersistentVolumeReclaimPolicy == "Delete";
        // While it is bound, what it holds is kept from going without its storage, or is let go of when that is to stay.
        if (deletes && !deleted && !held && volume.Status.Phase == "Bound") await cluster.Client.AddFinalizerAsync(volume, ProvisionPlan.Finalizer, ct).ConfigureAwait(false);
        if (!deletes && held && !deleted) await cluster.Client.RemoveFinalizerAsync(volume, ProvisionPlan.Finalizer, ct).ConfigureAwait(false);
        if (volume.Status.Phase == "Bound" || !((deletes && volume.Status.Phase is "Released" or "Failed") || (deleted && held))) return Again.OnChange;
        if (deletes)
            try
            {
                if (_attachments.All.FirstOrDefault(a => a.Spec.Source.PersistentVolumeName == volume.Metadata.Name) is { } attached)
                    throw new NotYetException($"persistentvolume {volume.Metadata.Name} is still attached to node {attached.Spec.NodeName}");
                volume.Metadata.Annotations.TryGet(ProvisionPlan.SecretNote, out string? secret);
                volume.Metadata.Annotations.TryGet(ProvisionPlan.SecretNamespaceNote, out string? ns);
                await DeleteAsync(volume.Spec.Csi!.VolumeHandle, string.IsNullOrEmpty(secret) ? null : new() { Name = secret, Namespace = ns ?? "" }, ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is GrpcException or SecretException or NotYetException && !ct.IsCancellationRequested)
            {
                cluster.Recorder.Event(volume, "Warning", "VolumeFailedDelete", e.Message);
                return Again.WithBackoff;
            }
        if (!deleted) await cluster.Client.TryDeleteAsync<PersistentVolume>(Key.Of(volume), new() { Preconditions = new() { Uid = volume.Metadata.Uid } }, ct).ConfigureAwait(false);
        if (held)
        {
            if (!deleted && await cluster.Client.FindAsync(volume, ct).ConfigureAwait(false) is { } now && now.Metadata.Uid == volume.Metadata.Uid) volume = now;
            await cluster.Client.RemoveFinalizerAsync(volume, ProvisionPlan.Finalizer, ct).ConfigureAwait(false);
        }
        return Again.OnChange;
    }

    async Task DeleteAsync(string handle, SecretReference? secret, CancellationToken ct)
    {
        var request = new DeleteVolumeRequest { VolumeId = handle };
        await ControllerSide.PutSecretsAsync(cluster.Client, request.Secrets, secret, ct).ConfigureAwait(false);
        await side.Driver.CallAsync(CsiMethods.DeleteVolume, request, ct).ConfigureAwait(false);
    }
}

/// <summary>Something has to happen elsewhere first.</summary>
sealed class NotYetException(string message) : Exception(message);
