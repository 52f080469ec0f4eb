using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Cri.Csi;
using Hanbae.CsiDriver;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;
using Hanbae.Kit;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Csi.Control;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Volumes.Csi;

/// <summary>The built-in controller of drivers, on an API server in memory and a driver that serves on a socket and mounts nothing.</summary>
public sealed class CsiControlTests : IAsyncLifetime
{
    const string Name = "test.example", Place = "topology.test.example/node", Uid = "0b5ae6a5-9d2c-4d5a-8f64-0123456789ab", Volume = "pvc-" + Uid;

    readonly string _root = Directory.CreateTempSubdirectory("hanbae-csi-").FullName;
    readonly CancellationTokenSource _stop = new();
    readonly FakeApi _api = new();
    readonly CsiDrivers _drivers = new();
    HostPathDriver _driver = null!;
    GrpcServer _server = null!;
    Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _driver = new(new() { Name = Name, NodeId = "id-n", State = Path.Combine(_root, "state"), Attaches = true, Mounts = false, Capacity = 10 << 20 });
        _server = await GrpcServer.StartAsync("unix://" + Socket, _driver.Service());
        _api.Put(new Node { Metadata = new() { Name = "n", Labels = Map.Of((Place, "id-n")) } });
        _api.Put(new CSINode { Metadata = new() { Name = "n" }, Spec = new() { Drivers = [new() { Name = Name, NodeID = "id-n", TopologyKeys = [Place] }] } });
        _api.Put(new CSIDriver { Metadata = new() { Name = Name }, Spec = new() { StorageCapacity = true } });
        _api.Put(new StorageClass
        {
            Metadata = new() { Name = "late" }, Provisioner = Name, VolumeBindingMode = "WaitForFirstConsumer", AllowVolumeExpansion = true, ReclaimPolicy = "Delete",
            Parameters = Map.Of(("colour", "red"), ("csi.storage.k8s.io/fstype", "xfs"), ("csi.storage.k8s.io/provisioner-secret-name", "${pvc.name}-key"), ("csi.storage.k8s.io/provisioner-secret-namespace", "${pvc.namespace}"),
                ("csi.storage.k8s.io/node-stage-secret-name", "stage"), ("csi.storage.k8s.io/node-stage-secret-namespace", "vault")),
        });
        _api.Put(new StorageClass { Metadata = new() { Name = "now" }, Provisioner = Name, VolumeBindingMode = "Immediate", AllowVolumeExpansion = true, ReclaimPolicy = "Delete" });
        _api.Put(new Secret { Metadata = new() { Name = "c-key", Namespace = "default" }, Data = Map.Of(("k", new Bytes("v"u8.ToArray()))) });
        _drivers.Put(new(Name, Socket, TimeProvider.System));
    }

    string Socket => Path.Combine(_root, "csi.sock");

    void Run()
    {
        var informers = new InformerFactory(_api, TimeProvider.System);
        var access = new ClusterAccess(_api, informers, "csi", TimeProvider.System);
        _running = Task.WhenAll(informers.RunAsync(_stop.Token), access.RunAsync(_stop.Token), new CsiControl(access, _drivers, "n", NullLogger.Instance).RunAsync(_stop.Token));
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(60)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _server.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    PersistentVolumeClaim Claim(string @class, string? node = null, string size = "1Mi")
    {
        var notes = Map.Of(("volume.kubernetes.io/storage-provisioner", Name));
        return _api.Put(new PersistentVolumeClaim
        {
            Metadata = new() { Name = "c", Namespace = "default", Uid = Uid, Annotations = node is null ? notes : notes.Set("volume.kubernetes.io/selected-node", node) },
            Spec = new() { AccessModes = ["ReadWriteOnce"], StorageClassName = @class, Resources = new() { Requests = Map.Of(("storage", Quantity.Parse(size))) } }, Status = new() { Phase = "Pending" },
        });
    }

    async Task<PersistentVolume> MadeAsync()
    {
        await _api.UntilAsync(a => a.Find<PersistentVolume>(Volume, "") is not null, "the volume");
        return _api.Find<PersistentVolume>(Volume, "")!;
    }

    void Bind()
    {
        var volume = _api.Find<PersistentVolume>(Volume, "")!;
        _api.Change<PersistentVolume>(Volume, v => v with { Status = new() { Phase = "Bound" } }, "");
        _api.Change<PersistentVolumeClaim>("c", c => c with { Spec = c.Spec with { VolumeName = Volume }, Status = new() { Phase = "Bound", Capacity = volume.Spec.Capacity } });
    }

    int Count(string call) => _driver.Calls.Count(c => c.Call == call);

    T Last<T>() where T : class => _driver.Calls.Select(c => c.Request).OfType<T>().Last();

    bool Event(string reason) => _api.All<Api.Core.V1.Event>().Any(e => e.Reason == reason);

    [Fact]
    public async Task A_claim_that_waits_for_its_Pod_gets_its_volume_when_the_scheduler_has_chosen()
    {
        Claim("late");
        Run();
        // What the driver is asked of every class once the loops run shows that they do.
        await _api.UntilAsync(a => a.All<CSIStorageCapacity>().Count == 2, "the loops run");
        Assert.Equal(0, Count("CreateVolume"));
        Claim("late", "n");
        await MadeAsync();
        Assert.NotEqual(0, Count("CreateVolume"));
    }

    [Fact]
    public async Task A_volume_is_asked_for_and_told_of_as_upstreams_provisioner_does()
    {
        Claim("late", "n");
        Run();
        var made = await MadeAsync();
        var asked = _driver.Calls.Select(c => c.Request).OfType<CreateVolumeRequest>().First();
        Assert.Equal((Volume, 1L << 20, "red", "xfs", "v"), (asked.Name, asked.CapacityRange.RequiredBytes, asked.Parameters["colour"], asked.VolumeCapabilities[0].Mount.FsType, asked.Secrets["k"]));
        Assert.Equal(["colour"], asked.Parameters.Keys);
        Assert.Equal("id-n", asked.AccessibilityRequirements.Preferred[0].Segments[Place]);
        Assert.Equal(("xfs", "vault", "stage", "red"), (made.Spec.Csi!.FsType, made.Spec.Csi.NodeStageSecretRef!.Namespace, made.Spec.Csi.NodeStageSecretRef.Name, made.Spec.Csi.VolumeAttributes["colour"]));
        Assert.Equal(("c-key", "default", Name), (made.Metadata.Annotations["volume.kubernetes.io/provisioner-deletion-secret-name"], made.Metadata.Annotations["volume.kubernetes.io/provisioner-deletion-secret-namespace"], made.Metadata.Annotations["pv.kubernetes.io/provisioned-by"]));
        Assert.Equal((Place, "id-n"), (made.Spec.NodeAffinity!.Required!.NodeSelectorTerms[0].MatchExpressions[0].Key, made.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values[0]));
        Assert.Equal(["external-provisioner.volume.kubernetes.io/finalizer"], made.Metadata.Finalizers);
    }

    [Fact]
    public async Task A_driver_that_fails_or_is_busy_is_asked_again_by_the_same_name()
    {
        int failures = 3;
        _driver.Before = (call, _, _) => call == "CreateVolume" && failures-- > 0 ? throw new GrpcException(failures == 2 ? GrpcStatus.Aborted : failures == 1 ? GrpcStatus.DeadlineExceeded : GrpcStatus.Internal, "not now") : Task.CompletedTask;
        Claim("now");
        Run();
        await MadeAsync();
        await _api.UntilAsync(_ => Event("ProvisioningFailed"), "its event");
        Assert.True(Count("CreateVolume") >= 4); // a cache that lags may ask once more, which makes no second volume
        Assert.Single(_driver.Calls.Select(c => c.Request).OfType<CreateVolumeRequest>().Select(r => r.Name).Distinct());
        Assert.Single(Directory.EnumerateDirectories(Path.Combine(_root, "state/volumes")));
    }

    [Fact]
    public async Task Where_there_is_no_room_the_scheduler_is_asked_for_another_node()
    {
        Claim("late", "n", "1Gi");
        Run();
        await _api.UntilAsync(a => !a.Find<PersistentVolumeClaim>("c")!.Metadata.Annotations.ContainsKey("volume.kubernetes.io/selected-node"), "another choice");
        Assert.Null(_api.Find<PersistentVolume>(Volume, ""));
    }

    [Fact]
    public async Task A_released_volume_goes_once_it_is_attached_nowhere()
    {
        Claim("now");
        _api.Put(new VolumeAttachment { Metadata = new() { Name = "a" }, Spec = new() { Attacher = "somebody.else", NodeName = "n", Source = new() { PersistentVolumeName = Volume } } });
        Run();
        var made = await MadeAsync();
        Bind();
        _api.Remove<PersistentVolumeClaim>("c");
        _api.Change<PersistentVolume>(Volume, v => v with { Status = new() { Phase = "Released" } }, "");
        await _api.UntilAsync(_ => Event("VolumeFailedDelete"), "a refusal");
        Assert.Equal(0, Count("DeleteVolume"));
        _api.Remove<VolumeAttachment>("a", "");
        await _api.UntilAsync(a => a.Find<PersistentVolume>(Volume, "") is null, "its end");
        Assert.Equal(made.Spec.Csi!.VolumeHandle, Last<DeleteVolumeRequest>().VolumeId);
    }

    [Fact]
    public async Task A_volume_that_somebody_wrote_is_held_while_it_is_bound_and_goes_with_its_storage()
    {
        const string held = "external-provisioner.volume.kubernetes.io/finalizer", maker = "pv.kubernetes.io/provisioned-by";
        foreach (var (name, policy, by) in ((string, string, string?)[])[("ours", "Delete", null), ("kept", "Retain", null), ("theirs", "Delete", "somebody.else")])
            _api.Put(new PersistentVolume
            {
                Metadata = new() { Name = name, Uid = name, Finalizers = name == "kept" ? [held] : default, Annotations = by is null ? default : Map.Of((maker, by)) },
                Spec = new() { Csi = new() { Driver = Name, VolumeHandle = "there-" + name }, PersistentVolumeReclaimPolicy = policy }, Status = new() { Phase = "Bound" },
            });
        Run();
        await _api.UntilAsync(a => a.Find<PersistentVolume>("ours", "")!.Metadata.Finalizers.Contains(held), "it is held");
        await _api.UntilAsync(a => a.Find<PersistentVolume>("kept", "")!.Metadata.Finalizers.IsEmpty, "what is to stay is let go of");
        foreach (string name in (string[])["theirs", "kept", "ours"]) _api.Change<PersistentVolume>(name, v => v with { Status = new() { Phase = "Released" } }, "");
        await _api.UntilAsync(a => a.Find<PersistentVolume>("ours", "") is null, "its end");
        Assert.Equal(["there-ours"], _driver.Calls.Select(c => c.Request).OfType<DeleteVolumeRequest>().Select(r => r.VolumeId).Distinct());
        Assert.True(_api.Find<PersistentVolume>("theirs", "")!.Metadata.Finalizers.IsEmpty);
    }

    [Fact]
    public async Task An_attachment_is_brought_told_and_taken_away_with_its_failures()
    {
        Claim("now");
        Run();
        var made = await MadeAsync();
        bool fails = true;
        _driver.Before = (call, _, _) => call.StartsWith("ControllerP") && fails ? throw new GrpcException(GrpcStatus.Internal, "no cable") : Task.CompletedTask;
        _api.Put(new VolumeAttachment { Metadata = new() { Name = "a" }, Spec = new() { Attacher = Name, NodeName = "n", Source = new() { PersistentVolumeName = Volume } } });
        await _api.UntilAsync(a => a.Find<VolumeAttachment>("a", "")!.Status.AttachError is not null, "its error");
        Assert.Equal(("rpc error: code = Internal desc = no cable", 13), (_api.Find<VolumeAttachment>("a", "")!.Status.AttachError!.Message, _api.Find<VolumeAttachment>("a", "")!.Status.AttachError!.ErrorCode));
        fails = false;
        await _api.UntilAsync(a => a.Find<VolumeAttachment>("a", "")!.Status.Attached, "attached");
        var attached = _api.Find<VolumeAttachment>("a", "")!;
        Assert.Equal(("yes", "external-attacher/test-example"), (attached.Status.AttachmentMetadata["attached"], Assert.Single(attached.Metadata.Finalizers)));
        Assert.Contains("external-attacher/test-example", _api.Find<PersistentVolume>(Volume, "")!.Metadata.Finalizers);
        Assert.Equal(("id-n", made.Spec.Csi!.VolumeHandle), (Last<ControllerPublishVolumeRequest>().NodeId, Last<ControllerPublishVolumeRequest>().VolumeId));

        await new ApiClient(_api, TimeProvider.System).DeleteAsync<VolumeAttachment>(new Key("", "a"), new(), default);
        await _api.UntilAsync(a => a.Find<VolumeAttachment>("a", "") is null, "detached");
        Assert.NotEqual(0, Count("ControllerUnpublishVolume"));
        Assert.DoesNotContain("external-attacher/test-example", _api.Find<PersistentVolume>(Volume, "")!.Metadata.Finalizers);
    }

    [Fact]
    public async Task A_claim_that_asks_for_more_gets_a_larger_volume_and_the_node_is_left_the_rest()
    {
        Claim("now");
        Run();
        await MadeAsync();
        Bind();
        _api.Change<PersistentVolumeClaim>("c", c => c with { Spec = c.Spec with { Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("3Mi"))) } } });
        await _api.UntilAsync(a => a.Find<PersistentVolumeClaim>("c")!.Status.AllocatedResourceStatuses["storage"] == "NodeResizePending", "its growth");
        Assert.Equal(Quantity.Parse("3Mi"), _api.Find<PersistentVolume>(Volume, "")!.Spec.Capacity["storage"]);
        Assert.Equal(Quantity.Parse("1Mi"), _api.Find<PersistentVolumeClaim>("c")!.Status.Capacity["storage"]);
        Assert.Equal("FileSystemResizePending", Assert.Single(_api.Find<PersistentVolumeClaim>("c")!.Status.Conditions).Type);

        _driver.Before = (call, _, _) => call == "ControllerExpandVolume" ? throw new GrpcException(GrpcStatus.OutOfRange, "too large") : Task.CompletedTask;
        _api.Change<PersistentVolumeClaim>("c", c => c with { Spec = c.Spec with { Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("9Ti"))) } } });
        await _api.UntilAsync(a => a.Find<PersistentVolumeClaim>("c")!.Status.AllocatedResourceStatuses["storage"] == "ControllerResizeInfeasible", "its refusal");
        Assert.Single(_driver.Calls.Select(c => c.Request).OfType<ControllerExpandVolumeRequest>(), r => r.CapacityRange.RequiredBytes == 9L << 40);
    }

    [Fact]
    public async Task A_claim_that_is_seen_before_its_class_gets_its_volume_all_the_same()
    {
        Claim("unseen");
        Run();
        await _api.UntilAsync(a => a.All<CSIStorageCapacity>().Count == 2, "the loops run");
        Assert.Equal(0, Count("CreateVolume"));
        _api.Put(new StorageClass { Metadata = new() { Name = "unseen" }, Provisioner = Name, VolumeBindingMode = "Immediate", ReclaimPolicy = "Delete" });
        await MadeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_claim_that_asks_for_more_and_is_seen_before_its_volume_and_its_class_grows_all_the_same(bool volumeFirst)
    {
        Claim("now");
        Run();
        await MadeAsync();
        Bind();
        var (volume, @class) = (_api.Find<PersistentVolume>(Volume, "")!, _api.Find<StorageClass>("now", "")!);
        _api.Remove<PersistentVolume>(Volume, "");
        _api.Remove<StorageClass>("now", "");
        _api.Change<PersistentVolumeClaim>("c", c => c with { Spec = c.Spec with { Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("3Mi"))) } } });
        if (volumeFirst) _api.Put(volume);
        _api.Put(@class);
        if (!volumeFirst) _api.Put(volume);
        await _api.UntilAsync(a => a.Find<PersistentVolumeClaim>("c")!.Status.AllocatedResourceStatuses["storage"] == "NodeResizePending", "its growth");
    }

    [Fact]
    public async Task A_volume_has_the_attributes_of_its_claims_class_and_changes_with_it()
    {
        foreach (var (name, value) in (( string, string)[])[("slow", "100"), ("fast", "9000")])
            _api.Put(new VolumeAttributesClass { Metadata = new() { Name = name }, DriverName = Name, Parameters = Map.Of(("iops", value)) });
        _api.Put(new VolumeAttributesClass { Metadata = new() { Name = "mad" }, DriverName = Name, Parameters = Map.Of(("impossible", "yes")) });
        Claim("now");
        _api.Change<PersistentVolumeClaim>("c", c => c with { Spec = c.Spec with { VolumeAttributesClassName = "slow" } });
        Run();
        await MadeAsync();
        Assert.Equal("100", Last<CreateVolumeRequest>().MutableParameters["iops"]);
        Bind();
        void Wish(string name) => _api.Change<PersistentVolumeClaim>("c", c => c with { Spec = c.Spec with { VolumeAttributesClassName = name } });
        PersistentVolumeClaimStatus Status() => _api.Find<PersistentVolumeClaim>("c")!.Status;
        _api.Change<PersistentVolumeClaim>("c", c => c with { Status = c.Status with { CurrentVolumeAttributesClassName = "slow" } });
        Wish("fast");
        await _api.UntilAsync(a => Status() is { CurrentVolumeAttributesClassName: "fast", ModifyVolumeStatus: null }, "the change");
        Assert.Equal(("fast", "9000"), (_api.Find<PersistentVolume>(Volume, "")!.Spec.VolumeAttributesClassName, Last<ControllerModifyVolumeRequest>().MutableParameters["iops"]));
        Assert.Empty(Status().Conditions);

        Wish("mad");
        await _api.UntilAsync(a => Status().ModifyVolumeStatus is { Status: "Infeasible", TargetVolumeAttributesClassName: "mad" }, "the refusal");
        Assert.Equal(("fast", "ModifyVolumeError"), (Status().CurrentVolumeAttributesClassName, Assert.Single(Status().Conditions).Type));
        Wish("later");
        await _api.UntilAsync(a => Status().ModifyVolumeStatus is { Status: "Pending", TargetVolumeAttributesClassName: "later" }, "waiting for the class");
        _api.Put(new VolumeAttributesClass { Metadata = new() { Name = "later" }, DriverName = Name, Parameters = Map.Of(("iops", "1")) });
        await _api.UntilAsync(a => Status() is { CurrentVolumeAttributesClassName: "later", ModifyVolumeStatus: null }, "the class that came");
        Assert.Empty(Status().Conditions);
    }

    void Helper(string image, string ns = "default") => _api.Put(new Pod
    {
        Metadata = new() { Name = "helper", Namespace = ns, Uid = "p" },
        Spec = new() { Containers = [new() { Name = "p", Image = "registry.example/sig-storage/" + image }], Volumes = [new() { Name = "socket", HostPath = new() { Path = _root } }] },
    });

    [Theory]
    [InlineData("csi-provisioner:v5.2.0")]
    [InlineData("csi-resizer:v1.13.0")]
    public async Task A_driver_that_brings_a_helper_is_left_to_those_that_it_brings(string image)
    {
        Helper(image);
        _api.Put(new PersistentVolume { Metadata = new() { Name = "there" }, Spec = new() { AccessModes = ["ReadWriteOnce"], Csi = new() { Driver = Name, VolumeHandle = Make("there") } } });
        _api.Put(new VolumeAttachment { Metadata = new() { Name = "a" }, Spec = new() { Attacher = Name, NodeName = "n", Source = new() { PersistentVolumeName = "there" } } });
        Claim("now");
        // Made here before the helper came: its end is nobody else's work.
        string finalizer = "external-attacher/" + Name.Replace('.', '-');
        _api.Put(new VolumeAttachment
        {
            Metadata = new() { Name = "old", Finalizers = [finalizer], DeletionTimestamp = DateTimeOffset.UnixEpoch }, Spec = new() { Attacher = Name, NodeName = "n", Source = new() { PersistentVolumeName = "there" } },
        });
        Run();
        await _api.UntilAsync(a => a.Find<VolumeAttachment>("old", "") is null, "taken away, as no helper does");
        Assert.Equal(1, Count("CreateVolume")); // this test's own
        Assert.Equal(0, Count("ControllerPublishVolume"));
        Assert.Null(_api.Find<PersistentVolume>(Volume, ""));
        Assert.False(_api.Find<VolumeAttachment>("a", "")!.Status.Attached);
    }

    [Fact]
    public async Task Who_takes_snapshots_for_all_drivers_is_no_helper_of_one()
    {
        Helper("snapshot-controller:v8.2.0", "kube-system");
        Claim("now");
        Run();
        await MadeAsync();
    }

    string Make(string name)
    {
        using var driver = new Hanbae.Kubelet.Volumes.Csi.CsiDriver(Name, Socket, TimeProvider.System);
        return driver.CallAsync(CsiMethods.CreateVolume, new() { Name = name, CapacityRange = new() { RequiredBytes = 1 } }, default).GetAwaiter().GetResult().Volume.VolumeId;
    }

    [Fact]
    public async Task Room_is_told_for_each_class_and_place_and_follows_what_is_made()
    {
        Run();
        await _api.UntilAsync(a => a.All<CSIStorageCapacity>().Count == 2, "one for each class");
        var told = _api.All<CSIStorageCapacity>().Single(c => c.StorageClassName == "now");
        Assert.Equal((10L << 20, "id-n", Name), (told.Capacity!.Value.Value(), told.NodeTopology!.MatchLabels[Place], told.Metadata.Labels["csi.storage.k8s.io/drivername"]));
        Claim("now");
        await _api.UntilAsync(a => a.All<CSIStorageCapacity>().Single(c => c.StorageClassName == "now").Capacity!.Value.Value() == 9 << 20, "less room");
        _api.Remove<StorageClass>("late", "");
        await _api.UntilAsync(a => a.All<CSIStorageCapacity>().Count == 1, "nothing of a class that is gone");
    }

    [Fact]
    public async Task A_clone_names_its_source()
    {
        Claim("now");
        Run();
        var source = await MadeAsync();
        Bind();
        _api.Put(new PersistentVolumeClaim
        {
            Metadata = new() { Name = "copy", Namespace = "default", Uid = "u-copy", Annotations = Map.Of(("volume.kubernetes.io/storage-provisioner", Name)) },
            Spec = new() { AccessModes = ["ReadWriteOnce"], StorageClassName = "now", Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Mi"))) }, DataSource = new() { Kind = "PersistentVolumeClaim", Name = "c" } },
            Status = new() { Phase = "Pending" },
        });
        await _api.UntilAsync(a => a.Find<PersistentVolume>("pvc-u-copy", "") is not null, "the copy");
        Assert.Equal(source.Spec.Csi!.VolumeHandle, Last<CreateVolumeRequest>().VolumeContentSource.Volume.VolumeId);
    }
}
