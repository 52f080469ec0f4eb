using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes.Remote;

public sealed class ShareTests : RemoteTest
{
    static readonly NFSVolumeSource Nfs = new() { Server = "files.example", Path = "/exports/a" };

    static Volume Inline(NFSVolumeSource? nfs = null) => new() { Name = "data", Nfs = nfs ?? Nfs };

    [RootFact]
    public async Task An_export_is_mounted_once_for_its_Pod_and_comes_off_with_it()
    {
        Script("mount.nfs");
        var kubelet = Kubelet();
        string at = (await PrepareAsync(kubelet, Pod(Inline()))).HostPath;
        Assert.Equal(TargetOf("kubernetes.io~nfs", "data"), at);
        await File.WriteAllTextAsync(Path.Combine(at, "note"), "kept");
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(Export, "note")));
        Assert.Equal(at, (await PrepareAsync(kubelet, Pod(Inline()))).HostPath);
        Assert.Equal(at, (await PrepareAsync(Kubelet(), Pod(Inline()))).HostPath); // killed and started again
        Assert.Equal(["mount -t nfs files.example:/exports/a /kubelet/pods/u-1/volumes/kubernetes.io~nfs/data"], Calls);
        await kubelet.TearDownAsync("u-1", default);
        AssertNothingLeft();
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(Export, "note")));
    }

    [RootFact]
    public async Task Options_of_the_volume_are_the_mounts_and_who_may_only_read_says_so()
    {
        Script("mount.nfs");
        var prepared = await PrepareAsync(Kubelet(), Claiming(new() { Nfs = Nfs with { Server = "fd00::1" }, MountOptions = ["nfsvers=4.1", "hard"] }, readOnly: true));
        Assert.True(prepared.ReadOnly);
        Assert.Equal(["mount -t nfs -o nfsvers=4.1,hard,ro [fd00::1]:/exports/a /kubelet/pods/u-1/volumes/kubernetes.io~nfs/pv"], Calls);
    }

    [RootFact]
    public async Task What_has_to_be_installed_is_said()
    {
        var bare = Kubelet(Options with { Folders = [Path.Combine(Root, "bin")] });
        Assert.Equal("MountVolume.SetUp failed for volume \"data\" : NFS volumes need the program mount.nfs, which this node does not have: install nfs-common (or nfs-utils)", await FailureAsync(bare, Pod(Inline())));
        Assert.Empty(Calls);
        Script("mount.nfs"); // installed while the Pod waits
        await PrepareAsync(bare, Pod(Inline()));
    }

    [RootFact]
    public async Task A_mount_that_fails_leaves_nothing_and_is_tried_again()
    {
        Script("mount.nfs");
        var kubelet = Kubelet();
        Write("mount-fails", "");
        string target = TargetOf("kubernetes.io~nfs", "data");
        Assert.Equal($"MountVolume.SetUp failed for volume \"data\" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs files.example:/exports/a {target}\nOutput: mount.nfs: access denied by server\n",
            await FailureAsync(kubelet, Pod(Inline())));
        Assert.False(Directory.Exists(target));
        File.Delete(Path.Combine(Root, "mount-fails"));
        Assert.Equal(target, (await PrepareAsync(kubelet, Pod(Inline()))).HostPath);
    }

    [RootFact]
    public async Task A_mount_that_hangs_is_ended_and_holds_up_no_other_Pod()
    {
        Script("mount.nfs");
        Write("mount-hangs", "");
        var kubelet = Kubelet();
        using var stop = new CancellationTokenSource();
        var hung = kubelet.PrepareAsync(Pod(Inline()), stop.Token);
        string pid = await AppearsAsync("mount-pid");
        File.Delete(Path.Combine(Root, "mount-hangs"));
        await PrepareAsync(kubelet, Pod(Inline(), "u-2"));
        Assert.False(hung.IsCompleted);
        await stop.CancelAsync(); // the Pod is deleted
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hung);
        Assert.False(Directory.Exists("/proc/" + pid));

        Write("mount-hangs", "");
        Assert.Equal("MountVolume.SetUp failed for volume \"data\" : mount did not end within 1 s", await FailureAsync(Kubelet(Options with { Patience = TimeSpan.FromSeconds(1) }), Pod(Inline())));
        await kubelet.TearDownAsync("u-1", default);
        await kubelet.TearDownAsync("u-2", default);
        AssertNothingLeft();
    }

    [RootFact]
    public async Task What_a_helper_did_after_its_kubelet_was_killed_comes_off_too()
    {
        Script("mount.nfs");
        string at = (await PrepareAsync(Kubelet(), Pod(Inline()))).HostPath;
        Assert.Equal(0, Native.Mount(Export, at, "", Native.MountBind, "")); // by the one that was thought dead
        await Kubelet().TearDownAsync("u-1", default);
        AssertNothingLeft();
    }

    [RootFact]
    public async Task Ceph_gets_its_key_by_a_file_that_nobody_else_sees_and_that_is_gone_afterwards()
    {
        Script("mount.ceph");
        Script("mount", $"sed -n p \"$(echo \"$4\" | sed 's/.*secretfile=//; s/,.*//')\" > {Root}/key\nexec mount --bind {Export} \"$6\"");
        Objects.Secrets.Add(new() { Metadata = new() { Name = "ceph", Namespace = "default" }, Data = Map.Of(("key", Bytes.FromText("c2VjcmV0"))) });
        await PrepareAsync(Kubelet(), Pod(new() { Name = "data", Cephfs = new() { Monitors = ["10.0.0.1:6789", "10.0.0.2:6789"], Path = "/a", User = "web", SecretRef = new() { Name = "ceph" }, ReadOnly = true } }));
        Assert.Equal("c2VjcmV0", (await File.ReadAllTextAsync(Path.Combine(Root, "key"))).Trim());
        string call = Assert.Single(Calls);
        Assert.Matches(@"^mount -t ceph -o name=web,secretfile=/proc/\d+/fd/\d+,ro 10\.0\.0\.1:6789,10\.0\.0\.2:6789:/a ", call);
        Assert.DoesNotContain("c2VjcmV0", call);
        string file = call.Split("secretfile=")[1].Split(',')[0];
        Assert.NotEqual("/memfd:hanbae-secret (deleted)", new FileInfo(file).LinkTarget);
        Assert.EndsWith("couldn't get secret default/other err: secrets \"other\" not found",
            await FailureAsync(Kubelet(), Pod(new() { Name = "data", Cephfs = new() { Monitors = ["m"], SecretRef = new() { Name = "other" } } }, "u-2")));
    }

    [RootFact]
    public async Task Gluster_finds_its_servers_by_an_Endpoints_object()
    {
        Script("mount.glusterfs");
        Script("systemd-run", "shift 3; exec \"$@\"");
        var pod = Pod(new() { Name = "data", Glusterfs = new() { Endpoints = "servers", Path = "vol" } });
        Assert.EndsWith("failed to get endpoint default/servers: endpoints \"servers\" not found", await FailureAsync(Kubelet(), pod));
        Objects.Endpoints.Add(new() { Metadata = new() { Name = "servers", Namespace = "default" }, Subsets = [new() { Addresses = [new() { Ip = "10.0.0.2" }, new() { Ip = "10.0.0.1" }] }] });
        await PrepareAsync(Kubelet(), pod);
        Assert.Equal("mount -t glusterfs -o log-level=ERROR,log-file=/kubelet/plugins/kubernetes.io/glusterfs/data/pod-u-1-glusterfs.log,backup-volfile-servers=10.0.0.2 10.0.0.1:vol /kubelet/pods/u-1/volumes/kubernetes.io~glusterfs/data",
            Calls.Single(c => c.StartsWith("mount ", StringComparison.Ordinal)));
    }

    async Task<string> AppearsAsync(string file)
    {
        string path = Path.Combine(Root, file), text = "";
        await LookAsync(file, async () => File.Exists(path) && (text = (await File.ReadAllTextAsync(path)).Trim()).Length > 0);
        return text;
    }
}
