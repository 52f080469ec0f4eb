using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;
using Hanbae.Kubelet.Volumes.Remote;

namespace Hanbae.Kubelet.Tests.Volumes.Remote;

/// <summary>Drivers that are programs: asked in upstream's words, each thing once, and for all that they did to undo it.</summary>
public sealed class FlexTests : RemoteTest
{
    const string Success = "echo '{\"status\":\"Success\"}'";

    ProgramOptions WithDrivers => Options with { FlexDrivers = Path.Combine(Root, "flex") };

    /// <param name="cases">What it does, by command; all others it has not.</param>
    void Driver(string cases)
    {
        Write("flex/k8s~dummy/dummy", $$"""
            #!/bin/sh
            echo "dummy $*" >> {{Root}}/calls
            PATH=/usr/sbin:/sbin:/usr/bin:/bin
            case $1 in
            {{cases}}
            *) echo '{"status":"Not supported"}'; exit 1;;
            esac
            """);
        Native.SetMode(Path.Combine(Root, "flex/k8s~dummy/dummy"), 0x1C0);
    }

    string Asked(string command) => string.Join('\n', Calls.Where(c => c.StartsWith($"dummy {command} ", StringComparison.Ordinal) || c == "dummy " + command));

    [RootFact]
    public async Task A_driver_mounts_for_a_Pod_knows_of_it_what_upstream_tells_and_unmounts()
    {
        Driver($$$"""
            init) echo '{"status":"Success","capabilities":{"attach":false}}';;
            mount) mount -t tmpfs none "$2" && echo hello > "$2/index.html"; {{{Success}}};;
            unmount) umount "$2"; {{{Success}}};;
            """);
        Objects.Secrets.Add(new() { Metadata = new() { Name = "s", Namespace = "default" }, Data = Map.Of(("user", Bytes.FromText("joe"))) });
        var pod = Pod(new() { Name = "data", FlexVolume = new() { Driver = "k8s/dummy", FsType = "ext4", SecretRef = new() { Name = "s" }, Options = Map.Of(("size", "1G")) } });
        pod = pod with { Spec = pod.Spec with { ServiceAccountName = "default", SecurityContext = new() { FsGroup = 1234 } } };
        string at = (await PrepareAsync(Kubelet(WithDrivers), pod)).HostPath;
        Assert.Equal(TargetOf("k8s~dummy", "data"), at);
        Assert.Equal(("hello\n", 1234u), (await File.ReadAllTextAsync(Path.Combine(at, "index.html")), Native.Status(Path.Combine(at, "index.html"))!.Value.Group));

        var kubelet = Kubelet(WithDrivers); // killed and started again
        for (int i = 0; i < 2; i++) await PrepareAsync(kubelet, pod);
        string[] mount = Asked("mount").Split(' ', 4);
        Assert.Equal("mount " + at.Replace(Root, "", StringComparison.Ordinal), string.Join(' ', mount[1..3]));
        var told = JsonDocument.Parse(mount[3]).RootElement.EnumerateObject().ToDictionary(o => o.Name.Replace("kubernetes.io/", "", StringComparison.Ordinal), o => o.Value.GetString()!);
        Assert.Equal("fsGroup=1234 fsType=ext4 pod.name=pod-u-1 pod.namespace=default pod.uid=u-1 pvOrVolumeName=data readwrite=rw secret/user=am9l serviceAccount.name=default size=1G",
            string.Join(' ', told.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => $"{o.Key}={o.Value}")));

        await Kubelet(WithDrivers).TearDownAsync("u-1", default);
        Assert.NotEmpty(Asked("unmount"));
        AssertNothingLeft();
    }

    [RootFact]
    public async Task A_disk_is_attached_and_mounted_once_for_all_Pods_and_detached_with_the_last()
    {
        Objects.Node = Objects.Node! with { Metadata = new() { Name = "n1" } };
        Driver($$$"""
            init) {{{Success}}};;
            attach|waitforattach) echo '{"status":"Success","device":"foo"}';;
            mountdevice) mount -t tmpfs none "$2"; {{{Success}}};;
            unmountdevice) umount "$2"; {{{Success}}};;
            detach) {{{Success}}};;
            """);
        var kubelet = Kubelet(WithDrivers);
        var spec = new PersistentVolumeSpec { FlexVolume = new() { Driver = "k8s/dummy" } };
        string first = (await PrepareAsync(kubelet, Claiming(spec))).HostPath, second = (await PrepareAsync(kubelet, Claiming(spec, "u-2"))).HostPath;
        await File.WriteAllTextAsync(Path.Combine(first, "note"), "kept");
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(second, "note")));
        const string options = """{"kubernetes.io/fsType":"","kubernetes.io/readwrite":"rw","kubernetes.io/pvOrVolumeName":"pv"}""";
        Assert.Equal((string[])[$"dummy attach {options} n1", $"dummy waitforattach foo {options}"], Calls.Where(c => c.Contains("attach ", StringComparison.Ordinal)));
        Assert.EndsWith($" foo {options}", Asked("mountdevice"));

        await kubelet.TearDownAsync("u-1", default);
        Assert.Empty(Asked("detach"));
        await Kubelet(WithDrivers).TearDownAsync("u-2", default); // by one that knows only what is on disk
        Assert.Equal("dummy detach pv n1", Asked("detach"));
        Assert.NotEmpty(Asked("unmountdevice"));
        AssertNothingLeft();
    }

    [RootFact]
    public async Task What_a_driver_cannot_do_is_told()
    {
        var pod = Pod(new() { Name = "data", FlexVolume = new() { Driver = "k8s/dummy" } });
        Assert.EndsWith("failed to get Plugin from volumeSpec for volume \"data\" err=no volume plugin matched", await FailureAsync(Kubelet(WithDrivers), pod), StringComparison.Ordinal);
        Driver("""
            init) echo '{"status":"Success","capabilities":{"attach":false}}';;
            mount) echo '{"status":"Failure","message":"no luck"}'; exit 1;;
            """);
        Assert.Equal("MountVolume.SetUp failed for volume \"data\" : mount command failed, status: Failure, reason: no luck", await FailureAsync(Kubelet(WithDrivers), pod));
        await Kubelet(WithDrivers).TearDownAsync("u-1", default);
        AssertNothingLeft();
        Driver("init) echo oops;;");
        Assert.Equal("MountVolume.SetUp failed for volume \"data\" : failed to unmarshal output for command: init, output: \"oops\"", await FailureAsync(Kubelet(WithDrivers), pod));
    }
}
