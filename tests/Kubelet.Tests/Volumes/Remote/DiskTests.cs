using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes.Remote;

public sealed class DiskTests : RemoteTest
{
    const string Iqn = "iqn.2003-01.example:disk";

    static readonly ISCSIPersistentVolumeSource Iscsi = new() { TargetPortal = "10.0.0.1", Portals = ["10.0.0.2:3261"], Iqn = Iqn, Lun = 3, IscsiInterface = "default" };

    /// <summary>An initiator whose targets all have the one disk: a session appears in the kernel's files, and the disk by its path.</summary>
    void Initiator(LoopDisk disk) => Script("iscsiadm", $$"""
        case "$*" in
        *"-o show") printf 'iface.iscsi_ifacename = default\niface.transport_name = tcp\niface.initiatorname = <empty>\niface.net_ifacename = eth9\n';;
        *--login)
          [ ! -e {{Root}}/login-fails ] || [ "$4" != "$(cat {{Root}}/login-fails)" ] || { echo "Could not log in as joe with s3cret"; exit 24; }
          n=$(echo "$4" | tr -dc 0-9); session={{Root}}/sys/class/iscsi_host/host$n/device/session$n
          connection=$session/connection$n:0/iscsi_connection/connection$n:0
          mkdir -p $session/iscsi_session/session$n $connection $session/target$n:0:0/$n:0:0:3/block/{{disk.Name}} {{Root}}/sys/class/scsi_host/host$n {{Root}}/sys/block/{{disk.Name}}/device
          echo {{Iqn}} > $session/iscsi_session/session$n/targetname
          echo "${4%:*}" > $connection/persistent_address; echo "${4##*:}" > $connection/persistent_port
          : > {{Root}}/sys/class/scsi_host/host$n/scan; : > {{Root}}/sys/block/{{disk.Name}}/device/delete
          ln -sf {{disk.Device}} {{Root}}/dev/disk/by-path/ip-$4-iscsi-{{Iqn}}-lun-3;;
        *--logout)
          n=$(echo "$4" | tr -dc 0-9); rm -r {{Root}}/sys/class/iscsi_host/host$n {{Root}}/dev/disk/by-path/ip-$4-iscsi-{{Iqn}}-lun-3;;
        esac
        """);

    [DiskFact]
    public async Task An_iSCSI_disk_is_logged_in_to_formatted_and_shared_by_Pods_until_the_last_has_gone()
    {
        using var disk = new LoopDisk(Path.Combine(Root, "disk"));
        Initiator(disk);
        Objects.Secrets.Add(new()
        {
            Metadata = new() { Name = "chap", Namespace = "vault" },
            Data = Map.Of(("discovery.sendtargets.auth.username", Bytes.FromText("joe")), ("discovery.sendtargets.auth.password", Bytes.FromText("s3cret")),
                ("node.session.auth.username", Bytes.FromText("joe")), ("node.session.auth.password", Bytes.FromText("s3cret"))),
        });
        var spec = new PersistentVolumeSpec
        {
            Iscsi = Iscsi with { ChapAuthDiscovery = true, ChapAuthSession = true, SecretRef = new() { Name = "chap", Namespace = "vault" }, InitiatorName = "iqn.2003-01.example:node" }, MountOptions = ["noatime"],
        };
        var pod = Claiming(spec);
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = 4321 } } };
        var kubelet = Kubelet();
        string at = (await PrepareAsync(kubelet, pod)).HostPath;
        Assert.Equal(TargetOf("kubernetes.io~iscsi", "pv"), at);
        Assert.Equal(4321u, Native.Status(at)!.Value.Group);
        await File.WriteAllTextAsync(Path.Combine(at, "note"), "kept");
        string[] calls = Calls;
        string own = "10.0.0.1:3260:pv";
        foreach (string portal in (string[])["10.0.0.1:3260", "10.0.0.2:3261"])
        {
            string db = $"iscsiadm -m discoverydb -t sendtargets -p {portal} -I {own}", node = $"iscsiadm -m node -p {portal} -T {Iqn} -I {own}";
            AssertInOrder(calls, $"{db} -o new", $"{db} -o update -n discovery.sendtargets.auth.authmethod -v CHAP", $"{db} -o update -n discovery.sendtargets.auth.username -v joe",
                $"{db} --discover", $"{node} -o update -n node.session.auth.authmethod -v CHAP", $"{node} -o update -n node.session.auth.password -v s3cret", $"{node} --login",
                $"iscsiadm -m node -p {portal} -T {Iqn} -o update -n node.startup -v manual");
        }
        AssertInOrder(calls, "iscsiadm -m iface -I default -o show", $"iscsiadm -m iface -I {own} -o new", $"iscsiadm -m iface -I {own} -o update -n iface.transport_name -v tcp",
            $"iscsiadm -m iface -I {own} -o update -n iface.initiatorname -v iqn.2003-01.example:node", "mount -t ext4 -o noatime,rw,defaults");

        var second = Claiming(spec, "u-2");
        string theirs = (await PrepareAsync(kubelet, second)).HostPath;
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(theirs, "note")));
        Assert.Equal(at, (await PrepareAsync(Kubelet(), pod)).HostPath); // killed and started again
        Assert.Single(Calls, c => c.StartsWith("mount ", StringComparison.Ordinal));
        Assert.Equal("0 0 3", await File.ReadAllTextAsync(Path.Combine(Root, "sys/class/scsi_host/host100013260/scan")));

        await kubelet.TearDownAsync("u-1", default);
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(theirs, "note")));
        Assert.DoesNotContain(Calls, c => c.EndsWith("--logout", StringComparison.Ordinal));
        await Kubelet().TearDownAsync("u-2", default); // by one that knows only what is on disk
        AssertInOrder(Calls, $"iscsiadm -m node -p 10.0.0.1:3260 -T {Iqn} -I {own} --logout", $"iscsiadm -m node -p 10.0.0.2:3261 -T {Iqn} -I {own} -o delete", $"iscsiadm -m iface -I {own} -o delete");
        Assert.Equal("1", await File.ReadAllTextAsync(Path.Combine(Root, $"sys/block/{disk.Name}/device/delete")));
        AssertNothingLeft("u-2");

        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine((await PrepareAsync(Kubelet(), Claiming(spec, "u-3"))).HostPath, "note"))); // and not formatted again
        await Kubelet().TearDownAsync("u-3", default);
    }

    [DiskFact]
    public async Task One_portal_of_two_will_do_and_none_is_told_without_secrets()
    {
        using var disk = new LoopDisk(Path.Combine(Root, "disk"));
        Initiator(disk);
        Write("login-fails", "10.0.0.2:3261");
        var pod = Claiming(new() { Iscsi = Iscsi });
        await PrepareAsync(Kubelet(), pod);
        Assert.Equal(5, Calls.Count(c => c.Contains("-p 10.0.0.2:3261", StringComparison.Ordinal) && c.EndsWith("--login", StringComparison.Ordinal)));
        await Kubelet().TearDownAsync("u-1", default);
        AssertNothingLeft();

        Objects.Secrets.Add(new() { Metadata = new() { Name = "chap", Namespace = "default" }, Data = Map.Of(("node.session.auth.username", Bytes.FromText("joe")), ("node.session.auth.password", Bytes.FromText("s3cret"))) });
        Write("login-fails", "10.0.0.2:3261");
        string failure = await FailureAsync(Kubelet(), Pod(new()
        {
            Name = "data", Iscsi = new() { TargetPortal = "10.0.0.2:3261", Iqn = Iqn, Lun = 3, ChapAuthSession = true, SecretRef = new() { Name = "chap" } },
        }, "u-2"));
        Assert.Contains("MountVolume.MountDevice failed for volume \"data\" : failed to get any path for iscsi disk, last err seen:\niscsi: failed to attach disk: Error: Could not log in as *** with ***", failure);
        await Kubelet().TearDownAsync("u-2", default);
        AssertNothingLeft("u-2");
    }

    [DiskFact]
    public async Task A_block_volume_is_the_device_and_multipath_comes_before_one_path()
    {
        using var disk = new LoopDisk(Path.Combine(Root, "disk"));
        Initiator(disk);
        Directory.CreateDirectory(Path.Combine(Root, "sys/block/dm-7/slaves", disk.Name));
        File.CreateSymbolicLink(Path.Combine(Root, "dev/dm-7"), disk.Device);
        Script("multipath");
        var pod = Claiming(new() { Iscsi = Iscsi, VolumeMode = "Block" });
        pod = pod with { Spec = pod.Spec with { Containers = [pod.Spec.Containers[0] with { VolumeMounts = default, VolumeDevices = [new() { Name = "data", DevicePath = "/dev/x" }] }] } };
        var prepared = await PrepareAsync(Kubelet(), pod);
        Assert.Equal((disk.Device, true), (prepared.HostPath, prepared.IsDevice));
        Assert.EndsWith("/dev/dm-7", new FileInfo(Path.Combine(Folders.VolumeDevices("u-1"), "kubernetes.io~iscsi/pv")).LinkTarget);
        Assert.Equal(prepared, await PrepareAsync(Kubelet(), pod));
        Assert.DoesNotContain(Calls, c => c.StartsWith("mount ", StringComparison.Ordinal));
        await Kubelet().TearDownAsync("u-1", default);
        AssertInOrder(Calls, "multipath -f /dev/dm-7", $"iscsiadm -m node -p 10.0.0.1:3260 -T {Iqn} -I default --logout");
        AssertNothingLeft();
    }

    [DiskFact]
    public async Task A_local_volume_that_is_a_disk_is_formatted_once_and_shared_by_Pods_with_the_group_of_the_first()
    {
        using var disk = new LoopDisk(Path.Combine(Root, "disk"));
        string link = Path.Combine(Root, "dev/data-disk");
        File.CreateSymbolicLink(link, disk.Device);
        var spec = new PersistentVolumeSpec { Local = new() { Path = link }, VolumeMode = "Filesystem", MountOptions = ["noatime"] };
        static Pod Grouped(Pod pod, long group) => pod with { Spec = pod.Spec with { SecurityContext = new() { FsGroup = group } } };
        var kubelet = Kubelet();
        string at = (await PrepareAsync(kubelet, Grouped(Claiming(spec), 1234))).HostPath;
        Assert.Equal(TargetOf("kubernetes.io~local-volume", "pv"), at);
        Assert.Equal(1234u, Native.Status(at)!.Value.Group);
        await File.WriteAllTextAsync(Path.Combine(at, "note"), "kept");
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine((await PrepareAsync(kubelet, Grouped(Claiming(spec, "u-2"), 1234))).HostPath, "note")));
        Assert.Empty(Objects.Events);
        await PrepareAsync(kubelet, Grouped(Claiming(spec, "u-4"), 4321));
        Assert.Equal("Warning AlreadyMountedVolume: The requested fsGroup is 4321, but the volume pv has GID 1234. The volume may not be shareable.", Assert.Single(Objects.Events));
        Assert.Equal(1234u, Native.Status(at)!.Value.Group);
        await kubelet.TearDownAsync("u-4", default);
        Assert.Equal(at, (await PrepareAsync(Kubelet(), Grouped(Claiming(spec), 1234))).HostPath); // killed and started again
        Assert.StartsWith($"mount -t ext4 -o noatime,rw,defaults {disk.Device} ", Assert.Single(Calls, c => c.StartsWith("mount ", StringComparison.Ordinal)));
        await kubelet.TearDownAsync("u-1", default);
        await Kubelet().TearDownAsync("u-2", default); // by one that knows only what is on disk
        AssertNothingLeft();
        AssertNothingLeft("u-2");

        string again = (await PrepareAsync(Kubelet(), Grouped(Claiming(spec, "u-3"), 4321))).HostPath;
        Assert.Equal(("kept", 4321u), (await File.ReadAllTextAsync(Path.Combine(again, "note")), Native.Status(again)!.Value.Group)); // and not formatted again
        await Kubelet().TearDownAsync("u-3", default);
        AssertNothingLeft("u-3");
    }

    [DiskFact]
    public async Task What_is_on_a_disk_is_mounted_as_what_it_is_where_nothing_else_is_asked_for()
    {
        using var disk = new LoopDisk(Path.Combine(Root, "disk"));
        LoopDisk.Run("mkfs.ext3", "-q", disk.Device);
        await PrepareAsync(Kubelet(), Claiming(new() { Local = new() { Path = disk.Device } }));
        Assert.Single(Calls, c => c.StartsWith($"mount -t ext3 -o rw,defaults {disk.Device} ", StringComparison.Ordinal));
        await Kubelet().TearDownAsync("u-1", default);
        AssertNothingLeft();
    }

    [RootFact]
    public async Task What_has_to_be_installed_is_said()
    {
        var bare = Kubelet(Options with { Folders = [Path.Combine(Root, "bin")] });
        Assert.Equal("MountVolume.MountDevice failed for volume \"data\" : iSCSI volumes need the program iscsiadm, which this node does not have: install open-iscsi (or iscsi-initiator-utils)",
            await FailureAsync(bare, Pod(new() { Name = "data", Iscsi = new() { TargetPortal = "10.0.0.1", Iqn = Iqn } })));
        Assert.Equal("MountVolume.MountDevice failed for volume \"data\" : RBD volumes need the program rbd, which this node does not have: install ceph-common",
            await FailureAsync(bare, Pod(new() { Name = "data", Rbd = new() { Monitors = ["m"], Image = "i" } }, "u-2")));
        foreach (string uid in (string[])["u-1", "u-2"]) await bare.TearDownAsync(uid, default); // what was never brought here is let go of, too
        AssertNothingLeft();
    }

    [DiskFact]
    public async Task A_Fibre_Channel_disk_is_found_by_its_name_after_a_look_at_the_bus()
    {
        using var disk = new LoopDisk(Path.Combine(Root, "disk"));
        Write("sys/class/scsi_host/host1/scan", "");
        Write($"sys/block/{disk.Name}/device/delete", "");
        var fc = new Volume { Name = "data", Fc = new() { TargetWWNs = ["500a0982991b8dc5", "500a0982891b8dc5"], Lun = 2 } };
        Assert.Equal("MountVolume.MountDevice failed for volume \"data\" : no fc disk found", await FailureAsync(Kubelet(), Pod(fc)));
        Assert.Equal("- - -", await File.ReadAllTextAsync(Path.Combine(Root, "sys/class/scsi_host/host1/scan")));
        File.CreateSymbolicLink(Path.Combine(Root, "dev/disk/by-path/pci-0000:41:00.0-fc-0x500a0982891b8dc5-lun-2"), disk.Device);
        File.CreateSymbolicLink(Path.Combine(Root, "dev/disk/by-path/pci-0000:41:00.0-fc-0x500a0982891b8dc5-lun-22"), "/dev/null");
        Assert.Equal(TargetOf("kubernetes.io~fc", "data"), (await PrepareAsync(Kubelet(), Pod(fc))).HostPath);
        await Kubelet().TearDownAsync("u-1", default);
        Assert.Equal("1", await File.ReadAllTextAsync(Path.Combine(Root, $"sys/block/{disk.Name}/device/delete")));
        AssertNothingLeft();

        // Formatted now: who may only read it can have it; and by the other sort of name.
        File.CreateSymbolicLink(Path.Combine(Root, "dev/disk/by-id/scsi-3600508b400105e210000900000490000"), disk.Device);
        var named = Pod(new() { Name = "data", Fc = new() { Wwids = ["3600508b400105e210000900000490000"], ReadOnly = true, FsType = "ext4" } }, "u-2");
        var prepared = await PrepareAsync(Kubelet(), named);
        Assert.True(prepared.ReadOnly);
        Assert.Throws<IOException>(() => File.WriteAllText(Path.Combine(prepared.HostPath, "x"), ""));
        Assert.Contains(Calls, c => c.StartsWith($"mount -t ext4 -o ro,defaults {disk.Device} ", StringComparison.Ordinal));
        await Kubelet().TearDownAsync("u-2", default);
        AssertNothingLeft("u-2");
    }

    [DiskFact]
    public async Task An_empty_disk_is_not_formatted_for_who_may_only_read()
    {
        using var disk = new LoopDisk(Path.Combine(Root, "disk"));
        File.CreateSymbolicLink(Path.Combine(Root, "dev/disk/by-id/scsi-w"), disk.Device);
        Assert.EndsWith($"cannot mount unformatted disk {disk.Device} as we are manipulating it in read-only mode",
            await FailureAsync(Kubelet(), Pod(new() { Name = "data", Fc = new() { Wwids = ["w"], ReadOnly = true } })));
        await Kubelet().TearDownAsync("u-1", default);
        AssertNothingLeft();
    }

    [DiskFact]
    public async Task An_RBD_image_is_mapped_with_a_key_by_file_and_not_taken_from_who_has_it()
    {
        using var disk = new LoopDisk(Path.Combine(Root, "disk"));
        Script("rbd", $$"""
            case "$1" in
            status) cat {{Root}}/watchers 2>/dev/null;;
            map) for word; do case "$before" in --keyfile) cat "$word" > {{Root}}/key;; esac; before=$word; done
              mkdir -p {{Root}}/sys/bus/rbd/devices/0; echo kube > {{Root}}/sys/bus/rbd/devices/0/pool; echo img > {{Root}}/sys/bus/rbd/devices/0/name
              ln -sf {{disk.Device}} {{Root}}/dev/rbd0; echo {{Root}}/dev/rbd0;;
            unmap) rm -r {{Root}}/sys/bus/rbd/devices/0 {{Root}}/dev/rbd0;;
            esac
            """);
        Objects.Secrets.Add(new() { Metadata = new() { Name = "ceph", Namespace = "default" }, Data = Map.Of(("key", Bytes.FromText("a2V5"))) });
        var pod = Pod(new() { Name = "data", Rbd = new() { Monitors = ["10.0.0.1:6789", "10.0.0.2:6789"], Image = "img", Pool = "kube", User = "web", Keyring = "/etc/ceph/keyring", SecretRef = new() { Name = "ceph" } } });
        Write("watchers", "Watchers:\n\twatcher=10.0.0.9:0/1 client.4 cookie=1\n");
        Assert.EndsWith("rbd image kube/img is still being used", await FailureAsync(Kubelet(), pod));
        Write("watchers", "Watchers: none\n");
        string at = (await PrepareAsync(Kubelet(), pod)).HostPath;
        await File.WriteAllTextAsync(Path.Combine(at, "note"), "kept");
        Assert.Equal("a2V5", await File.ReadAllTextAsync(Path.Combine(Root, "key")));
        Assert.Contains(Calls, c => c.StartsWith("rbd map img --pool kube --id web -m 10.0.0.1:6789,10.0.0.2:6789 --keyfile /proc/", StringComparison.Ordinal));
        Assert.DoesNotContain(Calls, c => c.Contains("a2V5", StringComparison.Ordinal));
        await Kubelet().TearDownAsync("u-1", default);
        Assert.Equal("rbd unmap /dev/rbd0", Calls[^1]);
        AssertNothingLeft();
    }

    static void AssertInOrder(string[] calls, params string[] wanted)
    {
        int at = 0;
        foreach (string call in wanted)
        {
            int found = Array.FindIndex(calls, at, c => c.StartsWith(call, StringComparison.Ordinal));
            Assert.True(found >= 0, $"no call \"{call}\" from the {at}th on, of\n{string.Join('\n', calls)}");
            at = found + 1;
        }
    }
}
