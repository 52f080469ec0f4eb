using Hanbae.Api;
using Hanbae.Api.Storage.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Volumes.Disk;
using NodeCan = Hanbae.Cri.Csi.NodeServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.Kubelet.Volumes.Csi;

sealed partial class CsiVolumes
{
    /// <summary>A raw block volume: the driver makes a device appear, a link beneath the Pod's folder tells that it is this Pod's.</summary>
    async Task<PreparedVolume> PublishDeviceAsync(CsiWish wish, CsiDriver driver, CSIDriver? declared, VolumeData data, Map<string> told, CancellationToken ct)
    {
        string target = Path.Combine(Paths.DevicePublished(wish.Name), wish.Uid), link = Paths.DeviceLink(wish.Uid, wish.Name);
        data.Write(Paths.DeviceData(wish.Name));
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        if (Native.Status(link) is null) File.CreateSymbolicLink(link, target);
        try
        {
            var can = await driver.NodeCapabilitiesAsync(ct).ConfigureAwait(false);
            var capability = wish.Capability(can, null);
            string staging = can.Contains(NodeCan.StageUnstageVolume) ? await StageAsync(wish, data.Attachment, driver, Paths.DeviceStaging(wish.Name), capability, told, ct).ConfigureAwait(false) : "";
            await PublishAsync(wish, driver, declared, target, staging, capability, told, ct).ConfigureAwait(false);
            await ExpandAsync(wish, driver, capability, target, staging, ct).ConfigureAwait(false);
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested) { throw new VolumeException(e.Message, e) { Step = "MapPodDevice", Volume = wish.Name }; }
        return Native.Status(target, follow: true) is { IsBlockDevice: true } ? new(target) { ReadOnly = wish.ReadOnly, IsDevice = true }
            : throw new VolumeException($"the driver published no block device at {target}") { Step = "MapPodDevice", Volume = wish.Name };
    }

    /// <exception cref="VolumeException"/>
    async Task ReleaseDeviceAsync(string uid, string name, CancellationToken ct)
    {
        string target = Path.Combine(Paths.DevicePublished(name), uid), link = Paths.DeviceLink(uid, name);
        if (VolumeData.Read(Paths.DeviceData(name)) is { } data)
        {
            await _turns.AloneAsync(CsiPaths.UniqueName(data.Driver, data.Handle), async () =>
            {
                var driver = context.Drivers.Get(data.Driver);
                await UnpublishAsync(driver, data, target, ct).ConfigureAwait(false);
                if (Paths.IsPublished(name)) return true;
                await LeaveAsync(data, ct).ConfigureAwait(false);
                return true;
            }, ct).ConfigureAwait(false);
        }
        File.Delete(link);
    }
}
