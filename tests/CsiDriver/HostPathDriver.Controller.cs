using Google.Protobuf.WellKnownTypes;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;
using ControllerCan = Hanbae.Cri.Csi.ControllerServiceCapability.Types.RPC.Types.Type;

namespace Hanbae.CsiDriver;

public sealed partial class HostPathDriver
{
    void AddController(GrpcService service)
    {
        Add(service, CsiMethods.ControllerGetCapabilities, _ => ControllerCapabilities());
        Add(service, CsiMethods.CreateVolume, Create);
        Add(service, CsiMethods.DeleteVolume, request =>
        {
            _volumes.Remove(request.VolumeId);
            return new();
        });
        Add(service, CsiMethods.ControllerPublishVolume, request =>
        {
            if (!_volumes.Has(request.VolumeId)) throw NotFound("volume " + request.VolumeId);
            if (request.NodeId != _options.NodeId) throw NotFound("node " + request.NodeId);
            _volumes[request.VolumeId, "attached"] = request.NodeId;
            return new() { PublishContext = { ["attached"] = "yes" } };
        });
        Add(service, CsiMethods.ControllerUnpublishVolume, request =>
        {
            if (_volumes.Has(request.VolumeId)) _volumes[request.VolumeId, "attached"] = "";
            return new();
        });
        Add(service, CsiMethods.ControllerExpandVolume, request =>
        {
            if (!_volumes.Has(request.VolumeId)) throw NotFound("volume " + request.VolumeId);
            long size = Math.Max(_volumes.Size(request.VolumeId), request.CapacityRange.RequiredBytes);
            _volumes.SetSize(request.VolumeId, size);
            if (File.Exists(Image(request.VolumeId))) Resize(Image(request.VolumeId), size);
            return new() { CapacityBytes = size, NodeExpansionRequired = true };
        });
        Add(service, CsiMethods.ControllerModifyVolume, request =>
        {
            if (!_volumes.Has(request.VolumeId)) throw NotFound("volume " + request.VolumeId);
            if (request.MutableParameters.ContainsKey("impossible")) throw new GrpcException(GrpcStatus.InvalidArgument, "impossible");
            _volumes[request.VolumeId, "attributes"] = string.Join(' ', request.MutableParameters.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));
            return new();
        });
        Add(service, CsiMethods.GetCapacity, _ => new() { AvailableCapacity = Left, MaximumVolumeSize = Left });
        Add(service, CsiMethods.CreateSnapshot, request =>
        {
            if (!_volumes.Has(request.SourceVolumeId)) throw NotFound("volume " + request.SourceVolumeId);
            string id = Shelf.IdOf(request.Name);
            if (_snapshots.Has(id) && _snapshots[id, "of"] != request.SourceVolumeId) throw new GrpcException(GrpcStatus.AlreadyExists, $"snapshot {request.Name} is of another volume");
            if (!_snapshots.Has(id))
            {
                Fill(_volumes, request.SourceVolumeId, _snapshots, id);
                _snapshots[id, "of"] = request.SourceVolumeId;
                _snapshots.SetSize(id, _volumes.Size(request.SourceVolumeId));
            }
            return new() { Snapshot = Told(id) };
        });
        Add(service, CsiMethods.DeleteSnapshot, request =>
        {
            _snapshots.Remove(request.SnapshotId);
            return new();
        });
        Add(service, CsiMethods.ListSnapshots, request => new()
        {
            Entries = { _snapshots.All.Where(id => (request.SnapshotId.Length == 0 || id == request.SnapshotId) && (request.SourceVolumeId.Length == 0 || _snapshots[id, "of"] == request.SourceVolumeId)).Select(id => new ListSnapshotsResponse.Types.Entry { Snapshot = Told(id) }) },
        });
    }

    long Left => Math.Max(0, _options.Capacity - _volumes.All.Sum(_volumes.Size));

    ControllerGetCapabilitiesResponse ControllerCapabilities()
    {
        List<ControllerCan> can = [ControllerCan.CreateDeleteVolume, ControllerCan.GetCapacity, ControllerCan.CreateDeleteSnapshot, ControllerCan.ListSnapshots, ControllerCan.CloneVolume, ControllerCan.ExpandVolume, ControllerCan.ModifyVolume];
        if (_options.Attaches) can.Add(ControllerCan.PublishUnpublishVolume);
        if (_options.TellsWritersApart) can.Add(ControllerCan.SingleNodeMultiWriter);
        return new() { Capabilities = { can.Select(c => new ControllerServiceCapability { Rpc = new() { Type = c } }) } };
    }

    CreateVolumeResponse Create(CreateVolumeRequest request)
    {
        string id = Shelf.IdOf(request.Name);
        long size = request.CapacityRange?.RequiredBytes is > 0 and var asked ? asked : 1 << 30;
        bool block = request.VolumeCapabilities.Any(c => c.Block is not null);
        if (request.Parameters.GetValueOrDefault("refuse") is { } why) throw new GrpcException(GrpcStatus.InvalidArgument, why);
        if (!_volumes.Has(id))
        {
            if (size > Left) throw new GrpcException(GrpcStatus.ResourceExhausted, $"{size} bytes asked, {Left} are left");
            _volumes.Remove(id); // half made
            if (request.VolumeContentSource?.Snapshot is { } snapshot) Fill(_snapshots, Found(_snapshots, snapshot.SnapshotId), _volumes, id);
            else if (request.VolumeContentSource?.Volume is { } volume) Fill(_volumes, Found(_volumes, volume.VolumeId), _volumes, id);
            else if (!block) Directory.CreateDirectory(_volumes.Data(id));
            _volumes[id, "name"] = request.Name;
            if (block) Resize(Image(id), size);
            else File.SetUnixFileMode(_volumes.Data(id), (UnixFileMode)0x1FF);
            _volumes.SetSize(id, size); // the last thing: it is made
        }
        if (_volumes.Size(id) < size) throw new GrpcException(GrpcStatus.AlreadyExists, $"volume {request.Name} is there and smaller");
        return new()
        {
            Volume = new()
            {
                VolumeId = id, CapacityBytes = _volumes.Size(id), VolumeContext = { ["colour"] = request.Parameters.GetValueOrDefault("colour", "none") }, ContentSource = request.VolumeContentSource,
                AccessibleTopology = { new Topology { Segments = { [_options.TopologyKey] = _options.NodeId } } },
            },
        };
    }

    static string Found(Shelf shelf, string id) => shelf.Has(id) ? id : throw NotFound(id);

    static void Fill(Shelf from, string source, Shelf to, string id)
    {
        Directory.CreateDirectory(to.Folder(id));
        foreach (string part in (string[])["data", "image"])
        {
            string there = Path.Combine(from.Folder(source), part);
            if (Path.Exists(there)) Disk.Copy(there, Path.Combine(to.Folder(id), part));
        }
    }

    static void Resize(string image, long size)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        using var file = new FileStream(image, FileMode.OpenOrCreate);
        file.SetLength(Math.Max(file.Length, size));
    }

    Snapshot Told(string id) => new()
    {
        SnapshotId = id, SourceVolumeId = _snapshots[id, "of"], SizeBytes = _snapshots.Size(id), ReadyToUse = true,
        CreationTime = Timestamp.FromDateTime(File.GetLastWriteTimeUtc(Path.Combine(_snapshots.Folder(id), "size"))),
    };
}
