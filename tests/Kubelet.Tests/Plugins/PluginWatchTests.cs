using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Cri.Plugins;
using Hanbae.CsiDriver;
using Hanbae.Grpc.Server;
using Hanbae.Kit;
using Hanbae.Kubelet.Plugins;
using Hanbae.Kubelet.Volumes.Csi;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Plugins;

public sealed class PluginWatchTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("hanbae-plugins-").FullName;
    readonly MemoryApi _api = new();
    readonly FakeTime _time = new();
    readonly CsiDrivers _drivers = new();
    readonly ConcurrentQueue<RegistrationStatus> _told = new();
    readonly PluginWatch _watch;

    public PluginWatchTests()
    {
        Directory.CreateDirectory(Registry);
        _watch = new(Registry, [new CsiRegistration(_drivers, new(_api, "node", TimeProvider.System), TimeProvider.System)], _time, NullLogger.Instance);
        _api.Put(new Node { Metadata = new() { Name = "node", Uid = "n-1", Labels = Map.Of(("kept", "yes")) } });
    }

    string Registry => Path.Combine(_root, "registry");
    string Endpoint => Path.Combine(_root, "csi.sock");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    Task<GrpcServer> DriverAsync(string name = "a.example") =>
        GrpcServer.StartAsync("unix://" + Endpoint, new HostPathDriver(new() { Name = name, NodeId = "id-of-node", State = Path.Combine(_root, "state"), MaxVolumes = 7 }).Service());

    Task<GrpcServer> RegistrarAsync(string file, string name = "a.example", string type = "CSIPlugin", params string[] versions) =>
        Registrar.StartAsync(Path.Combine(Registry, file), name, Endpoint, _told.Enqueue, default, type, versions);

    async Task LookAsync()
    {
        _watch.Look(default);
        await _watch.SettledAsync();
    }

    [Fact]
    public async Task A_driver_that_registers_is_known_to_the_cluster_until_its_socket_goes()
    {
        await using var driver = await DriverAsync();
        var registrar = await RegistrarAsync("a.sock");
        await LookAsync();
        await LookAsync();
        Assert.True(Assert.Single(_told).PluginRegistered);
        Assert.Equal(("id-of-node", Endpoint), (_drivers.Find("a.example")!.NodeId, _drivers.Find("a.example")!.Endpoint));
        var node = _api.Get<CSINode>(new("", "node"))!;
        Assert.Equal("n-1", Assert.Single(node.Metadata.OwnerReferences).Uid);
        var told = Assert.Single(node.Spec.Drivers);
        Assert.Equal(("a.example", "id-of-node", 7, "topology.a.example/node"), (told.Name, told.NodeID, told.Allocatable!.Count, Assert.Single(told.TopologyKeys)));
        var labelled = _api.Get<Node>(new("", "node"))!.Metadata;
        Assert.Equal(("yes", "id-of-node", """{"a.example":"id-of-node"}"""), (labelled.Labels["kept"], labelled.Labels["topology.a.example/node"], labelled.Annotations["csi.volume.kubernetes.io/nodeid"]));

        await registrar.DisposeAsync();
        File.Delete(Path.Combine(Registry, "a.sock"));
        await LookAsync();
        await LookAsync();
        Assert.Null(_drivers.Find("a.example"));
        Assert.Empty(_api.Get<CSINode>(new("", "node"))!.Spec.Drivers);
        Assert.False(_api.Get<Node>(new("", "node"))!.Metadata.Annotations.ContainsKey("csi.volume.kubernetes.io/nodeid"));
    }

    [Fact]
    public async Task A_socket_made_anew_is_asked_again_and_the_driver_never_missing()
    {
        await using var driver = await DriverAsync();
        var first = await RegistrarAsync("a.sock");
        await LookAsync();
        var before = _drivers.Find("a.example");
        // The new socket takes the old one's place before that goes, so that it is another file for sure.
        var second = await RegistrarAsync("b~");
        _watch.Look(default);
        await _watch.SettledAsync();
        File.Move(Path.Combine(Registry, "b~"), Path.Combine(Registry, "a.sock"), overwrite: true);
        await LookAsync();
        await LookAsync();
        Assert.NotNull(_drivers.Find("a.example"));
        Assert.NotSame(before, _drivers.Find("a.example"));
        Assert.All(_told, t => Assert.True(t.PluginRegistered));
        await first.DisposeAsync();
        await second.DisposeAsync();
    }

    [Fact]
    public async Task A_plugin_that_cannot_be_taken_is_told_why_and_asked_again_with_growing_patience()
    {
        await using var unknown = await RegistrarAsync("x.sock", type: "Carrier");
        await LookAsync();
        Assert.Equal($"RegisterPlugin error -- no handler registered for plugin type: Carrier at socket {Path.Combine(Registry, "x.sock")}", Assert.Single(_told).Error);
        await LookAsync();
        Assert.Single(_told);
        _time.Advance(TimeSpan.FromSeconds(0.5));
        await LookAsync();
        Assert.Equal(2, _told.Count);
        _time.Advance(TimeSpan.FromSeconds(0.5));
        await LookAsync();
        Assert.Equal(2, _told.Count);
    }

    [Fact]
    public async Task Versions_before_1_are_refused()
    {
        await using var old = await RegistrarAsync("x.sock", versions: ["0.3.0"]);
        await LookAsync();
        Assert.Contains("no supported version", Assert.Single(_told).Error);
    }

    [Fact]
    public async Task A_driver_that_does_not_serve_yet_is_taken_when_it_does()
    {
        await using var registrar = await RegistrarAsync("a.sock");
        await LookAsync();
        Assert.False(Assert.Single(_told).PluginRegistered);
        await using var driver = await DriverAsync();
        _time.Advance(TimeSpan.FromSeconds(1));
        await LookAsync();
        Assert.True(_told.Last().PluginRegistered);
        Assert.NotNull(_drivers.Find("a.example"));
    }

    [Fact]
    public async Task A_topology_that_contradicts_the_nodes_labels_is_refused()
    {
        _api.Put(_api.Get<Node>(new("", "node"))! with { Metadata = new() { Name = "node", Uid = "n-1", Labels = Map.Of(("topology.a.example/node", "elsewhere")) } });
        await using var driver = await DriverAsync();
        await using var registrar = await RegistrarAsync("a.sock");
        await LookAsync();
        Assert.Contains("detected topology value collision", Assert.Single(_told).Error);
        Assert.Null(_drivers.Find("a.example"));
    }
}
