using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Machinery.Volumes;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Has a driver make volumes larger as claims ask: what upstream's external-resizer does. What is left for the node to do, the kubelet does.</summary>
sealed class Resize(IClusterAccess cluster, ControllerSide side, Sidecars sidecars) : IReconciler
{
    const string Storage = "storage";

    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();
    readonly ICache<StorageClass> _classes = cluster.Cache<StorageClass>();

    public void Watch(Triggers on) => on
        .When(_claims, e => e.New is { Status.Phase: "Bound" } claim && claim.Spec.Resources.Requests[Storage] > claim.Status.Capacity[Storage])
        // Which of them is seen first nobody says.
        .From(add => _volumes.Subscribe(e => { if (side.ClaimNewTo(e) is { } claim) add(claim); }))
        .From(add => _classes.Subscribe(e =>
        {
            if (e.New is not { AllowVolumeExpansion: true } now || e.Old is { AllowVolumeExpansion: true } || now.Provisioner != side.Name) return;
            foreach (var claim in _claims.All)
                if (VolumeNotes.ClassOf(claim) == now.Metadata.Name && claim.Spec.Resources.Requests[Storage] > claim.Status.Capacity[Storage]) add(Key.Of(claim));
        }));

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        // Read anew: what was tried and cannot be done may not have come back yet.
        if (_claims.Find(key) is not { Status.Phase: "Bound" } known || known.Spec.Resources.Requests[Storage] <= known.Status.Capacity[Storage]) return Again.OnChange;
        if (await cluster.Client.FindAsync(known, ct).ConfigureAwait(false) is not { Status.Phase: "Bound", Metadata.DeletionTimestamp: null } claim
            || _volumes.Find(new("", claim.Spec.VolumeName)) is not { Spec.Csi: { } csi } volume
            || csi.Driver != side.Name || volume.Spec.ClaimRef?.Uid != claim.Metadata.Uid) return Again.OnChange;
        var asked = claim.Spec.Resources.Requests[Storage];
        // As the claim says, which was read anew: the volume may be seen as it was before it grew.
        if (claim.Status.Capacity[Storage] >= asked || claim.Status.AllocatedResources[Storage] == asked && IsTheNodes(claim.Status.AllocatedResourceStatuses[Storage])) return Again.OnChange;
        if (volume.Spec.Capacity[Storage] >= asked || !side.Does(ControllerCan.ExpandVolume)) return Again.OnChange; // the rest is the kubelet's
        if (_classes.Find(new("", VolumeNotes.ClassOf(claim))) is not { AllowVolumeExpansion: true }) return Again.OnChange;
        // KEP-1790: what can never be done is not tried again before something else is asked.
        if (claim.Status.AllocatedResourceStatuses[Storage] == "ControllerResizeInfeasible" && claim.Status.AllocatedResources[Storage] == asked) return Again.OnChange;
        if (sidecars.Serve(Sidecars.Resizer)) return Again.In(Sidecars.Period);

        claim = await StatusAsync(key, c => Marked(c, "ControllerResizeInProgress", asked, new() { Type = "Resizing", Status = "True", LastTransitionTime = cluster.Time.GetUtcNow() }), ct).ConfigureAwait(false);
        cluster.Recorder.Event(claim, "Normal", "Resizing", $"External resizer is resizing volume {volume.Metadata.Name}");
        ControllerExpandVolumeResponse answer;
        try
        {
            var request = new ControllerExpandVolumeRequest { VolumeId = csi.VolumeHandle, CapacityRange = new() { RequiredBytes = asked.Value() }, VolumeCapability = side.Capability(volume) };
            await ControllerSide.PutSecretsAsync(cluster.Client, request.Secrets, csi.ControllerExpandSecretRef, ct).ConfigureAwait(false);
            answer = await side.Driver.CallAsync(CsiMethods.ControllerExpandVolume, request, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is GrpcException or SecretException && !ct.IsCancellationRequested)
        {
            cluster.Recorder.Event(claim, "Warning", "VolumeResizeFailed", $"resize volume \"{volume.Metadata.Name}\" by resizer \"{side.Name}\" failed: {e.Message}");
            if (e is not GrpcException { Status: GrpcStatus.InvalidArgument or GrpcStatus.OutOfRange or GrpcStatus.NotFound }) return Again.WithBackoff;
            await StatusAsync(key, c => c with { Status = c.Status with { AllocatedResourceStatuses = c.Status.AllocatedResourceStatuses.Set(Storage, "ControllerResizeInfeasible") } }, ct).ConfigureAwait(false);
            return Again.OnChange;
        }
        var size = answer.CapacityBytes > asked.Value() ? new Quantity(answer.CapacityBytes, QuantityFormat.BinarySI) : asked;
        await cluster.Client.UpdateWithRetryAsync<PersistentVolume>(Key.Of(volume), v => v with { Spec = v.Spec with { Capacity = v.Spec.Capacity.Set(Storage, size) } }, ct).ConfigureAwait(false);
        if (answer.NodeExpansionRequired)
        {
            claim = await StatusAsync(key, c => Marked(c, "NodeResizePending", asked, new()
            {
                Type = "FileSystemResizePending", Status = "True", LastTransitionTime = cluster.Time.GetUtcNow(), Message = "Waiting for user to (re-)start a pod to finish file system resize of volume on node.",
            }), ct).ConfigureAwait(false);
            cluster.Recorder.Event(claim, "Normal", "FileSystemResizeRequired", "Require file system resize of volume on node");
            return Again.OnChange;
        }
        claim = await StatusAsync(key, c => c with
        {
            Status = c.Status with
            {
                Capacity = c.Status.Capacity.Set(Storage, size), AllocatedResourceStatuses = c.Status.AllocatedResourceStatuses.Where(r => r.Key != Storage).ToMap(),
                Conditions = c.Status.Conditions.Where(n => n.Type is not ("Resizing" or "FileSystemResizePending")).ToSeq(),
            },
        }, ct).ConfigureAwait(false);
        cluster.Recorder.Event(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded");
        return Again.OnChange;
    }

    /// <summary>The driver's controller side has done its part.</summary>
    static bool IsTheNodes(string? status) => status is "NodeResizePending" or "NodeResizeInProgress" or "NodeResizeInfeasible";

    static PersistentVolumeClaim Marked(PersistentVolumeClaim claim, string status, Quantity asked, PersistentVolumeClaimCondition condition) => claim with
    {
        Status = claim.Status with
        {
            AllocatedResources = claim.Status.AllocatedResources.Set(Storage, asked), AllocatedResourceStatuses = claim.Status.AllocatedResourceStatuses.Set(Storage, status),
            Conditions = claim.Status.Conditions.Exists(c => c.Type == condition.Type) ? claim.Status.Conditions
                : claim.Status.Conditions.Where(c => c.Type is not ("Resizing" or "FileSystemResizePending")).Append(condition).ToSeq(),
        },
    };

    Task<PersistentVolumeClaim> StatusAsync(Key key, Func<PersistentVolumeClaim, PersistentVolumeClaim> change, CancellationToken ct) => cluster.Client.UpdateWithRetryAsync(key, change, ct, "status");
}
