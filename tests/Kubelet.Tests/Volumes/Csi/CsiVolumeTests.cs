using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Disk;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Tests.Volumes.Csi;

public sealed class CsiVolumeTests : CsiTest
{
    [RootFact]
    public async Task A_disk_of_a_cloud_is_its_drivers_volume_whoever_names_it()
    {
        var volume = await MakeAsync("a", spec => spec with { Csi = null, VsphereVolume = new() { VolumePath = spec.Csi!.VolumeHandle, FsType = "ext4" } });
        Assert.EndsWith("driver name csi.vsphere.vmware.com not found in the list of registered CSI drivers", await FailureAsync(PodOf("a")));
        Drivers.Put(new("csi.vsphere.vmware.com", Socket, TimeProvider.System) { NodeId = Node });
        Objects.Drivers.Add(new() { Metadata = new() { Name = "csi.vsphere.vmware.com" }, Spec = new() { AttachRequired = false } });
        Assert.Equal(Path.Combine(Folders.Pod("u-1"), "volumes/kubernetes.io~csi/pv-a/mount"), await PrepareAsync(PodOf("a")));
        var inline = VolumeTest.PodWith(new Hanbae.Api.Core.V1.Volume { Name = "data", VsphereVolume = new() { VolumePath = volume.Spec.VsphereVolume!.VolumePath, StoragePolicyName = "gold" } });
        inline = inline with { Metadata = inline.Metadata with { Uid = "u-2" } };
        Assert.Contains("/volumes/kubernetes.io~csi/csi.vsphere.vmware.com-", await PrepareAsync(inline));
        Assert.Equal(("gold", volume.Spec.VsphereVolume!.VolumePath), (Last<NodePublishVolumeRequest>().VolumeContext["storagepolicyname"], Last<NodePublishVolumeRequest>().VolumeId));
        await Volumes.TearDownAsync("u-1", default);
        await Volumes.TearDownAsync("u-2", default);
        Assert.Empty(Left);
        Assert.EndsWith("failed to translate Kubernetes ID to EBS Volume ID Invalid format for AWS volume (aws://z/x)",
            await FailureAsync(VolumeTest.PodWith(new Hanbae.Api.Core.V1.Volume { Name = "data", AwsElasticBlockStore = new() { VolumeID = "aws://z/x" } })));
    }

    [RootFact]
    public async Task A_volume_is_staged_once_and_published_for_each_Pod_and_comes_off_with_the_last()
    {
        var volume = await MakeAsync("a");
        string handle = volume.Spec.Csi!.VolumeHandle;
        string first = await PrepareAsync(PodOf("a", "u-1")), second = await PrepareAsync(PodOf("a", "u-2"));
        Assert.Equal("NodeStageVolume NodePublishVolume NodePublishVolume", Asked);
        Assert.Equal(Path.Combine(Folders.Pod("u-1"), "volumes/kubernetes.io~csi/pv-a/mount"), first);
        await File.WriteAllTextAsync(Path.Combine(first, "note"), "kept");
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(second, "note")));
        string staging = Last<NodePublishVolumeRequest>().StagingTargetPath;
        Assert.StartsWith(Path.Combine(Folders.Data, "plugins/kubernetes.io/csi", Name) + "/", staging);
        Assert.EndsWith("/globalmount", staging);
        Assert.Equal(("blue", "ext4", handle), (Last<NodeStageVolumeRequest>().VolumeContext["colour"], Last<NodeStageVolumeRequest>().VolumeCapability.Mount.FsType, Last<NodeStageVolumeRequest>().VolumeId));

        Driver.Calls.Clear();
        await Volumes.TearDownAsync("u-1", default);
        Assert.Equal("NodeUnpublishVolume", Asked);
        Assert.NotNull(MountTable.Read().At(staging));
        await Volumes.TearDownAsync("u-2", default);
        Assert.Equal("NodeUnpublishVolume NodeUnpublishVolume NodeUnstageVolume", Asked);
        Assert.Empty(Left);
        await Volumes.TearDownAsync("u-2", default);
        Assert.Equal("NodeUnpublishVolume NodeUnpublishVolume NodeUnstageVolume", Asked);
    }

    [RootFact]
    public async Task Preparing_again_asks_the_driver_nothing_also_after_a_restart_and_while_the_driver_is_away()
    {
        await MakeAsync("a");
        string path = await PrepareAsync(PodOf("a"));
        int calls = Driver.Calls.Count;
        Assert.Equal(path, await PrepareAsync(PodOf("a")));
        Drivers.Remove(Name);
        Volumes = NewVolumes();
        Assert.Equal(path, await PrepareAsync(PodOf("a")));
        await Volumes.RefreshAsync(PodOf("a"), default);
        Assert.Equal(calls, Driver.Calls.Count);
        Assert.Contains($"driver name {Name} not found in the list of registered CSI drivers", (await Assert.ThrowsAsync<VolumeException>(() => Volumes.TearDownAsync("u-1", default))).Message);
        Assert.NotEmpty(Left);
        Register();
        await Volumes.TearDownAsync("u-1", default);
        Assert.Empty(Left);
    }

    [RootFact]
    public async Task A_driver_that_is_not_there_is_told_of_in_upstreams_words()
    {
        await MakeAsync("a");
        Drivers.Remove(Name);
        Assert.Equal($"MountVolume.SetUp failed for volume \"pv-a\" : kubernetes.io/csi: driver name {Name} not found in the list of registered CSI drivers", await FailureAsync(PodOf("a")));
        await Volumes.TearDownAsync("u-1", default); // nothing was begun
        Assert.Empty(Left);
    }

    [RootFact]
    public async Task A_failed_stage_is_tried_again_and_after_a_final_error_nothing_is_left()
    {
        await MakeAsync("a");
        var answer = GrpcStatus.Aborted;
        Driver.Before = (call, _, _) => call == "NodeStageVolume" && answer != GrpcStatus.OK ? throw new GrpcException(answer, "busy with it") : Task.CompletedTask;
        Assert.Equal("MountVolume.MountDevice failed for volume \"pv-a\" : rpc error: code = Aborted desc = busy with it", await FailureAsync(PodOf("a")));
        // It may be staged all the same: the driver is asked to undo it.
        await Volumes.TearDownAsync("u-1", default);
        Assert.Equal("NodeStageVolume NodeUnpublishVolume NodeUnstageVolume", Asked);

        Driver.Calls.Clear();
        answer = GrpcStatus.InvalidArgument;
        Assert.Contains("code = InvalidArgument", await FailureAsync(PodOf("a")));
        await Volumes.TearDownAsync("u-1", default);
        Assert.Equal("NodeStageVolume NodeUnpublishVolume", Asked);
        Assert.Empty(Left);

        answer = GrpcStatus.OK;
        await PrepareAsync(PodOf("a"));
        await Volumes.TearDownAsync("u-1", default);
        Assert.Empty(Left);
    }

    [RootFact]
    public async Task A_failed_publish_is_taken_back_with_the_Pod()
    {
        await MakeAsync("a");
        Driver.Before = (call, _, _) => call == "NodePublishVolume" ? throw new GrpcException(GrpcStatus.Internal, "no luck") : Task.CompletedTask;
        Assert.Equal("MountVolume.SetUp failed for volume \"pv-a\" : rpc error: code = Internal desc = no luck", await FailureAsync(PodOf("a")));
        Assert.Contains("no luck", await FailureAsync(PodOf("a")));
        Assert.Equal("NodeStageVolume NodePublishVolume NodePublishVolume", Asked);
        await Volumes.TearDownAsync("u-1", default);
        Assert.Empty(Left);
    }

    [RootFact]
    public async Task A_failed_unpublish_or_unstage_leaves_what_the_next_try_needs()
    {
        await MakeAsync("a");
        await PrepareAsync(PodOf("a"));
        string failing = "NodeUnpublishVolume";
        Driver.Before = (call, _, _) => call == failing ? throw new GrpcException(GrpcStatus.Aborted, "in progress") : Task.CompletedTask;
        Assert.Contains("code = Aborted", (await Assert.ThrowsAsync<VolumeException>(() => Volumes.TearDownAsync("u-1", default))).Message);
        failing = "NodeUnstageVolume";
        Volumes = NewVolumes(); // and the kubelet is killed in between
        await Volumes.TearDownAsync("u-1", default); // no Pod waits for what is the node's
        Assert.NotEmpty(Left);
        failing = "";
        Volumes = NewVolumes();
        await Volumes.LeaveAsync(default);
        Assert.Empty(Left);
    }

    [RootFact]
    public async Task A_volume_that_could_not_be_unstaged_is_the_nodes_until_it_is_and_is_staged_anew_for_a_pod()
    {
        Declare(s => s with { AttachRequired = true });
        string handle = (await MakeAsync("a")).Spec.Csi!.VolumeHandle, unique = $"kubernetes.io/csi/{Name}^{handle}";
        Objects.Attachments.Add(new() { Metadata = new() { Name = CsiPaths.AttachmentName(handle, Name, Node) }, Status = new() { Attached = true } });
        Objects.Node = Objects.Node! with { Status = new() { VolumesInUse = [unique] } };
        await PrepareAsync(PodOf("a"));
        Driver.Before = (call, _, _) => call == "NodeUnstageVolume" ? throw new GrpcException(GrpcStatus.DeadlineExceeded, "slow") : Task.CompletedTask;
        await Volumes.TearDownAsync("u-1", default);
        Assert.Equal([unique], Volumes.InUse);
        Assert.Equal([unique], NewVolumes().InUse);

        Driver.Calls.Clear();
        await PrepareAsync(PodOf("a", "u-2"));
        Assert.Equal("NodeStageVolume NodePublishVolume", Asked); // who knows what became of the first stage
        Driver.Before = (_, _, _) => Task.CompletedTask;
        await Volumes.LeaveAsync(default);
        Assert.Equal("NodeStageVolume NodePublishVolume", Asked); // the second Pod has it
        await Volumes.TearDownAsync("u-2", default);
        Assert.Empty(Left);
        Assert.Empty(Volumes.InUse);
    }

    [RootFact]
    public async Task The_group_is_given_by_the_policy_that_the_driver_declares()
    {
        await MakeAsync("a");
        var pod = PodOf("a");
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = 4321 } } };
        foreach (var (policy, modes, expected) in ((string?, string, uint)[])[("None", "ReadWriteOnce", 0), (null, "ReadWriteMany", 0), ("File", "ReadWriteMany", 4321), (null, "ReadWriteOnce", 4321)])
        {
            Declare(s => s with { FsGroupPolicy = policy });
            Objects.Persistent[0] = Objects.Persistent[0] with { Spec = Objects.Persistent[0].Spec with { AccessModes = [modes] } };
            string path = await PrepareAsync(pod);
            Assert.Equal(expected, Native.Status(path)!.Value.Group);
            using (var handle = Native.OpenAt(null, Native.Bytes(path), Native.PathOnly, out _)) Native.Own(handle!, 0, 0);
            await Volumes.TearDownAsync("u-1", default);
        }
    }

    [RootFact]
    public async Task The_driver_is_told_of_the_Pod_and_gets_tokens_when_it_declares_so_and_is_called_again_to_renew()
    {
        await MakeAsync("a");
        Declare(s => s with { PodInfoOnMount = true, RequiresRepublish = true, TokenRequests = [new() { Audience = "vault", ExpirationSeconds = 600 }] });
        await PrepareAsync(PodOf("a"));
        var told = Last<NodePublishVolumeRequest>();
        Assert.Equal(("pod-u-1", "default", "u-1", "default", "false"), (told.VolumeContext["csi.storage.k8s.io/pod.name"], told.VolumeContext["csi.storage.k8s.io/pod.namespace"],
            told.VolumeContext["csi.storage.k8s.io/pod.uid"], told.VolumeContext["csi.storage.k8s.io/serviceAccount.name"], told.VolumeContext["csi.storage.k8s.io/ephemeral"]));
        Assert.Matches("""^\{"vault":\{"token":"pod-u-1/vault/1","expirationTimestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}\}$""", told.VolumeContext["csi.storage.k8s.io/serviceAccount.tokens"]);

        Declare(s => s with { ServiceAccountTokenInSecrets = true });
        await Volumes.RefreshAsync(PodOf("a"), default);
        Assert.Equal("NodeStageVolume NodePublishVolume NodePublishVolume", Asked);
        Assert.Contains("vault", Last<NodePublishVolumeRequest>().Secrets["csi.storage.k8s.io/serviceAccount.tokens"]);
        Assert.DoesNotContain("csi.storage.k8s.io/serviceAccount.tokens", Last<NodePublishVolumeRequest>().VolumeContext.Keys);
        await Volumes.TearDownAsync("u-1", default);
    }

    [RootFact]
    public async Task Secrets_that_the_volume_names_reach_the_driver()
    {
        await MakeAsync("a", s => s with { Csi = s.Csi! with { NodeStageSecretRef = new() { Namespace = "default", Name = "stage" }, NodePublishSecretRef = new() { Namespace = "default", Name = "publish" } } });
        Assert.Contains("fetching NodeStageSecretRef default/stage failed", await FailureAsync(PodOf("a")));
        foreach (string name in (string[])["stage", "publish"])
            Objects.Secrets.Add(new() { Metadata = new() { Namespace = "default", Name = name }, Data = Map.Of(("password", new Bytes(System.Text.Encoding.UTF8.GetBytes("of " + name)))) });
        await PrepareAsync(PodOf("a"));
        Assert.Equal(("of stage", "of publish"), (Last<NodeStageVolumeRequest>().Secrets["password"], Last<NodePublishVolumeRequest>().Secrets["password"]));
        await Volumes.TearDownAsync("u-1", default);
    }

    [RootFact]
    public async Task An_inline_volume_lives_and_dies_with_its_Pod_where_the_driver_does_such()
    {
        var pod = VolumeTest.PodWith(new Api.Core.V1.Volume { Name = "scratch", Csi = new() { Driver = Name, VolumeAttributes = Map.Of(("greeting", "hello")) } });
        Assert.Contains("volume mode \"Ephemeral\" not supported by driver test.example (only supports [\"Persistent\"])", await FailureAsync(pod));
        Declare(s => s with { VolumeLifecycleModes = ["Ephemeral"], PodInfoOnMount = true });
        string path = await PrepareAsync(pod);
        Assert.Equal("hello", await File.ReadAllTextAsync(Path.Combine(path, "greeting")));
        Assert.Equal("NodePublishVolume", Asked);
        Assert.Matches("^csi-[0-9a-f]{64}$", Last<NodePublishVolumeRequest>().VolumeId);
        await Volumes.TearDownAsync("u-1", default);
        Assert.Equal("NodePublishVolume NodeUnpublishVolume", Asked);
        Assert.Empty(Left);
        Assert.Empty(Directory.EnumerateDirectories(Path.Combine(Root, "state/volumes")));
    }

    [RootFact]
    public async Task Calls_of_the_node_side_are_timed_by_how_they_ended()
    {
        var figures = new KubeletFigures();
        Drivers.Called += figures.DriverCalled;
        await MakeAsync("a"); // by the controller side, which is not the kubelet's
        await PrepareAsync(PodOf("a"));
        Driver.Before = (call, _, _) => call == "NodeUnpublishVolume" ? throw new GrpcException(GrpcStatus.Internal, "not now") : Task.CompletedTask;
        await Assert.ThrowsAsync<VolumeException>(() => Volumes.TearDownAsync("u-1", default));
        Driver.Before = (_, _, _) => Task.CompletedTask;
        await Volumes.TearDownAsync("u-1", default);
        var text = new PrometheusText();
        figures.Render(text);
        string[] counts = [.. text.ToString().Split('\n').Where(l => l.StartsWith("csi_operations_seconds_count", StringComparison.Ordinal) && !l.Contains("Get"))];
        static string Line(string call, string status) => $"csi_operations_seconds_count{{driver_name=\"{Name}\",grpc_status_code=\"{status}\",method_name=\"/csi.v1.Node/{call}\",migrated=\"false\"}} 1";
        Assert.Equal(new[] { Line("NodePublishVolume", "OK"), Line("NodeStageVolume", "OK"), Line("NodeUnpublishVolume", "Internal"), Line("NodeUnpublishVolume", "OK"), Line("NodeUnstageVolume", "OK") }.Order(StringComparer.Ordinal), counts.Order(StringComparer.Ordinal));
        Assert.DoesNotContain("Controller", text.ToString());
    }

    [RootFact]
    public async Task A_volume_waits_until_it_is_attached_and_the_node_holds_on_to_it()
    {
        Declare(s => s with { AttachRequired = true });
        var volume = await MakeAsync("a");
        string handle = volume.Spec.Csi!.VolumeHandle, unique = $"kubernetes.io/csi/{Name}^{handle}";
        Objects.Attachments.Add(new()
        {
            Metadata = new() { Name = CsiPaths.AttachmentName(handle, Name, Node) },
            Status = new() { Attached = true, AttachmentMetadata = Map.Of(("device", "/dev/x")) },
        });
        bool told = false;
        Volumes.InUseChanged = () => told = true;
        var preparing = PrepareAsync(PodOf("a"));
        Assert.True(told);
        Assert.Equal([unique], Volumes.InUse);
        Assert.Empty(Asked); // the cluster does not know yet that the node holds it
        Objects.Node = Objects.Node! with { Status = new() { VolumesInUse = Volumes.InUse } };
        await preparing.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("/dev/x", Last<NodeStageVolumeRequest>().PublishContext["device"]);
        Assert.Equal([unique], NewVolumes().InUse); // a kubelet that starts anew still holds it
        await Volumes.TearDownAsync("u-1", default);
        Assert.Empty(Volumes.InUse);
        Assert.Empty(NewVolumes().InUse);
    }

    [RootFact]
    public async Task A_driver_that_comes_to_attach_nothing_has_its_volumes_let_go_of_while_Pods_have_them()
    {
        Declare(s => s with { AttachRequired = true });
        var volume = await MakeAsync("a");
        string handle = volume.Spec.Csi!.VolumeHandle, unique = $"kubernetes.io/csi/{Name}^{handle}";
        Objects.Attachments.Add(new() { Metadata = new() { Name = CsiPaths.AttachmentName(handle, Name, Node) }, Status = new() { Attached = true } });
        Objects.Node = Objects.Node! with { Status = new() { VolumesInUse = [unique] } };
        string at = await PrepareAsync(PodOf("a"));
        await Volumes.RefreshAsync(PodOf("a"), default);
        Assert.Equal([unique], Volumes.InUse);

        Declare(s => s with { AttachRequired = false });
        bool told = false;
        Volumes.InUseChanged = () => told = true;
        await Volumes.RefreshAsync(PodOf("a"), default);
        Assert.True(told);
        Assert.Empty(Volumes.InUse);
        Assert.NotNull(MountTable.Read().At(at));

        var anew = Volumes = NewVolumes(); // by what is on disk it was attached
        Assert.Equal([unique], anew.InUse);
        await PrepareAsync(PodOf("a"));
        await anew.RefreshAsync(PodOf("a"), default);
        Assert.Empty(anew.InUse);
        await anew.TearDownAsync("u-1", default);
        Assert.Empty(Left);
    }

    [RootFact]
    public async Task What_a_Pod_waited_for_in_vain_is_not_held_on_to()
    {
        Objects.Drivers.Clear(); // who is not declared may have to attach
        var volume = await MakeAsync("a");
        string unique = $"kubernetes.io/csi/{Name}^{volume.Spec.Csi!.VolumeHandle}";
        using var gone = new CancellationTokenSource();
        var first = Volumes.PrepareAsync(PodOf("a"), gone.Token);
        using var goes = new CancellationTokenSource();
        var second = Volumes.PrepareAsync(PodOf("a", "u-2"), goes.Token);
        Assert.Equal([unique], Volumes.InUse);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal([unique], Volumes.InUse); // the other waits for it still
        await goes.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Empty(Volumes.InUse);
        Objects.Drivers.Add(new() { Metadata = new() { Name = Name }, Spec = new() { AttachRequired = false } });
        await PrepareAsync(PodOf("a"));
        Assert.Empty(Volumes.InUse);
        await Volumes.TearDownAsync("u-1", default);
        Assert.Empty(Left);
    }

    [RootFact]
    public async Task A_failed_attachment_is_told()
    {
        Declare(s => s with { AttachRequired = true });
        var volume = await MakeAsync("a");
        string handle = volume.Spec.Csi!.VolumeHandle;
        Objects.Node = Objects.Node! with { Status = new() { VolumesInUse = [$"kubernetes.io/csi/{Name}^{handle}"] } };
        Objects.Attachments.Add(new() { Metadata = new() { Name = CsiPaths.AttachmentName(handle, Name, Node) }, Status = new() { AttachError = new() { Message = "no such disk" } } });
        Assert.Matches("^MountVolume.WaitForAttach failed for volume \"pv-a\" : volume attachment csi-[0-9a-f]+ failed: no such disk$", await FailureAsync(PodOf("a")));
    }

    [RootFact]
    public async Task A_node_that_has_no_room_for_an_attachment_is_waited_for_and_then_refuses_the_Pod()
    {
        Declare(s => s with { AttachRequired = true });
        var volume = await MakeAsync("a");
        string handle = volume.Spec.Csi!.VolumeHandle;
        Objects.Node = Objects.Node! with { Status = new() { VolumesInUse = [$"kubernetes.io/csi/{Name}^{handle}"] } };
        var attachment = new VolumeAttachment
        {
            Metadata = new() { Name = CsiPaths.AttachmentName(handle, Name, Node) }, Status = new() { AttachError = new() { Message = "attachment limit exceeded", ErrorCode = (int)GrpcStatus.ResourceExhausted } },
        };
        Objects.Attachments.Add(attachment);
        var exhausted = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Volumes.Exhausted = driver => exhausted.TrySetResult(driver);
        var refused = FailedAsync();
        Assert.Equal(Name, await exhausted.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.False(refused.IsCompleted);
        Objects.Now += TimeSpan.FromMinutes(2);
        var failure = await refused.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("VolumeAttachmentLimitExceeded", failure.Refusal);
        Assert.Matches("^MountVolume.WaitForAttach failed for volume \"pv-a\" : node has insufficient volume attachment capacity: volume attachment csi-[0-9a-f]+ failed: attachment limit exceeded$", failure.Message);

        // Room there is again.
        var preparing = PrepareAsync(PodOf("a"));
        lock (Objects.Attachments) Objects.Attachments[0] = attachment with { Status = new() { Attached = true } };
        await preparing.WaitAsync(TimeSpan.FromSeconds(60));
        await Volumes.TearDownAsync("u-1", default);

        async Task<VolumeException> FailedAsync() => await Assert.ThrowsAsync<VolumeException>(() => Volumes.PrepareAsync(PodOf("a"), default));
    }

    [RootFact]
    public async Task A_volume_that_grew_is_grown_on_the_node_and_the_claim_says_so()
    {
        await MakeAsync("a");
        await PrepareAsync(PodOf("a"));
        Objects.Persistent[0] = Objects.Persistent[0] with { Spec = Objects.Persistent[0].Spec with { Capacity = Map.Of(("storage", Quantity.Parse("3Mi"))) } };
        Objects.Claims[0] = Objects.Claims[0] with { Status = Objects.Claims[0].Status with { Conditions = [new() { Type = "FileSystemResizePending", Status = "True" }] } };
        await Volumes.RefreshAsync(PodOf("a"), default);
        Assert.Equal(3 << 20, Last<NodeExpandVolumeRequest>().CapacityRange.RequiredBytes);
        Assert.Equal(Quantity.Parse("3Mi"), Objects.Claims[0].Status.Capacity["storage"]);
        Assert.Empty(Objects.Claims[0].Status.Conditions);
        Assert.Contains(Objects.Events, e => e.StartsWith("Normal FileSystemResizeSuccessful"));
        int calls = Driver.Calls.Count(c => c.Call == "NodeExpandVolume");
        await Volumes.RefreshAsync(PodOf("a"), default);
        Assert.Equal(calls, Driver.Calls.Count(c => c.Call == "NodeExpandVolume"));
        await Volumes.TearDownAsync("u-1", default);
    }

    [RootFact]
    public async Task What_cannot_grow_is_told_once_and_not_tried_for_ever()
    {
        await MakeAsync("a");
        await PrepareAsync(PodOf("a"));
        Objects.Persistent[0] = Objects.Persistent[0] with { Spec = Objects.Persistent[0].Spec with { Capacity = Map.Of(("storage", Quantity.Parse("3Mi"))) } };
        Driver.Before = (call, _, _) => call == "NodeExpandVolume" ? throw new GrpcException(GrpcStatus.OutOfRange, "too large") : Task.CompletedTask;
        await Volumes.RefreshAsync(PodOf("a"), default);
        await Volumes.RefreshAsync(PodOf("a"), default);
        Assert.Equal(1, Driver.Calls.Count(c => c.Call == "NodeExpandVolume"));
        Assert.Equal("NodeResizeInfeasible", Objects.Claims[0].Status.AllocatedResourceStatuses["storage"]);
        var condition = Assert.Single(Objects.Claims[0].Status.Conditions);
        Assert.Equal(("NodeResizeError", "True", "failed to expand pvc with rpc error: code = OutOfRange desc = too large"), (condition.Type, condition.Status, condition.Message));
        await Volumes.TearDownAsync("u-1", default);
    }

    [RootFact]
    public async Task Figures_and_health_are_the_drivers()
    {
        var volume = await MakeAsync("a");
        string path = await PrepareAsync(PodOf("a"));
        await File.WriteAllTextAsync(Path.Combine(path, "x"), "12345");
        await Volumes.RefreshAsync(PodOf("a"), default);
        var use = Volumes.UseOf("u-1", "data")!;
        Assert.Equal((1L << 20, 5L, 1L, false), (use.Capacity, use.Used, use.InodesUsed, use.Abnormal));
        await File.WriteAllTextAsync(Path.Combine(Root, "state/volumes", volume.Spec.Csi!.VolumeHandle, "sick"), "smells of smoke");
        await Volumes.RefreshAsync(PodOf("a"), default);
        await Volumes.RefreshAsync(PodOf("a"), default);
        Assert.True(Volumes.UseOf("u-1", "data")!.Abnormal);
        Assert.Single(Objects.Events, "Warning VolumeConditionAbnormal: Volume data: smells of smoke");
        await Volumes.TearDownAsync("u-1", default);
        Assert.Null(Volumes.UseOf("u-1", "data"));
    }
}

/// <summary>A driver that gives volumes to Pods' groups itself.</summary>
public sealed class CsiMountGroupTests : CsiTest
{
    internal override Hanbae.CsiDriver.DriverOptions Options => base.Options with { MountsGroup = true };

    [RootFact]
    public async Task The_group_is_the_drivers_affair_where_it_says_so()
    {
        await MakeAsync("a");
        var pod = PodOf("a");
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = 4321 } } };
        string at = await PrepareAsync(pod);
        Assert.Equal(("4321", "4321"), (Last<NodeStageVolumeRequest>().VolumeCapability.Mount.VolumeMountGroup, Last<NodePublishVolumeRequest>().VolumeCapability.Mount.VolumeMountGroup));
        Assert.NotEqual(4321u, Native.Status(at)!.Value.Group); // this one only hears of it; the kubelet leaves it at that
        await Volumes.TearDownAsync("u-1", default);
        Assert.Empty(Left);
    }
}
