using System.Diagnostics;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes;

public sealed class PodVolumesTests : VolumeTest
{
    static Volume EmptyDir(string medium = "", string? limit = null) => new() { Name = "v", EmptyDir = new() { Medium = medium, SizeLimit = limit is null ? null : Quantity.Parse(limit) } };

    [RootFact]
    public async Task An_empty_dir_is_everyones_and_the_groups()
    {
        Assert.Equal("777", Convert.ToString(ModeOf(await PrepareAsync(PodWith(EmptyDir()))), 8));
        var pod = PodWith(EmptyDir());
        string folder = await PrepareAsync(pod with { Metadata = pod.Metadata with { Uid = "u-2" }, Spec = pod.Spec with { SecurityContext = new() { FsGroup = 777 } } });
        Assert.Equal("2777", Convert.ToString(ModeOf(folder), 8));
        Assert.Equal(777u, Native.Status(folder)!.Value.Group);
        Assert.Equal(["u-1", "u-2"], Volumes.PodsOnDisk().Order(StringComparer.Ordinal));
    }

    [RootFact]
    public async Task What_containers_do_to_their_volume_is_not_undone()
    {
        var pod = PodWith(EmptyDir());
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = 777 } } };
        string folder = await PrepareAsync(pod);
        Native.SetMode(folder, 0x1C0);
        File.WriteAllText(Path.Combine(folder, "x"), "");
        Native.SetMode(Path.Combine(folder, "x"), 0x180);

        await PrepareAsync(pod);

        Assert.Equal("700", Convert.ToString(ModeOf(folder), 8));
        Assert.Equal("600", Convert.ToString(ModeOf(Path.Combine(folder, "x")), 8));
        Assert.Equal("750", Convert.ToString(ModeOf(Folders.Volumes("u-1")), 8)); // other users of the node stay out
    }

    [RootFact]
    public async Task Memory_is_mounted_once_with_its_group_also_beneath_a_linked_folder()
    {
        Directory.CreateDirectory(Path.Combine(Root, "real"));
        File.CreateSymbolicLink(Folders.Data, Path.Combine(Root, "real"));
        var pod = PodWith(EmptyDir("Memory"));
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = 777 } } };

        string folder = await PrepareAsync(pod);
        await PrepareAsync(pod);

        Assert.Single(MountTable.Read(), m => m.Path == folder);
        Assert.Equal((777u, "3777"), (Native.Status(folder)!.Value.Group, Convert.ToString(ModeOf(folder), 8)));
        await Volumes.TearDownAsync("u-1", default);
        Assert.False(Directory.Exists(folder));
    }

    [RootFact]
    public async Task Memory_is_as_large_as_its_limit()
    {
        string folder = await PrepareAsync(PodWith(EmptyDir("Memory", "1Mi")));
        Assert.Equal(1 << 20, new DriveInfo(folder).TotalSize);
        Assert.Throws<IOException>(() => File.WriteAllBytes(Path.Combine(folder, "big"), new byte[2 << 20]));
    }

    [Theory]
    [InlineData("", "", "8589934592"), InlineData("1Gi", "", "1073741824"), InlineData("1Gi", "64Mi", "67108864"), InlineData("16Gi", "", "8589934592")]
    public void The_least_limit_counts(string sizeLimit, string containerLimit, string bytes)
    {
        var pod = PodWith(EmptyDir());
        if (containerLimit.Length > 0)
            pod = pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { Resources = new() { Limits = Map.Of(("memory", Quantity.Parse(containerLimit))) } }] } };
        Assert.Equal(bytes, EmptyDirPlugin.MemoryLimit(pod, sizeLimit.Length > 0 ? Quantity.Parse(sizeLimit) : null, Objects.Node).ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Names_that_are_no_text_and_links_that_lead_out_are_removed_and_nothing_else()
    {
        string folder = await PrepareAsync(PodWith(EmptyDir())), outside = Path.Combine(Root, "outside");
        Directory.CreateDirectory(outside);
        File.WriteAllText(Path.Combine(outside, "keep"), "");
        File.CreateSymbolicLink(Path.Combine(folder, "out"), outside);
        using (var odd = Process.Start("sh", ["-c", "mkdir \"$0/$(printf 'a\\377b')\" && : > \"$0/$(printf 'a\\377b')/$(printf '\\376')\"", folder])) await odd.WaitForExitAsync();
        Assert.Equal(2, Directory.GetFileSystemEntries(folder).Length);

        await Volumes.TearDownAsync("u-1", default);

        Assert.False(Directory.Exists(Folders.Volumes("u-1")));
        Assert.True(File.Exists(Path.Combine(outside, "keep")));
        await Volumes.TearDownAsync("u-1", default); // nothing left to do is no error
    }

    [RootFact]
    public async Task What_is_mounted_is_never_removed_through_the_mount()
    {
        string folder = await PrepareAsync(PodWith(EmptyDir())), outside = Path.Combine(Root, "outside");
        Directory.CreateDirectory(outside);
        File.WriteAllText(Path.Combine(outside, "keep"), "");
        using (var source = Native.OpenAt(null, Native.Bytes(outside), Native.PathOnly, out _)) new KernelMounts().Bind(source!, Path.Combine(folder, "at"), false);

        Assert.Throws<IOException>(() => Tree.Delete(folder));
        await Volumes.TearDownAsync("u-1", default);

        Assert.True(File.Exists(Path.Combine(outside, "keep")));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task A_host_path_is_what_it_says()
    {
        string folder = Path.Combine(Root, "d"), file = Path.Combine(Root, "f"), socket = Path.Combine(Root, "s");
        async Task<string> Of(string path, string type)
        {
            await Volumes.TearDownAsync("u-1", default); // a type is looked at once for each Pod
            try { return await PrepareAsync(PodWith(new Volume { Name = "v", HostPath = new() { Path = path, Type = type } })); }
            catch (VolumeException e) { return e.Message.Replace("MountVolume.SetUp failed for volume \"v\" : ", "", StringComparison.Ordinal); }
        }

        Assert.Equal($"hostPath type check failed: {folder} is not a directory", await Of(folder, "Directory"));
        Assert.Equal(folder, await Of(folder, "DirectoryOrCreate"));
        Assert.Equal("755", Convert.ToString(ModeOf(folder), 8));
        Assert.Equal(folder, await Of(folder, "Directory"));
        Assert.Equal($"hostPath type check failed: {folder} is not a file", await Of(folder, "FileOrCreate"));
        Assert.Equal(file, await Of(file, "FileOrCreate"));
        Assert.Equal(file, await Of(file, "File"));
        Assert.Equal($"hostPath type check failed: {file} is not a directory", await Of(file, "DirectoryOrCreate"));
        using (var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            listener.Bind(new UnixDomainSocketEndPoint(socket));
            Assert.Equal(socket, await Of(socket, "Socket"));
        }
        Assert.Equal($"hostPath type check failed: {file} is not a socket file", await Of(file, "Socket"));
        Assert.Equal("/dev/null", await Of("/dev/null", "CharDevice"));
        Assert.Equal("hostPath type check failed: /dev/null is not a block device", await Of("/dev/null", "BlockDevice"));
        Assert.Equal("invalid HostPath `/a/../b`: must not contain '..'", await Of("/a/../b", ""));
        Assert.Equal("/not/there", await Of("/not/there", ""));
        Assert.Equal("Pipe is an invalid volume type", await Of(file, "Pipe"));
    }

    [Fact]
    public async Task Volumes_that_no_container_uses_are_not_made()
    {
        var pod = PodWith(new Volume { Name = "v", ConfigMap = new() { Name = "absent" } });
        Assert.Empty((await Volumes.PrepareAsync(pod with { Spec = pod.Spec with { Containers = [new() { Name = "c" }] } }, default)).ByName);
    }

    [Fact]
    public async Task Kinds_that_are_not_here_are_told_as_upstream_tells_them()
    {
        Assert.Equal("Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: failed to get Plugin from volumeSpec for volume \"v\" err=no volume plugin matched",
            await FailureAsync(PodWith(new Volume { Name = "v", Flocker = new() { DatasetName = "s" } })));
        Assert.Contains("driver name x.csi not found in the list of registered CSI drivers", await FailureAsync(PodWith(new Volume { Name = "v", Csi = new() { Driver = "x.csi" } })), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_volume_is_the_runtimes() =>
        Assert.Equal("example/files:1", (await Volumes.PrepareAsync(PodWith(new Volume { Name = "v", Image = new() { Reference = "example/files:1" } }), default)).ByName["v"].ImageReference);

    [RootFact]
    public async Task A_claim_leads_to_its_volume()
    {
        string folder = Path.Combine(Root, "disk");
        Directory.CreateDirectory(Path.Combine(folder, "sub"));
        var pod = PodWith(new Volume { Name = "v", PersistentVolumeClaim = new() { ClaimName = "data" } });
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = 555 } } };
        const string cannot = "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: error processing PVC default/data: ";
        Assert.Equal(cannot + "failed to fetch PVC from API server: persistentvolumeclaims \"data\" not found", await FailureAsync(pod));

        var claim = new PersistentVolumeClaim { Metadata = new() { Name = "data", Namespace = "default", Uid = "c-1" }, Spec = new() { VolumeName = "pv" } };
        Objects.Claims.Add(claim);
        Assert.Equal(cannot + "PVC is not bound", await FailureAsync(pod));
        Objects.Claims[0] = claim with { Status = new() { Phase = "Bound" } };
        Objects.Persistent.Add(new() { Metadata = new() { Name = "pv" }, Spec = new() { ClaimRef = new() { Uid = "c-1" }, Local = new() { Path = folder } } });

        string at = await PrepareAsync(pod);
        Assert.Equal(Folders.Volume("u-1", "kubernetes.io/local-volume", "pv"), at);
        Assert.True(Directory.Exists(Path.Combine(at, "sub")));
        Assert.Equal(555u, Native.Status(Path.Combine(folder, "sub"))!.Value.Group);
        Assert.Equal("2775", Convert.ToString(ModeOf(folder), 8));

        await Volumes.TearDownAsync("u-1", default);
        Assert.True(Directory.Exists(Path.Combine(folder, "sub")));
        Assert.False(Directory.Exists(at));
    }

    /// <summary>A Pod whose claim is bound to a volume <c>pv</c>.</summary>
    Pod Claiming(PersistentVolumeSpec spec)
    {
        Objects.Claims.Add(new() { Metadata = new() { Name = "data", Namespace = "default", Uid = "c-1" }, Spec = new() { VolumeName = "pv", VolumeMode = spec.VolumeMode }, Status = new() { Phase = "Bound" } });
        Objects.Persistent.Add(new() { Metadata = new() { Name = "pv", Uid = "v-1" }, Spec = spec with { ClaimRef = new() { Uid = "c-1" } } });
        var pod = PodWith(new Volume { Name = "v", PersistentVolumeClaim = new() { ClaimName = "data" } });
        return spec.VolumeMode != "Block" ? pod
            : pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { VolumeMounts = default, VolumeDevices = [new() { Name = "v", DevicePath = "/dev/v" }] }] } };
    }

    public static TheoryData<PersistentVolumeSpec, string> Unfit() => new()
    {
        { new() { Local = new() { Path = "/not/there" } }, "MountVolume.NewMounter initialization failed for volume \"pv\" : path \"/not/there\" does not exist" },
        { new() { Local = new() { Path = "/dev/null" }, VolumeMode = "Block" }, "MapVolume.MapPodDevice failed for volume \"pv\" : /dev/null is not a block device" },
        { new() { HostPath = new() { Path = "/dev/null", Type = "Directory" } }, "MountVolume.SetUp failed for volume \"pv\" : hostPath type check failed: /dev/null is not a directory" },
        { new() { HostPath = new() { Path = "/" }, MountOptions = ["noatime"] }, "MountVolume.MountOptionSupport check failed for volume \"pv\" : mount options are not supported for this volume type" },
        {
            new() { HostPath = new() { Path = "/" }, NodeAffinity = new() { Required = new() { NodeSelectorTerms = [new() { MatchExpressions = [new() { Key = "rack", Operator = "Exists" }] }] } } },
            "MountVolume.NodeAffinity check failed for volume \"pv\" : no matching NodeSelectorTerms"
        },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public async Task What_is_behind_a_claim_is_told_of_by_its_own_name(PersistentVolumeSpec spec, string told)
    {
        var failure = await Assert.ThrowsAsync<VolumeException>(() => Volumes.PrepareAsync(Claiming(spec), default));
        Assert.Equal((told, spec.VolumeMode == "Block" ? "FailedMapVolume" : "FailedMount"), (failure.Message, failure.Event));
    }

    [Fact]
    public async Task A_claim_that_is_being_deleted_serves_no_new_Pod_and_one_that_had_it_before_the_kubelet_was_restarted()
    {
        var pod = Claiming(new() { HostPath = new() { Path = Root } });
        Objects.Claims[0] = Objects.Claims[0] with { Metadata = Objects.Claims[0].Metadata with { DeletionTimestamp = Objects.Now } };
        Assert.EndsWith("error processing PVC default/data: PVC is being deleted", await FailureAsync(pod), StringComparison.Ordinal);
        Assert.Equal(Root, await PrepareAsync(pod with { Status = new() { ContainerStatuses = [new() { Name = "c", State = new() { Running = new() } }] } }));
    }

    [RootFact]
    public async Task A_local_volume_is_of_the_group_of_the_first_Pod_that_has_it()
    {
        string folder = Path.Combine(Root, "disk"), file = Path.Combine(folder, "x");
        Directory.CreateDirectory(folder);
        File.WriteAllText(file, "");
        var pod = Claiming(new() { Local = new() { Path = folder } });
        Pod Of(string uid, long group) => pod with { Metadata = pod.Metadata with { Uid = uid }, Spec = pod.Spec with { SecurityContext = new() { FsGroup = group } } };

        await PrepareAsync(Of("u-1", 555));
        await PrepareAsync(Of("u-2", 555));
        Assert.Empty(Objects.Events);
        for (int i = 0; i < 2; i++) await PrepareAsync(Of("u-3", 777));
        Assert.Equal(["Warning AlreadyMountedVolume: The requested fsGroup is 777, but the volume pv has GID 555. The volume may not be shareable."], Objects.Events);
        Assert.Equal((555u, 555u), (Native.Status(folder)!.Value.Group, Native.Status(file)!.Value.Group));

        foreach (string uid in (string[])["u-1", "u-2", "u-3"]) await Volumes.TearDownAsync(uid, default);
        await PrepareAsync(Of("u-4", 777));
        Assert.Equal((777u, 777u), (Native.Status(folder)!.Value.Group, Native.Status(file)!.Value.Group));
    }

    [RootFact]
    public async Task A_folder_is_mounted_with_the_options_that_are_a_mounts_own()
    {
        string folder = Path.Combine(Root, "disk");
        Directory.CreateDirectory(folder);
        var pod = Claiming(new() { Local = new() { Path = folder }, MountOptions = ["noexec", "nosuid", "commit=30"] });
        Assert.Equal(["nosuid", "noexec"], await OptionsAsync());

        // The note of old goes first.
        await Volumes.TearDownAsync("u-1", default);
        Objects.Persistent[0] = Objects.Persistent[0] with { Metadata = Objects.Persistent[0].Metadata with { Annotations = Map.Of(("volume.beta.kubernetes.io/mount-options", "ro,nodev")) } };
        Assert.Equal(["ro", "nodev"], await OptionsAsync());

        async Task<string[]> OptionsAsync()
        {
            string at = await PrepareAsync(pod);
            string[] options = (await File.ReadAllLinesAsync("/proc/self/mountinfo")).Select(l => l.Split(' ')).Single(f => f[4] == at)[5].Split(',');
            return [.. options.Intersect(["ro", "nosuid", "nodev", "noexec"])];
        }
    }

    /// <summary>A database that keeps its folder to itself does not start when others may read it.</summary>
    [RootFact]
    public async Task What_a_Pod_made_of_its_local_volume_stays_when_the_kubelet_is_restarted_and_no_mount_inside_is_touched()
    {
        string folder = Path.Combine(Root, "disk"), inside = Path.Combine(folder, "inside"), other = Path.Combine(Root, "other");
        foreach (string each in (string[])[inside, other]) Directory.CreateDirectory(each);
        using (var source = Native.OpenAt(null, Native.Bytes(other), Native.PathOnly, out _)) new KernelMounts().Bind(source!, inside, false);
        var pod = Claiming(new() { Local = new() { Path = folder } });
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = 555 } } };
        await PrepareAsync(pod);
        Assert.Equal((555u, 0u), (Native.Status(folder)!.Value.Group, Native.Status(other)!.Value.Group));

        Native.SetMode(folder, 0x1C0);
        await new PodVolumes(Folders, Objects, Objects, new FakeClock(Objects), events: Objects).PrepareAsync(pod, default);
        Assert.Equal("700", Convert.ToString(ModeOf(folder), 8));
    }

    [RootFact]
    public async Task A_volume_for_one_Pod_is_refused_to_a_second_until_the_first_has_gone()
    {
        string folder = Path.Combine(Root, "disk");
        Directory.CreateDirectory(folder);
        var pod = PodWith(new Volume { Name = "v", PersistentVolumeClaim = new() { ClaimName = "data", ReadOnly = true } });
        var second = pod with { Metadata = pod.Metadata with { Uid = "u-2", Name = "second" } };
        Objects.Claims.Add(new() { Metadata = new() { Name = "data", Namespace = "default", Uid = "c-1" }, Spec = new() { VolumeName = "pv" }, Status = new() { Phase = "Bound" } });
        Objects.Persistent.Add(new() { Metadata = new() { Name = "pv", Uid = "v-1" }, Spec = new() { AccessModes = ["ReadWriteOncePod"], ClaimRef = new() { Uid = "c-1" }, Local = new() { Path = folder } } });
        string at = await PrepareAsync(pod);
        Assert.Throws<IOException>(() => File.WriteAllText(Path.Combine(at, "x"), ""));

        Assert.Equal("MountVolume.SetUp failed for volume \"pv\" : volume uses the ReadWriteOncePod access mode and is already in use by another pod", await FailureAsync(second));

        await Volumes.TearDownAsync("u-1", default);
        Assert.True(Directory.Exists(await PrepareAsync(second)));
    }

    [RootFact]
    public async Task A_volume_may_want_its_users_to_be_of_a_group()
    {
        string folder = Path.Combine(Root, "disk");
        Directory.CreateDirectory(folder);
        var pod = PodWith(new Volume { Name = "v", PersistentVolumeClaim = new() { ClaimName = "data" } });
        Objects.Claims.Add(new() { Metadata = new() { Name = "data", Namespace = "default", Uid = "c-1" }, Spec = new() { VolumeName = "pv" }, Status = new() { Phase = "Bound" } });
        foreach (var (note, group) in ((string, long?)[])[("1234", 1234), ("staff", null)])
        {
            Objects.Persistent.Clear();
            Objects.Persistent.Add(new()
            {
                Metadata = new() { Name = "pv", Uid = "v-1", Annotations = Map.Of(("pv.beta.kubernetes.io/gid", note)) },
                Spec = new() { AccessModes = ["ReadWriteOnce"], ClaimRef = new() { Uid = "c-1" }, Local = new() { Path = folder } },
            });
            Assert.Equal(group, (await Volumes.PrepareAsync(pod, default)).ByName["v"].Group);
            await Volumes.TearDownAsync("u-1", default);
        }
    }

    [Theory]
    [InlineData("Block", true, false, "volume v has volumeMode Block, but is specified in volumeMounts")]
    [InlineData(null, false, true, "volume v has volumeMode Filesystem, but is specified in volumeDevices")]
    public async Task A_volume_is_used_as_what_its_claim_says_it_is(string? mode, bool mounted, bool device, string why)
    {
        var pod = PodWith(new Volume { Name = "v", PersistentVolumeClaim = new() { ClaimName = "data" } });
        pod = pod with
        {
            Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { VolumeMounts = mounted ? [new() { Name = "v", MountPath = "/v" }] : [], VolumeDevices = device ? [new() { Name = "v", DevicePath = "/dev/v" }] : [] }] },
        };
        Objects.Claims.Add(new() { Metadata = new() { Name = "data", Namespace = "default", Uid = "c-1" }, Spec = new() { VolumeName = "pv", VolumeMode = mode }, Status = new() { Phase = "Bound" } });
        Assert.Equal($"Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: {why}", await FailureAsync(pod));
    }
}
