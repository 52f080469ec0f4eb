using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;
using NodeCan = Hanbae.Cri.Csi.NodeServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.CsiDriver;

public sealed partial class HostPathDriver
{
    void AddNode(GrpcService service)
    {
        Add(service, CsiMethods.NodeGetInfo, _ => new()
        {
            NodeId = _options.NodeId, MaxVolumesPerNode = _options.MaxVolumes, AccessibleTopology = new() { Segments = { [_options.TopologyKey] = _options.NodeId } },
        });
        Add(service, CsiMethods.NodeGetCapabilities, _ => NodeCapabilities());
        Add(service, CsiMethods.NodeStageVolume, Stage);
        Add(service, CsiMethods.NodeUnstageVolume, Unstage);
        Add(service, CsiMethods.NodePublishVolume, Publish);
        Add(service, CsiMethods.NodeUnpublishVolume, Unpublish);
        Add(service, CsiMethods.NodeExpandVolume, ExpandOnNode);
        Add(service, CsiMethods.NodeGetVolumeStats, Stats);
    }

    NodeGetCapabilitiesResponse NodeCapabilities()
    {
        List<NodeCan> can = [NodeCan.GetVolumeStats, NodeCan.ExpandVolume, NodeCan.VolumeCondition];
        if (_options.Stages) can.Add(NodeCan.StageUnstageVolume);
        if (_options.MountsGroup) can.Add(NodeCan.VolumeMountGroup);
        if (_options.TellsWritersApart) can.Add(NodeCan.SingleNodeMultiWriter);
        return new() { Capabilities = { can.Select(c => new NodeServiceCapability { Rpc = new() { Type = c } }) } };
    }

    NodeStageVolumeResponse Stage(NodeStageVolumeRequest request)
    {
        if (!_volumes.Has(request.VolumeId)) throw NotFound("volume " + request.VolumeId);
        if (_options.Attaches && request.PublishContext.GetValueOrDefault("attached") != "yes") throw new GrpcException(GrpcStatus.FailedPrecondition, "volume is not attached");
        if (request.VolumeCapability.Block is not null)
        {
            string image = Image(request.VolumeId);
            if (Disk.DeviceOf(image) is null) Disk.Attach(image);
        }
        else if (_options.Mounts && !Disk.IsMounted(request.StagingTargetPath)) Disk.BindTo(_volumes.Data(request.VolumeId), request.StagingTargetPath, readOnly: false);
        return new();
    }

    NodeUnstageVolumeResponse Unstage(NodeUnstageVolumeRequest request)
    {
        Disk.Unmount(request.StagingTargetPath);
        if (File.Exists(Image(request.VolumeId)) && Disk.DeviceOf(Image(request.VolumeId)) is { } device) Disk.Detach(device);
        return new();
    }

    NodePublishVolumeResponse Publish(NodePublishVolumeRequest request)
    {
        string target = request.TargetPath;
        if (request.VolumeContext.GetValueOrDefault("csi.storage.k8s.io/ephemeral") == "true" && !_volumes.Has(request.VolumeId))
        {
            Directory.CreateDirectory(_volumes.Data(request.VolumeId));
            _volumes[request.VolumeId, "ephemeral"] = "yes";
            _volumes.SetSize(request.VolumeId, 1 << 20);
            if (request.VolumeContext.TryGetValue("greeting", out string? greeting)) File.WriteAllText(Path.Combine(_volumes.Data(request.VolumeId), "greeting"), greeting);
        }
        if (!_volumes.Has(request.VolumeId)) throw NotFound("volume " + request.VolumeId);
        // For tests to look at: what the driver was told.
        _volumes[request.VolumeId, "told"] = string.Join('\n', request.VolumeContext.Select(p => p.Key + "=" + p.Value));
        if (request.VolumeCapability.Block is not null)
        {
            if (Disk.IsMounted(target)) return new();
            if (!File.Exists(target)) File.WriteAllBytes(target, []);
            Disk.BindTo(Disk.DeviceOf(Image(request.VolumeId)) ?? throw new GrpcException(GrpcStatus.FailedPrecondition, "volume is not staged"), target, readOnly: false);
            return new();
        }
        Directory.CreateDirectory(target);
        if (_options.Mounts && !Disk.IsMounted(target)) Disk.BindTo(_volumes.Data(request.VolumeId), target, request.Readonly);
        return new();
    }

    NodeUnpublishVolumeResponse Unpublish(NodeUnpublishVolumeRequest request)
    {
        Disk.Unmount(request.TargetPath);
        if (File.Exists(request.TargetPath)) File.Delete(request.TargetPath);
        else if (Directory.Exists(request.TargetPath)) Directory.Delete(request.TargetPath);
        if (_volumes[request.VolumeId, "ephemeral"].Length > 0) _volumes.Remove(request.VolumeId);
        return new();
    }

    NodeExpandVolumeResponse ExpandOnNode(NodeExpandVolumeRequest request)
    {
        if (!_volumes.Has(request.VolumeId)) throw NotFound("volume " + request.VolumeId);
        if (File.Exists(Image(request.VolumeId)) && Disk.DeviceOf(Image(request.VolumeId)) is { } device) Disk.Reread(device);
        _volumes[request.VolumeId, "expanded"] = request.CapacityRange.RequiredBytes.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new() { CapacityBytes = request.CapacityRange.RequiredBytes };
    }

    NodeGetVolumeStatsResponse Stats(NodeGetVolumeStatsRequest request)
    {
        if (!_volumes.Has(request.VolumeId)) throw NotFound("volume " + request.VolumeId);
        long size = _volumes.Size(request.VolumeId);
        string data = _volumes.Data(request.VolumeId), sick = _volumes[request.VolumeId, "sick"];
        var answer = new NodeGetVolumeStatsResponse { VolumeCondition = new() { Abnormal = sick.Length > 0, Message = sick } };
        var files = Directory.Exists(data) ? Directory.GetFiles(data, "*", SearchOption.AllDirectories) : [];
        long used = files.Sum(f => new FileInfo(f).Length);
        answer.Usage.Add(new VolumeUsage { Unit = VolumeUsage.Types.Unit.Bytes, Total = size, Used = used, Available = Math.Max(0, size - used) });
        if (Directory.Exists(data)) answer.Usage.Add(new VolumeUsage { Unit = VolumeUsage.Types.Unit.Inodes, Total = 1000, Used = files.Length, Available = 1000 - files.Length });
        return answer;
    }

    string Image(string id) => Path.Combine(_volumes.Folder(id), "image");
}
