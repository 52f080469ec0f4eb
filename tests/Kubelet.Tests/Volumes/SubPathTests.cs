using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes;

public sealed class SubPathTests : VolumeTest
{
    readonly Pod _pod = PodWith(new Volume { Name = "v", EmptyDir = new() });

    async Task<string> SubPathAsync(string subPath)
    {
        var prepared = await Volumes.PrepareAsync(_pod, default);
        return await Volumes.SubPathAsync(_pod, "c", _pod.Spec.Containers[0].VolumeMounts[0], subPath, prepared, default);
    }

    [RootFact]
    public async Task A_part_is_bound_where_upstream_binds_it_and_made_if_missing()
    {
        string volume = await PrepareAsync(_pod), part = await SubPathAsync("a//b/./c");

        Assert.Equal(Path.Combine(Folders.SubPaths("u-1"), "v", "c", "0"), part);
        File.WriteAllText(Path.Combine(part, "x"), "1");
        Assert.Equal("1", File.ReadAllText(Path.Combine(volume, "a/b/c/x")));
        Assert.Equal("777", Convert.ToString(ModeOf(Path.Combine(volume, "a/b")), 8));

        Assert.Equal(part, await SubPathAsync("a/b/c")); // again: no second mount
        Assert.Single(MountTable.Read(), m => m.Path == part);
        await Volumes.TearDownAsync("u-1", default);
        Assert.False(Directory.Exists(Folders.SubPaths("u-1")));
    }

    [RootFact]
    public async Task A_file_is_bound_as_a_file_and_follows_its_replacement()
    {
        string volume = await PrepareAsync(_pod);
        File.WriteAllText(Path.Combine(volume, "f"), "old");
        Assert.Equal("old", File.ReadAllText(await SubPathAsync("f")));
        File.Delete(Path.Combine(volume, "f"));
        File.WriteAllText(Path.Combine(volume, "f"), "new");
        Assert.Equal("new", File.ReadAllText(await SubPathAsync("f")));
    }

    [RootFact]
    public async Task A_key_of_a_config_map_can_be_a_part()
    {
        Objects.ConfigMaps.Add(new() { Metadata = new() { Name = "m", Namespace = "default" }, Data = Hanbae.Api.Map.Of(("key", "value")) });
        var pod = PodWith(new Volume { Name = "v", ConfigMap = new() { Name = "m" } });
        var prepared = await Volumes.PrepareAsync(pod, default);
        Assert.Equal("value", File.ReadAllText(await Volumes.SubPathAsync(pod, "c", pod.Spec.Containers[0].VolumeMounts[0], "key", prepared, default)));
    }

    [Theory]
    [InlineData("out"), InlineData("out/x"), InlineData("up"), InlineData("up/outside"), InlineData("in/../../..")]
    public async Task No_link_leads_out(string subPath)
    {
        string volume = await PrepareAsync(_pod), outside = Path.Combine(Root, "outside");
        Directory.CreateDirectory(outside);
        Directory.CreateDirectory(Path.Combine(volume, "in"));
        File.CreateSymbolicLink(Path.Combine(volume, "out"), outside);
        File.CreateSymbolicLink(Path.Combine(volume, "up"), "../../../../..");

        await Assert.ThrowsAsync<VolumeException>(() => SubPathAsync(subPath));

        Assert.Empty(Directory.EnumerateFileSystemEntries(outside));
        Assert.False(Directory.Exists(Folders.SubPaths("u-1")));
    }

    [Fact]
    public async Task A_link_within_the_volume_is_followed()
    {
        string volume = await PrepareAsync(_pod);
        Directory.CreateDirectory(Path.Combine(volume, "real"));
        File.WriteAllText(Path.Combine(volume, "real/x"), "1");
        File.CreateSymbolicLink(Path.Combine(volume, "link"), "real");
        Assert.Equal("1", File.ReadAllText(Path.Combine(await SubPathAsync("link"), "x")));
    }

    [Theory]
    [InlineData("/abs", "error SubPath `/abs` must not be an absolute path"), InlineData("a/../b", "unable to provision SubPath `a/../b`: must not contain '..'")]
    public async Task Paths_are_checked(string subPath, string message) =>
        Assert.Equal(message, (await Assert.ThrowsAsync<VolumeException>(() => SubPathAsync(subPath))).Message);

    [Fact]
    public async Task Without_the_right_to_mount_volumes_are_folders()
    {
        var volumes = new PodVolumes(Folders, Objects, Objects, new FakeClock(Objects), canMount: false);
        Objects.Secrets.Add(new() { Metadata = new() { Name = "s", Namespace = "default" }, Data = Hanbae.Api.Map.Of(("k", Hanbae.Api.Bytes.FromText("v"))) });
        var pod = PodWith(new Volume { Name = "v", Secret = new() { SecretName = "s" } });
        var prepared = await volumes.PrepareAsync(pod, default);
        string part = await volumes.SubPathAsync(pod, "c", pod.Spec.Containers[0].VolumeMounts[0], "k", prepared, default);

        Assert.Equal("v", File.ReadAllText(part));
        Assert.StartsWith(prepared.ByName["v"].HostPath, part, StringComparison.Ordinal);
        Assert.Empty(MountTable.Read().Beneath(Root));
        await volumes.TearDownAsync("u-1", default);
        Assert.Empty(volumes.PodsOnDisk());
    }
}
