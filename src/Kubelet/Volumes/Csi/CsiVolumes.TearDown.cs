using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Kubelet.Volumes.Disk;
using NodeCan = Hanbae.Cri.Csi.NodeServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi;

sealed partial class CsiVolumes
{
    /// <summary>Takes back all that a Pod has of drivers, by what is on disk; what was last of a volume takes it off the node.</summary>
    /// <remarks>What is known of a volume goes last: whatever breaks in between, the next try finds it.</remarks>
    /// <exception cref="VolumeException">A driver refused, or is away.</exception>
    public async Task TearDownAsync(string uid, CancellationToken ct)
    {
        foreach (string name in Paths.DevicesOf(uid)) await ReleaseDeviceAsync(uid, name, ct).ConfigureAwait(false);
        foreach (string name in Paths.VolumesOf(uid))
        {
            string folder = Paths.Volume(uid, name);
            if (VolumeData.Read(folder) is not { } data) continue;
            await _turns.AloneAsync(CsiPaths.UniqueName(data.Driver, data.Handle), () => ReleaseAsync(uid, name, folder, data, ct), ct).ConfigureAwait(false);
        }
    }

    async Task<bool> ReleaseAsync(string uid, string name, string folder, VolumeData data, CancellationToken ct)
    {
        var driver = context.Drivers.Get(data.Driver);
        await UnpublishAsync(driver, data, Paths.Target(uid, name), ct).ConfigureAwait(false);
        bool others = Paths.Known().Any(d => d.Driver == data.Driver && d.Handle == data.Handle && d.PodUid.Length > 0 && d.PodUid != uid);
        if (!others)
        {
            if (!data.Inline) await UnstageAsync(driver, data, Paths.Staging(data.Driver, data.Handle), ct).ConfigureAwait(false);
            Attachments.LetGo(CsiPaths.UniqueName(data.Driver, data.Handle));
        }
        Tree.Delete(folder);
        return others;
    }

    /// <summary>Whether a Pod other than the one that wishes has the volume too.</summary>
    bool UsedByOthers(CsiWish wish) => Paths.Known().Any(d => d.Driver == wish.Driver && d.Handle == wish.Handle && d.PodUid.Length > 0 && d.PodUid != wish.Uid);

    async Task UnpublishAsync(CsiDriver driver, VolumeData data, string target, CancellationToken ct)
    {
        try { await driver.CallAsync(CsiMethods.NodeUnpublishVolume, new NodeUnpublishVolumeRequest { VolumeId = data.Handle, TargetPath = target }, ct).ConfigureAwait(false); }
        catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new VolumeException($"UnmountVolume.TearDown failed for volume \"{data.Name}\" : kubernetes.io/csi: Unmounter.TearDownAt failed: {e.Message}", e); }
        // A driver ought to have done both.
        if (MountTable.Read().At(target) is not null && Native.Unmount(target) is not 0 and var busy) throw Tree.Failure("unmount", target, busy);
        Tree.Delete(target);
    }

    async Task UnstageAsync(CsiDriver driver, VolumeData data, string staging, CancellationToken ct)
    {
        if (!Directory.Exists(staging)) return; // never staged, or done
        try
        {
            if ((await driver.NodeCapabilitiesAsync(ct).ConfigureAwait(false)).Contains(NodeCan.StageUnstageVolume))
                await driver.CallAsync(CsiMethods.NodeUnstageVolume, new NodeUnstageVolumeRequest { VolumeId = data.Handle, StagingTargetPath = staging }, ct).ConfigureAwait(false);
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new VolumeException($"UnmountDevice failed for volume \"{data.Name}\" : kubernetes.io/csi: attacher.UnmountDevice failed: {e.Message}", e); }
        if (MountTable.Read().At(staging) is not null && Native.Unmount(staging) is not 0 and var busy) throw Tree.Failure("unmount", staging, busy);
        RemoveStaging(data.Driver, data.Handle, staging, block: staging == Paths.DeviceStaging(data.Name));
    }

    void RemoveStaging(string driver, string handle, string staging, bool block)
    {
        if (MountTable.Read().At(staging) is not null) return; // the driver says that it did nothing, and did
        Tree.Delete(staging);
        if (!block) Tree.Delete(Paths.Global(driver, handle));
    }
}
