using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes.Remote;

/// <summary>A file system whose server never answers: FUSE without anybody who reads what the kernel asks.</summary>
public sealed class HungServerTests : RemoteTest
{
    [FuseFact]
    public async Task A_server_that_does_not_answer_costs_its_Pod_its_volume_and_nobody_else_anything()
    {
        Script("mount.nfs");
        string target = TargetOf("kubernetes.io~nfs", "data");
        Directory.CreateDirectory(target);
        using var fuse = File.OpenHandle("/dev/fuse", FileMode.Open, FileAccess.ReadWrite);
        Assert.Equal(0, Native.Mount("files.example:/a", target, "fuse", 6, $"fd={fuse.DangerousGetHandle()},rootmode=40000,user_id=0,group_id=0"));
        try
        {
            var brief = TimeSpan.FromMilliseconds(300);
            var kubelet = Kubelet(Options with { LookPatience = brief, UnmountPatience = brief });
            var volume = new Volume { Name = "data", Nfs = new() { Server = "files.example", Path = "/a" } };
            var pod = Pod(volume);
            var prepared = await kubelet.PrepareAsync(pod, default); // of a kubelet before: found without a look into it
            var mount = new VolumeMount { Name = "data", MountPath = "/data", SubPath = "sub" };
            async Task<string> SubPathAsync() => (await Assert.ThrowsAsync<VolumeException>(() => kubelet.SubPathAsync(pod, "c", mount, "sub", prepared, default))).Message;
            Assert.Contains("no answer within 0.3 s", await SubPathAsync());
            Assert.Contains("no answer since an earlier try", await SubPathAsync()); // and no second thread

            var other = Pod(volume, "u-2");
            var patient = Kubelet();
            var theirs = await patient.PrepareAsync(other, default);
            Assert.EndsWith("/0", await patient.SubPathAsync(other, "c", mount, "sub", theirs, default));
            await patient.TearDownAsync("u-2", default);

            // As a Pod's worker: until it is done.
            await LookAsync("torn down", async () =>
            {
                try { await kubelet.TearDownAsync("u-1", default); }
                catch (VolumeException) { return false; }
                return true;
            });
            AssertNothingLeft();
        }
        finally { Native.Unmount(target, Native.Detach); }
    }

    [Fact]
    public async Task Force_comes_after_patience_and_taking_out_of_sight_is_the_last_resort()
    {
        List<int> asked = [];
        using var release = new ManualResetEventSlim();
        int Call(string path, int how)
        {
            lock (asked) asked.Add(how);
            if (how != Native.Detach) release.Wait(TimeSpan.FromMinutes(2));
            return 0;
        }
        var unmounting = new Unmounting(Call, TimeProvider.System, TimeSpan.FromSeconds(5));
        var point = new MountPoint("/nowhere/x", "/", "nfs4", false);
        Assert.Equal(0, await unmounting.UnmountAsync(point, default));
        Assert.Equal(0, await unmounting.UnmountAsync(point, default)); // what hangs is not asked a second time
        lock (asked) Assert.Equal([0, Native.Force, Native.Detach, Native.Detach], asked);
        release.Set();
    }

    [Theory]
    [InlineData(2, 0, 3)] // a program that was being started had it open
    [InlineData(int.MaxValue, Native.Busy, 6)] // somebody is in there: told, and never forced
    public async Task A_local_file_system_that_is_busy_is_asked_again_for_a_moment(int busy, int expected, int calls)
    {
        List<int> asked = [];
        int Call(string path, int how)
        {
            asked.Add(how);
            return asked.Count <= busy ? Native.Busy : 0;
        }
        var unmounting = new Unmounting(Call, TimeProvider.System);
        Assert.Equal(expected, await unmounting.UnmountAsync(new("/nowhere/x", "/", "ext4", false), default));
        Assert.Equal(Enumerable.Repeat(0, calls), asked);
    }
}

/// <summary>A fact about mounts whose server is the test.</summary>
public sealed class FuseFactAttribute : FactAttribute
{
    public FuseFactAttribute() => Skip = Environment.UserName != "root" ? "needs root" : File.Exists("/dev/fuse") ? null : "needs /dev/fuse";
}
