using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Kubelet.Stats;
using NodeCan = Hanbae.Cri.Csi.NodeServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi;

sealed partial class CsiVolumes
{
    /// <summary>How full volumes are, as their drivers say. Bound: one entry per Pod and volume on the node.</summary>
    readonly ConcurrentDictionary<(string PodUid, string Volume), VolumeUse> _use = new();
    /// <summary>What drivers say is wrong with volumes, so that it is told once.</summary>
    readonly ConcurrentDictionary<(string PodUid, string Volume), string> _sick = new();

    public VolumeUse? UseOf(string podUid, string volume) => _use.GetValueOrDefault((podUid, volume));

    /// <summary>Now and then while the Pod runs: what the driver wants to renew, what has grown, how full and how well the volume is.</summary>
    /// <exception cref="VolumeException"/>
    public async Task RefreshAsync(string podUid, string volume, CancellationToken ct)
    {
        // While a driver is away its volumes stay as they are.
        if (!_published.TryGetValue((podUid, volume), out var there) || context.Drivers.Find(there.Wish.Driver) is not { } driver) return;
        var wish = there.Wish;
        try
        {
            var can = await driver.NodeCapabilitiesAsync(ct).ConfigureAwait(false);
            string staging = !can.Contains(NodeCan.StageUnstageVolume) || wish.Inline ? "" : wish.Block ? Paths.DeviceStaging(wish.Name) : Paths.Staging(wish.Driver, wish.Handle);
            long? group = can.Contains(NodeCan.VolumeMountGroup) ? wish.Pod.Spec.SecurityContext?.FsGroup : null;
            await _turns.AloneAsync(wish.UniqueName, async () =>
            {
                var declared = await context.Persistent.DriverAsync(wish.Driver, ct).ConfigureAwait(false);
                Attachments.LetGoIfNever(wish, declared);
                if (declared is { Spec.RequiresRepublish: true })
                    await PublishAsync(wish, driver, declared, there.Prepared.HostPath, staging, wish.Capability(can, group),
                        there.Context ?? await ContextOfAsync(wish, ct).ConfigureAwait(false), ct).ConfigureAwait(false);
                await ExpandAsync(wish, driver, wish.Capability(can, group), there.Prepared.HostPath, staging, ct).ConfigureAwait(false);
                return true;
            }, ct).ConfigureAwait(false);
            if (can.Contains(NodeCan.GetVolumeStats)) await MeasureAsync(wish, driver, there.Prepared.HostPath, staging, ct).ConfigureAwait(false);
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new VolumeException(e.Message, e) { Volume = wish.Name }; }
    }

    async Task<Map<string>> ContextOfAsync(CsiWish wish, CancellationToken ct) =>
        context.Objects.Node is { } node
            && await context.Persistent.AttachmentAsync(CsiPaths.AttachmentName(wish.Handle, wish.Driver, node.Metadata.Name), ct).ConfigureAwait(false) is { } attachment
            ? attachment.Status.AttachmentMetadata : default;

    async Task MeasureAsync(CsiWish wish, CsiDriver driver, string path, string staging, CancellationToken ct)
    {
        var key = (wish.Uid, wish.Volume);
        NodeGetVolumeStatsResponse answer;
        try { answer = await driver.CallAsync(CsiMethods.NodeGetVolumeStats, new NodeGetVolumeStatsRequest { VolumeId = wish.Handle, VolumePath = path, StagingTargetPath = staging }, ct).ConfigureAwait(false); }
        catch (GrpcException) when (!ct.IsCancellationRequested)
        {
            _use.TryRemove(key, out _); // figures are not worth holding up a Pod
            return;
        }
        var bytes = answer.Usage.FirstOrDefault(u => u.Unit == VolumeUsage.Types.Unit.Bytes);
        var inodes = answer.Usage.FirstOrDefault(u => u.Unit == VolumeUsage.Types.Unit.Inodes);
        if (bytes is not null || inodes is not null || answer.VolumeCondition is not null)
            _use[key] = new(bytes?.Used ?? 0, bytes?.Total ?? 0, bytes?.Available ?? 0, inodes?.Used ?? 0, inodes?.Total ?? 0, inodes?.Available ?? 0, OnNodeDisk: false) { Abnormal = answer.VolumeCondition?.Abnormal };
        // KEP-1432; once for each thing that is wrong.
        string wrong = answer.VolumeCondition is { Abnormal: true } sick ? sick.Message : "";
        if (_sick.GetValueOrDefault(key, "") == wrong) return;
        _sick[key] = wrong;
        if (wrong.Length > 0) context.Events?.Event(wish.Pod, "Warning", "VolumeConditionAbnormal", $"Volume {wish.Volume}: {wrong}");
    }

    /// <summary>Has the driver make the file system (or the device) as large as the volume has become, and the claim say so.</summary>
    async Task ExpandAsync(CsiWish wish, CsiDriver driver, VolumeCapability capability, string path, string staging, CancellationToken ct)
    {
        const string storage = "storage";
        if (wish.Inline || wish.ReadOnly || !(await driver.NodeCapabilitiesAsync(ct).ConfigureAwait(false)).Contains(NodeCan.ExpandVolume)) return;
        if (await context.Persistent.VolumeAsync(wish.Name, ct).ConfigureAwait(false) is not { Spec.ClaimRef: { } reference } volume
            || await context.Persistent.ClaimAsync(reference.Namespace, reference.Name, ct).ConfigureAwait(false) is not { } claim || claim.Metadata.Uid != reference.Uid) return;
        var size = volume.Spec.Capacity[storage];
        if (claim.Status.Capacity[storage] >= size || claim.Status.AllocatedResourceStatuses[storage] == "NodeResizeInfeasible") return;
        var request = new NodeExpandVolumeRequest { VolumeId = wish.Handle, VolumePath = path, StagingTargetPath = staging, VolumeCapability = capability, CapacityRange = new() { RequiredBytes = size.Value() } };
        await PutSecretsAsync(request.Secrets, wish.ExpandSecret, "NodeExpandSecretRef", ct).ConfigureAwait(false);
        var key = new Key(reference.Namespace, reference.Name);
        if (claim.Status.AllocatedResourceStatuses[storage] == "NodeResizePending") await TellAsync("NodeResizeInProgress", null).ConfigureAwait(false);
        try { await driver.CallAsync(CsiMethods.NodeExpandVolume, request, ct).ConfigureAwait(false); }
        catch (GrpcException e) when (!ct.IsCancellationRequested)
        {
            context.Events?.Event(wish.Pod, "Warning", "VolumeResizeFailed", $"NodeExpandVolume.NodeExpandVolume failed for volume \"{wish.Name}\" : {e.Message}");
            // KEP-1790: what can never be done is not tried for ever; a smaller wish may be granted.
            bool never = e.Status is GrpcStatus.InvalidArgument or GrpcStatus.OutOfRange or GrpcStatus.NotFound;
            await TellAsync(never ? "NodeResizeInfeasible" : null, $"failed to expand pvc with {e.Message}").ConfigureAwait(false);
            return; // at the size it has, the volume is good
        }
        await context.Persistent.ChangeStatusAsync(key, c => c with
        {
            Status = c.Status with
            {
                Capacity = c.Status.Capacity.Set(storage, size), AllocatedResourceStatuses = c.Status.AllocatedResourceStatuses.Where(r => r.Key != storage).ToMap(),
                Conditions = c.Status.Conditions.Where(n => n.Type is not ("FileSystemResizePending" or "Resizing" or "NodeResizeError")).ToSeq(),
            },
        }, ct).ConfigureAwait(false);
        context.Events?.Event(wish.Pod, "Normal", "FileSystemResizeSuccessful", $"MountVolume.NodeExpandVolume succeeded for volume \"{wish.Name}\" {context.Objects.Node?.Metadata.Name}");

        // KEP-1790: how far it is, and, while it cannot go on, why.
        Task TellAsync(string? status, string? error) => context.Persistent.ChangeStatusAsync(key, c => c with
        {
            Status = c.Status with
            {
                AllocatedResourceStatuses = status is null ? c.Status.AllocatedResourceStatuses : c.Status.AllocatedResourceStatuses.Set(storage, status),
                Conditions = error is null ? c.Status.Conditions : c.Status.Conditions.Where(n => n.Type != "NodeResizeError").Append(new()
                {
                    Type = "NodeResizeError", Status = "True", Message = error, LastTransitionTime = c.Status.Conditions.Find(n => n.Type == "NodeResizeError")?.LastTransitionTime ?? context.Time.GetUtcNow(),
                }).ToSeq(),
            },
        }, ct);
    }
}
