using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Controllers.Volumes;

namespace Hanbae.Controllers.Tests.Volumes;

/// <summary>Volumes of CSI drivers come to the nodes that need them, one at a time, and leave when nobody does.</summary>
public sealed class AttachTests
{
    const string Driver = "disk.example.com";

    static Node Node(string name, string ready = "True", Taint[]? taints = null, string[]? mounted = null) => new()
    {
        Metadata = new() { Name = name, Annotations = Map.Of(("volumes.kubernetes.io/controller-managed-attach-detach", "true")) },
        Spec = new() { Taints = (taints ?? []).ToSeq() },
        Status = new() { Conditions = [new NodeCondition { Type = "Ready", Status = ready }], VolumesInUse = (mounted ?? []).ToSeq() },
    };

    static PersistentVolume Volume(string name, string claim, string mode = "ReadWriteOnce", string driver = Driver) => Storage.Volume(name, modes: [mode], phase: "Bound") is var v ? v with
    {
        Spec = v.Spec with { HostPath = null, Csi = new() { Driver = driver, VolumeHandle = "handle-" + name }, ClaimRef = new() { Namespace = "default", Name = claim, Uid = "uid-of-" + claim } },
    } : v;

    static void Bound(Kit.FakeApi api, string claim, string volume, string mode = "ReadWriteOnce", string driver = Driver)
    {
        var put = api.Put(Storage.Claim(claim, volume: volume, modes: [mode]) is var c ? c with { Status = new() { Phase = "Bound" } } : c);
        var v = Volume(volume, claim, mode, driver);
        api.Put(v with { Spec = v.Spec with { ClaimRef = v.Spec.ClaimRef! with { Uid = put.Metadata.Uid } } });
    }

    static TestCluster Start(Action<Kit.FakeApi> before) => new(["attachdetach"], before);

    static VolumeAttachment? On(Kit.FakeApi api, string node) => api.All<VolumeAttachment>().SingleOrDefault(a => a.Spec.NodeName == node);
    static void Attached(TestCluster cluster, string node) => cluster.Api.Change<VolumeAttachment>(On(cluster.Api, node)!.Metadata.Name, a => a with { Status = a.Status with { Attached = true } }, "");
    static string Reported(Kit.FakeApi api, string node) => string.Join(' ', api.Find<Node>(node, "")!.Status.VolumesAttached.Select(v => v.Name));

    [Fact]
    public async Task A_disk_of_a_cloud_is_brought_by_its_driver_whether_a_claim_or_the_Pod_names_it()
    {
        await using var cluster = Start(api =>
        {
            foreach (string node in (string[])["n1", "n2", "n3"]) api.Put(Node(node));
            Bound(api, "c", "v");
            api.Change<PersistentVolume>("v", v => v with { Spec = v.Spec with { Csi = null, AwsElasticBlockStore = new() { VolumeID = "aws://z/vol-1" } } }, "");
            api.Put(Storage.User("p", "c", "n1"));
            foreach (string node in (string[])["n2", "n3"])
                api.Put(Storage.User("p-" + node, "none", node) is var u ? u with { Spec = u.Spec with { Volumes = [new() { Name = "v", GcePersistentDisk = new() { PdName = "pd", ReadOnly = node == "n3" } }] } } : u);
        });
        await cluster.UntilAsync(api => On(api, "n1") is not null && (On(api, "n2") ?? On(api, "n3")) is not null);
        var claimed = On(cluster.Api, "n1")!;
        Assert.Equal(("ebs.csi.aws.com", "v"), (claimed.Spec.Attacher, claimed.Spec.Source.PersistentVolumeName));
        Attached(cluster, "n1");
        await cluster.UntilAsync(api => Reported(api, "n1") == "kubernetes.io/csi/ebs.csi.aws.com^vol-1");
        var inline = On(cluster.Api, "n2") ?? On(cluster.Api, "n3")!;
        Assert.Equal(("pd.csi.storage.gke.io", null, "projects/UNSPECIFIED/zones/UNSPECIFIED/disks/pd"), (inline.Spec.Attacher, inline.Spec.Source.PersistentVolumeName, inline.Spec.Source.InlineVolumeSpec?.Csi?.VolumeHandle));
        string node = inline.Spec.NodeName;
        Attached(cluster, node);
        await cluster.UntilAsync(api => Reported(api, node) == "kubernetes.io/csi/pd.csi.storage.gke.io^projects/UNSPECIFIED/zones/UNSPECIFIED/disks/pd");
        cluster.Api.Remove<Pod>("p-" + node);
        await cluster.UntilAsync(api => On(api, node) is null && On(api, node == "n2" ? "n3" : "n2") is not null);
    }

    [Fact]
    public async Task A_volume_is_attached_for_a_Pod_reported_and_detached_when_it_was_unmounted()
    {
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1"));
            Bound(api, "c", "v");
            api.Put(Storage.User("p", "c", "n1"));
        });
        await cluster.UntilAsync(api => On(api, "n1") is not null);
        var made = On(cluster.Api, "n1")!;
        Assert.Equal((Driver, "v", AttachPlan.NameOf(Volume("v", "c"), "n1")), (made.Spec.Attacher, made.Spec.Source.PersistentVolumeName, made.Metadata.Name));
        Assert.Equal("", Reported(cluster.Api, "n1"));

        Attached(cluster, "n1");
        const string name = $"kubernetes.io/csi/{Driver}^handle-v";
        await cluster.UntilAsync(api => Reported(api, "n1") == name && cluster.Events.Told.Any(e => e.Reason == "SuccessfulAttachVolume"));

        cluster.Api.Change<Node>("n1", n => n with { Status = n.Status with { VolumesInUse = [name] } }, "");
        cluster.Api.Remove<Pod>("p");
        // Another Pod that ends later has its volume detached: the first was looked at, and is held by the mount.
        Bound(cluster.Api, "c2", "v2");
        cluster.Api.Put(Storage.User("p2", "c2", "n1"));
        await cluster.UntilAsync(api => api.All<VolumeAttachment>().Count == 2);
        cluster.Api.Remove<Pod>("p2");
        await cluster.UntilAsync(api => api.All<VolumeAttachment>().Count == 1);
        Assert.Equal(made.Metadata.Uid, On(cluster.Api, "n1")!.Metadata.Uid);

        cluster.Api.Change<Node>("n1", n => n with { Status = n.Status with { VolumesInUse = default } }, "");
        await cluster.UntilAsync(api => On(api, "n1") is null && Reported(api, "n1") == "");
    }

    [Fact]
    public async Task What_was_attached_before_is_not_told_again_and_what_is_on_its_way_is_told_to_all_its_Pods()
    {
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1"));
            foreach (string each in (string[])["old", "begun"])
            {
                Bound(api, each, "v-" + each);
                api.Put(new VolumeAttachment
                {
                    Metadata = new() { Name = AttachPlan.NameOf(Volume("v-" + each, each), "n1"), CreationTimestamp = Make.Start },
                    Spec = new() { Attacher = Driver, NodeName = "n1", Source = new() { PersistentVolumeName = "v-" + each } }, Status = new() { Attached = each == "old" },
                });
                api.Put(Storage.User("p-" + each, each, "n1"));
            }
            api.Put(Storage.User("second", "begun", "n1"));
        });
        await cluster.UntilAsync(api => Reported(api, "n1") == $"kubernetes.io/csi/{Driver}^handle-v-old");
        cluster.Api.Change<VolumeAttachment>(AttachPlan.NameOf(Volume("v-begun", "begun"), "n1"), a => a with { Status = new() { Attached = true } }, "");
        await cluster.UntilAsync(_ => cluster.Events.Told.Count(e => e.Message.Contains("v-begun", StringComparison.Ordinal)) == 2);
        Assert.All(cluster.Events.Told, e => Assert.Equal(("SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume \"v-begun\" "), e));
    }

    /// <summary>Of the same disk: both attachments have one name.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_attachment_that_came_to_nothing_gives_way_when_another_PersistentVolume_stands_for_its_disk(bool gone)
    {
        string name = AttachPlan.NameOf(Volume("v", "c"), "n1");
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1", mounted: ["kubernetes.io/csi/" + Driver + "^handle-v"])); // the kubelet says so as soon as it waits
            if (!gone) api.Put(Volume("before", "earlier") is var v ? v with { Metadata = v.Metadata with { DeletionTimestamp = Make.Start }, Spec = v.Spec with { Csi = v.Spec.Csi! with { VolumeHandle = "handle-v" } } } : v);
            api.Put(new VolumeAttachment { Metadata = new() { Name = name }, Spec = new() { Attacher = Driver, NodeName = "n1", Source = new() { PersistentVolumeName = "before" } } });
            Bound(api, "c", "v");
            api.Put(Storage.User("p", "c", "n1"));
        });
        await cluster.UntilAsync(api => On(api, "n1") is { Spec.Source.PersistentVolumeName: "v" } made && made.Metadata.Name == name);
    }

    /// <summary>Nodes are worked on side by side: what is brought to one may not show yet when the other decides.</summary>
    [Fact]
    public async Task A_volume_for_one_node_goes_to_one_though_nobody_saw_it_go()
    {
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1"));
            api.Put(Node("n2"));
            Bound(api, "c", "v");
            api.Put(Storage.User("first", "c", "n1"));
            api.Put(Storage.User("second", "c", "n2"));
            api.Intercept = r =>
            {
                if (r.Method == "POST" && r.Path.EndsWith("/volumeattachments", StringComparison.Ordinal)) api.HoldWatches();
                return null;
            };
        });
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "FailedAttachVolume" && e.Message.StartsWith("Multi-Attach error", StringComparison.Ordinal)));
        var one = Assert.Single(cluster.Api.All<VolumeAttachment>());

        cluster.Api.ReleaseWatches();
        cluster.Api.Remove<Pod>(one.Spec.NodeName == "n1" ? "first" : "second");
        await cluster.UntilAsync(api => On(api, one.Spec.NodeName) is null && api.All<VolumeAttachment>().Count == 1);
    }

    [Fact]
    public async Task Where_nobody_attaches_the_Pods_user_is_told_and_again_when_somebody_does()
    {
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1"));
            Bound(api, "c", "v");
            api.Put(Storage.User("p", "c", "n1"));
        });
        await cluster.UntilAsync(api => On(api, "n1") is not null);
        Assert.DoesNotContain(cluster.Events.Told, e => e.Reason == "FailedAttachVolume");
        cluster.Creep = TimeSpan.FromSeconds(10);
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(
            ("FailedAttachVolume", $"AttachVolume.Attach failed for volume \"v\" : timed out waiting for external-attacher of {Driver} CSI driver to attach volume handle-v")));
        Attached(cluster, "n1");
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "SuccessfulAttachVolume"));
        Assert.Single(cluster.Events.Told, e => e.Reason == "FailedAttachVolume");
    }

    [Fact]
    public async Task A_volume_for_one_node_waits_until_the_other_has_let_go()
    {
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1"));
            api.Put(Node("n2"));
            Bound(api, "c", "v");
            api.Put(Storage.User("first", "c", "n1"));
        });
        await cluster.UntilAsync(api => On(api, "n1") is not null);
        cluster.Api.Put(Storage.User("second", "c", "n2"));
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("FailedAttachVolume", "Multi-Attach error for volume \"v\" Volume is already used by pod(s) first")));
        Assert.Null(On(cluster.Api, "n2"));

        cluster.Api.Remove<Pod>("first");
        await cluster.UntilAsync(api => On(api, "n1") is null && On(api, "n2") is not null);
    }

    [Fact]
    public async Task A_volume_for_many_comes_to_each()
    {
        await using var cluster = Start(api =>
        {
            foreach (string n in (string[])["n1", "n2"]) api.Put(Node(n));
            Bound(api, "c", "v", "ReadWriteMany");
            api.Put(Storage.User("a", "c", "n1"));
            api.Put(Storage.User("b", "c", "n2"));
        });
        await cluster.UntilAsync(api => On(api, "n1") is not null && On(api, "n2") is not null);
    }

    [Fact]
    public async Task A_driver_that_attaches_nothing_is_asked_nothing_and_strangers_attachments_stay()
    {
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1"));
            api.Put(new CSIDriver { Metadata = new() { Name = "files.example.com" }, Spec = new() { AttachRequired = false } });
            Bound(api, "c", "v", driver: "files.example.com");
            Bound(api, "c2", "v2");
            api.Put(new VolumeAttachment { Metadata = new() { Name = "byhand" }, Spec = new() { Attacher = Driver, NodeName = "n1", Source = new() { PersistentVolumeName = "v2" } } });
            api.Put(Storage.User("p", "c", "n1"));
            api.Put(Storage.User("p2", "c2", "n1"));
        });
        await cluster.UntilAsync(api => api.All<VolumeAttachment>().Count == 2);
        Assert.Equal(["v2", "v2"], cluster.Api.All<VolumeAttachment>().Select(a => a.Spec.Source.PersistentVolumeName));
        cluster.Api.Remove<Pod>("p2");
        await cluster.UntilAsync(api => api.All<VolumeAttachment>() is [{ Metadata.Name: "byhand" }]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_Pod_had_that_is_being_deleted_goes_when_nothing_of_it_runs_unless_its_node_keeps_it(bool keeps)
    {
        await using var cluster = Start(api =>
        {
            api.Graceful = o => o is Pod;
            var node = Node("n1");
            api.Put(keeps ? node with { Metadata = node.Metadata with { Annotations = node.Metadata.Annotations.Set("volumes.kubernetes.io/keep-terminated-pod-volumes", "true") } } : node);
            api.Put(Node("n2"));
            Bound(api, "c", "v");
            Bound(api, "c2", "v2");
            api.Put(Storage.User("p", "c", "n1") with { Status = new() { Phase = "Running", ContainerStatuses = [new() { Name = "main", State = new() { Running = new() } }] } });
        });
        await cluster.UntilAsync(api => On(api, "n1") is not null);
        cluster.Api.Change<Pod>("p", p => p with { Metadata = p.Metadata with { DeletionTimestamp = Make.Start, DeletionGracePeriodSeconds = 30 } });
        // It runs on: another Pod's volume comes meanwhile, and this one stays.
        cluster.Api.Put(Storage.User("mark", "c2", "n2"));
        await cluster.UntilAsync(api => On(api, "n2") is not null);
        Assert.NotNull(On(cluster.Api, "n1"));

        cluster.Api.Change<Pod>("p", p => p with { Status = p.Status with { ContainerStatuses = [new() { Name = "main", State = new() { Terminated = new() } }] } });
        if (keeps)
        {
            cluster.Api.Remove<Pod>("mark");
            await cluster.UntilAsync(api => On(api, "n2") is null);
            Assert.NotNull(On(cluster.Api, "n1"));
            cluster.Api.Change<Node>("n1", n => n with { Metadata = n.Metadata with { Annotations = n.Metadata.Annotations.Remove("volumes.kubernetes.io/keep-terminated-pod-volumes") } }, "");
        }
        await cluster.UntilAsync(api => On(api, "n1") is null);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_driver_that_says_later_that_it_attaches_nothing_has_nothing_attached_any_more(bool known)
    {
        CSIDriver driver = new() { Metadata = new() { Name = Driver }, Spec = new() { AttachRequired = true } };
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1"));
            if (known) api.Put(driver);
            Bound(api, "c", "v");
            api.Put(Storage.User("p", "c", "n1"));
        });
        await cluster.UntilAsync(api => On(api, "n1") is not null);
        cluster.Api.Put(driver with { Spec = new() { AttachRequired = false } });
        await cluster.UntilAsync(api => On(api, "n1") is null);
        cluster.Api.Remove<CSIDriver>(Driver, "");
        await cluster.UntilAsync(api => On(api, "n1") is not null);
    }

    [Theory]
    [InlineData("False", 0, false, false)]
    [InlineData("False", 5, false, false)]
    [InlineData("False", 6, false, true)]
    [InlineData("True", 60, false, false)]
    [InlineData("False", 0, true, true)]
    public void What_a_node_that_fails_has_mounted_is_taken_after_six_minutes_or_when_it_is_out_of_service(string ready, int minutes, bool outOfService, bool goes)
    {
        var volume = Volume("v", "c");
        var attachment = new VolumeAttachment { Metadata = new() { Name = AttachPlan.NameOf(volume, "n") }, Spec = new() { NodeName = "n" }, Status = new() { Attached = true } };
        var plan = AttachPlan.For("n", [], [(attachment, volume)], _ => null, new HashSet<string> { AttachPlan.UniqueName(volume) }, _ => Make.Start, ready == "True", outOfService, Make.Start.AddMinutes(minutes));
        Assert.Equal(goes ? 1 : 0, plan.Detach.Length);
        Assert.Equal(goes ? 0 : 1, plan.Attached.Count);
        Assert.Equal(!goes && ready == "False" ? Make.Start.AddMinutes(6) : null, plan.LookAt);
    }

    [Fact]
    public async Task What_a_deleted_node_had_mounted_is_taken_after_six_minutes()
    {
        await using var cluster = Start(api =>
        {
            api.Put(Node("n1", mounted: ["kubernetes.io/csi/" + Driver + "^handle-v"]));
            Bound(api, "c", "v");
            api.Put(Storage.User("p", "c", "n1"));
        });
        await cluster.UntilAsync(api => On(api, "n1") is not null);
        Attached(cluster, "n1");
        await cluster.UntilAsync(api => Reported(api, "n1").Length > 0);
        cluster.Api.Remove<Node>("n1", "");
        cluster.Api.Remove<Pod>("p");
        var since = cluster.Time.GetUtcNow();
        cluster.Creep = TimeSpan.FromSeconds(20);
        await cluster.UntilAsync(api => On(api, "n1") is null);
        Assert.True(cluster.Time.GetUtcNow() - since >= TimeSpan.FromMinutes(6));
    }
}
