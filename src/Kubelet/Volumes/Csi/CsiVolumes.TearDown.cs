using System.Collections.Concurrent;
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
        // What is left of the volume on the node is known by its global folder from here on.
        if (!others && !data.Inline && Directory.Exists(Paths.Staging(data.Driver, data.Handle))) (data with { PodUid = "" }).Write(Paths.Global(data.Driver, data.Handle));
        Tree.Delete(folder);
        if (others) return true;
        if (data.Inline || !Directory.Exists(Paths.Global(data.Driver, data.Handle))) Attachments.LetGo(CsiPaths.UniqueName(data.Driver, data.Handle));
        else await LeaveAsync(data, ct).ConfigureAwait(false);
        return false;
    }

    /// <summary>Volumes that no Pod has any more and that are still staged, and when each is tried again. Bound: the volumes of the node.</summary>
    readonly ConcurrentDictionary<string, (DateTimeOffset At, TimeSpan Wait)> _leaving = new();
    /// <summary>Volumes that Pods are about to have; and those of which nobody knows whether they are staged, for taking that back failed.</summary>
    readonly ConcurrentDictionary<string, int> _coming = new();
    readonly ConcurrentDictionary<string, bool> _unsure = new();

    static readonly TimeSpan s_firstWait = TimeSpan.FromMilliseconds(500), s_longestWait = TimeSpan.FromSeconds(122);

    /// <summary>Takes a volume that no Pod has off the node; in its turn. What fails is tried again by <see cref="LeaveAllAsync"/>: no Pod waits for it.</summary>
    async Task<bool> LeaveAsync(VolumeData data, CancellationToken ct)
    {
        string name = CsiPaths.UniqueName(data.Driver, data.Handle);
        bool block = VolumeData.Read(Paths.DeviceData(data.Name)) is { } device && device.Handle == data.Handle && device.Driver == data.Driver;
        bool used = block ? Paths.IsPublished(data.Name) : Paths.Known().Any(d => d.Driver == data.Driver && d.Handle == data.Handle && d.PodUid.Length > 0);
        if (used) _leaving.TryRemove(name, out _); // the last Pod that has it has it taken off
        else if (_coming.GetValueOrDefault(name) > 0) _leaving.TryAdd(name, (context.Time.GetUtcNow() + s_firstWait, s_firstWait));
        if (used || _coming.GetValueOrDefault(name) > 0) return false;
        try
        {
            await UnstageAsync(context.Drivers.Get(data.Driver), data, block ? Paths.DeviceStaging(data.Name) : Paths.Staging(data.Driver, data.Handle), ct).ConfigureAwait(false);
            if (block)
            {
                Tree.Delete(Paths.DevicePublished(data.Name));
                Tree.Delete(Paths.Device(data.Name));
            }
            else Tree.Delete(Paths.Global(data.Driver, data.Handle));
        }
        catch (Exception e) when (e is VolumeException or IOException or UnauthorizedAccessException)
        {
            _unsure[name] = true;
            _leaving.AddOrUpdate(name, _ => (context.Time.GetUtcNow() + s_firstWait, s_firstWait), (_, was) => Later(was.Wait * 2));
            return false;
        }
        _unsure.TryRemove(name, out _);
        _leaving.TryRemove(name, out _);
        Attachments.LetGo(name);
        return true;

        (DateTimeOffset, TimeSpan) Later(TimeSpan wait) => (context.Time.GetUtcNow() + (wait < s_longestWait ? wait : s_longestWait), wait < s_longestWait ? wait : s_longestWait);
    }

    /// <summary>Tries again what could not be taken off the node, also what a kubelet before this one has left.</summary>
    public async Task LeaveAllAsync(CancellationToken ct)
    {
        if (_looked && _leaving.IsEmpty) return;
        foreach (var data in Paths.Staged().ToArray())
        {
            string name = CsiPaths.UniqueName(data.Driver, data.Handle);
            if (!_looked) _leaving.TryAdd(name, (context.Time.GetUtcNow(), s_firstWait));
            if (context.Drivers.Find(data.Driver) is null || !_leaving.TryGetValue(name, out var next) || context.Time.GetUtcNow() < next.At) continue;
            await _turns.AloneAsync(name, () => LeaveAsync(data, ct), ct).ConfigureAwait(false);
        }
        _looked = true;
    }

    /// <summary>What a kubelet before this one has left is known.</summary>
    bool _looked;

    /// <summary>Whether a Pod other than the one that wishes has the volume too.</summary>
    bool UsedByOthers(CsiWish wish) => Paths.Known().Any(d => d.Driver == wish.Driver && d.Handle == wish.Handle && d.PodUid.Length > 0 && d.PodUid != wish.Uid);

    async Task UnpublishAsync(CsiDriver driver, VolumeData data, string target, CancellationToken ct)
    {
        try { await driver.CallAsync(CsiMethods.NodeUnpublishVolume, new NodeUnpublishVolumeRequest { VolumeId = data.Handle, TargetPath = target }, ct).ConfigureAwait(false); }
        catch (GrpcException e) when (!ct.IsCancellationRequested)
        {
            throw new VolumeException($"UnmountVolume.TearDown failed for volume \"{data.Name}\" : kubernetes.io/csi: Unmounter.TearDownAt failed: {e.Message}", e);
        }
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
