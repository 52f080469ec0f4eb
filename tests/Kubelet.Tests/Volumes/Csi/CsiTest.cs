using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.CsiDriver;
using Hanbae.Grpc.Server;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes.Csi;

/// <summary>A kubelet's volumes and a driver that serves on a socket, both in a folder of their own; real mounts, which are gone afterwards.</summary>
public abstract class CsiTest : IAsyncLifetime
{
    internal const string Name = "test.example", Node = "node-1";

    GrpcServer? _server;

    internal string Root { get; } = Directory.CreateTempSubdirectory("hanbae-csi-").FullName;
    internal FakeObjects Objects { get; } = new() { Node = new() { Metadata = new() { Name = Node } } };
    internal HostPathDriver Driver { get; private set; } = null!;
    internal CsiDrivers Drivers { get; } = new();
    internal PodVolumes Volumes { get; set; } = null!;
    internal PodFolders Folders => new(Path.Combine(Root, "kubelet"), Path.Combine(Root, "logs"));

    internal virtual DriverOptions Options => new() { Name = Name, NodeId = Node, State = Path.Combine(Root, "state") };

    public async Task InitializeAsync()
    {
        Driver = new(Options);
        _server = await GrpcServer.StartAsync("unix://" + Socket, Driver.Service());
        Objects.Drivers.Add(new() { Metadata = new() { Name = Name }, Spec = new() { AttachRequired = false } });
        Register();
        Volumes = NewVolumes();
    }

    internal string Socket => Path.Combine(Root, "csi.sock");

    internal void Register() => Drivers.Put(new(Name, Socket, TimeProvider.System) { NodeId = Node });

    /// <summary>What a kubelet that was killed and started anew has.</summary>
    internal PodVolumes NewVolumes() => new(Folders, Objects, Objects, new FakeClock(Objects), drivers: Drivers, events: Objects);

    public async Task DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        await new KernelMounts().UnmountBeneathAsync(Root, default);
        Tree.Delete(Root);
    }

    internal void Declare(Func<CSIDriverSpec, CSIDriverSpec> change) => Objects.Drivers[0] = Objects.Drivers[0] with { Spec = change(Objects.Drivers[0].Spec) };

    /// <summary>A volume that the driver has, and the claim that is bound to it.</summary>
    internal async Task<PersistentVolume> MakeAsync(string name, Func<PersistentVolumeSpec, PersistentVolumeSpec>? change = null)
    {
        using var driver = new Hanbae.Kubelet.Volumes.Csi.CsiDriver(Name, Socket, TimeProvider.System);
        var made = await driver.CallAsync(Cri.Csi.CsiMethods.CreateVolume, new() { Name = name, CapacityRange = new() { RequiredBytes = 1 << 20 }, VolumeCapabilities = { new Cri.Csi.VolumeCapability { Mount = new() } } }, default);
        var spec = new PersistentVolumeSpec
        {
            Capacity = Map.Of(("storage", Quantity.Parse("1Mi"))), AccessModes = ["ReadWriteOnce"], ClaimRef = new() { Namespace = "default", Name = name, Uid = "claim-" + name },
            Csi = new() { Driver = Name, VolumeHandle = made.Volume.VolumeId, FsType = "ext4", VolumeAttributes = Map.Of(("colour", "blue")) },
        };
        var volume = new PersistentVolume { Metadata = new() { Name = "pv-" + name, Uid = "pv-" + name }, Spec = change is null ? spec : change(spec) };
        Objects.Persistent.Add(volume);
        Objects.Claims.Add(new()
        {
            Metadata = new() { Name = name, Namespace = "default", Uid = "claim-" + name }, Spec = new() { VolumeName = volume.Metadata.Name },
            Status = new() { Phase = "Bound", Capacity = volume.Spec.Capacity },
        });
        while (Driver.Calls.TryDequeue(out _)) { } // what follows is the test's
        return volume;
    }

    internal static Pod PodOf(string claim, string uid = "u-1") => VolumeTest.PodWith(new Volume { Name = "data", PersistentVolumeClaim = new() { ClaimName = claim } }) is var pod
        ? pod with { Metadata = pod.Metadata with { Uid = uid, Name = "pod-" + uid }, Spec = pod.Spec with { ServiceAccountName = "default" } } : throw new InvalidOperationException();

    internal async Task<string> PrepareAsync(Pod pod) => (await Volumes.PrepareAsync(pod, default)).ByName[pod.Spec.Volumes[0].Name].HostPath;

    internal async Task<string> FailureAsync(Pod pod) => (await Assert.ThrowsAsync<VolumeException>(() => Volumes.PrepareAsync(pod, default))).Message;

    /// <summary>The calls that change something, in their order.</summary>
    internal string Asked => string.Join(" ", Driver.Calls.Select(c => c.Call).Where(c => !c.Contains("Get")));

    internal T Last<T>() where T : class => Driver.Calls.Select(c => c.Request).OfType<T>().Last();

    /// <summary>What is left of volumes on the disk and in the mount table.</summary>
    internal string[] Left => [.. MountTable.Read().Beneath(Root).Select(m => m.Path),
        .. Directory.Exists(Folders.Data) ? Directory.EnumerateFiles(Folders.Data, "vol_data.json", SearchOption.AllDirectories) : []];
}
