using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi.Control;

/// <summary>Has a driver change volumes' attributes as claims ask by their VolumeAttributesClass: what upstream's external-resizer does beside growth (KEP-3751).</summary>
sealed class Modify(IClusterAccess cluster, ControllerSide side, Sidecars sidecars) : IReconciler
{
    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();
    readonly ICache<VolumeAttributesClass> _classes = cluster.Cache<VolumeAttributesClass>();

    public void Watch(Triggers on) => on
        .When(_claims, e => e.New is { Status.Phase: "Bound" } claim && Wants(claim))
        // What a claim waits for.
        .From(add => _classes.Subscribe(e =>
        {
            foreach (var claim in _claims.All)
                if (Wants(claim) && claim.Spec.VolumeAttributesClassName == e.Object.Metadata.Name) add(Key.Of(claim));
        }))
        .From(add => _volumes.Subscribe(e => { if (side.ClaimNewTo(e) is { } claim) add(claim); }));

    /// <summary>A class once given is not taken away: no class then means that it stays, as upstream.</summary>
    static bool Wants(PersistentVolumeClaim claim) =>
        claim.Spec.VolumeAttributesClassName is { Length: > 0 } wanted && (wanted != claim.Status.CurrentVolumeAttributesClassName || claim.Status.ModifyVolumeStatus is not null);

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_claims.Find(key) is not { Status.Phase: "Bound" } known || !Wants(known)) return Again.OnChange;
        if (await cluster.Client.FindAsync(known, ct).ConfigureAwait(false) is not { Status.Phase: "Bound", Metadata.DeletionTimestamp: null } claim || !Wants(claim)
            || _volumes.Find(new("", claim.Spec.VolumeName)) is not { Spec.Csi: { } csi } volume || csi.Driver != side.Name || volume.Spec.ClaimRef?.Uid != claim.Metadata.Uid) return Again.OnChange;
        if (!side.Does(ControllerCan.ModifyVolume)) return Again.OnChange;
        if (sidecars.Serve(Sidecars.Resizer)) return Again.In(Sidecars.Period);
        string wanted = claim.Spec.VolumeAttributesClassName!;
        // What the driver refused is not tried again before something else is asked.
        if (claim.Status.ModifyVolumeStatus is { Status: "Infeasible" } refused && refused.TargetVolumeAttributesClassName == wanted) return Again.OnChange;
        if (_classes.Find(new("", wanted)) is not { } @class)
        {
            await StatusAsync(key, c => Told(c, "Pending", wanted, "ModifyVolumeError", null), ct).ConfigureAwait(false);
            cluster.Recorder.Event(claim, "Warning", "VolumeModifyFailed", $"VAC \"{wanted}\" does not exist.");
            return Again.OnChange;
        }
        if (@class.DriverName != side.Name)
        {
            cluster.Recorder.Event(claim, "Warning", "VolumeModifyFailed", $"VAC {wanted} has driver {@class.DriverName}, the volume's is {side.Name}");
            return Again.OnChange;
        }
        await StatusAsync(key, c => Told(c, "InProgress", wanted, "ModifyingVolume", null), ct).ConfigureAwait(false);
        cluster.Recorder.Event(claim, "Normal", "VolumeModify", $"external resizer is modifying volume {claim.Metadata.Name} with vac {wanted}");
        try
        {
            var request = new ControllerModifyVolumeRequest { VolumeId = csi.VolumeHandle };
            foreach (var (name, value) in @class.Parameters) request.MutableParameters[name] = value;
            await side.Driver.CallAsync(CsiMethods.ControllerModifyVolume, request, ct).ConfigureAwait(false);
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested)
        {
            cluster.Recorder.Event(claim, "Warning", "VolumeModifyFailed", $"failed to modify volume with vac {wanted}: {e.Message}");
            if (e.Status is not (GrpcStatus.InvalidArgument or GrpcStatus.OutOfRange or GrpcStatus.NotFound)) return Again.WithBackoff;
            await StatusAsync(key, c => Told(c, "Infeasible", wanted, "ModifyVolumeError", e.Message), ct).ConfigureAwait(false);
            return Again.OnChange;
        }
        await cluster.Client.UpdateWithRetryAsync<PersistentVolume>(Key.Of(volume), v => v with { Spec = v.Spec with { VolumeAttributesClassName = wanted } }, ct).ConfigureAwait(false);
        await StatusAsync(key, c => c with
        {
            Status = c.Status with { CurrentVolumeAttributesClassName = wanted, ModifyVolumeStatus = null, Conditions = Others(c) },
        }, ct).ConfigureAwait(false);
        cluster.Recorder.Event(claim, "Normal", "VolumeModifySuccessful", $"external resizer modified volume {claim.Metadata.Name} with vac {wanted} successfully");
        return Again.OnChange;
    }

    PersistentVolumeClaim Told(PersistentVolumeClaim claim, string status, string wanted, string condition, string? why) => claim with
    {
        Status = claim.Status with
        {
            ModifyVolumeStatus = new() { TargetVolumeAttributesClassName = wanted, Status = status },
            Conditions = claim.Status.Conditions.Exists(c => c.Type == condition && c.Message == (why ?? "")) ? claim.Status.Conditions
                : Others(claim).Append(new() { Type = condition, Status = "True", Message = why ?? "", LastTransitionTime = cluster.Time.GetUtcNow() }).ToSeq(),
        },
    };

    static Seq<PersistentVolumeClaimCondition> Others(PersistentVolumeClaim claim) => claim.Status.Conditions.Where(c => c.Type is not ("ModifyingVolume" or "ModifyVolumeError")).ToSeq();

    Task<PersistentVolumeClaim> StatusAsync(Key key, Func<PersistentVolumeClaim, PersistentVolumeClaim> change, CancellationToken ct) => cluster.Client.UpdateWithRetryAsync(key, change, ct, "status");
}
