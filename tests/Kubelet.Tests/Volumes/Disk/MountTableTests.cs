using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes.Disk;

public sealed class MountTableTests
{
    static readonly IReadOnlyList<MountPoint> Some = MountTable.Parse("""
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
        23 22 0:21 / /proc rw - proc proc rw
        24 22 0:30 / /data rw master:2 - xfs /dev/vdb rw
        25 24 0:31 / /data/pods/a\040b rw shared:7 master:2 propagate_from:1 - tmpfs tmpfs rw
        26 22 0:32 / /database rw - ext4 /dev/vdc rw
        27 25 0:33 / /data/pods/a\040b/x rw - tmpfs tmpfs rw
        """);

    [Fact]
    public void What_is_below_comes_last_mounted_first_and_neighbours_are_not_below() =>
        Assert.Equal(["/data/pods/a b/x", "/data/pods/a b"], Some.Beneath("/data").Select(m => m.Path));

    [Fact]
    public void A_path_lies_on_the_mount_with_the_longest_point()
    {
        Assert.Equal("xfs", Some.Holding("/data/pods")!.Type);
        Assert.Equal("tmpfs", Some.Holding("/data/pods/a b/y")!.Type);
        Assert.Equal("ext4", Some.Holding("/datab")!.Type);
    }

    [Fact]
    public void Shared_is_one_of_several_optional_fields()
    {
        Assert.True(Some.At("/data/pods/a b")!.Shared);
        Assert.False(Some.At("/data")!.Shared);
    }
}
