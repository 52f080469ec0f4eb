using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes;
using Hanbae.Kubelet.Volumes.Content;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Tests.Volumes;

public sealed class PureTests
{
    [Fact]
    public async Task Turns_are_remembered_only_while_somebody_has_or_awaits_one()
    {
        var turns = new Turns();
        int inside = 0, most = 0;
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Run(() => turns.AloneAsync("volume " + i % 2, async () =>
        {
            if (i % 2 == 0) most = Math.Max(most, Interlocked.Increment(ref inside));
            await Task.Yield();
            if (i % 2 == 0) Interlocked.Decrement(ref inside);
        }, default))));
        await Assert.ThrowsAsync<IOException>(() => turns.AloneAsync("x", () => throw new IOException(), default));
        Assert.Equal((1, 0), (most, turns.Count));
    }

    [Fact]
    public void The_mount_table_is_read_with_its_escapes()
    {
        var points = MountTable.Parse("""
            1 0 254:0 / / rw - ext4 /dev/vda rw
            2 1 0:5 / /a rw,nosuid shared:7 master:2 - tmpfs tmpfs rw,size=4k
            3 2 254:0 /x\040y//deleted /a/b\134c ro - ext4 /dev/vda rw
            4 1 0:6 / /ab rw - proc proc rw
            """);
        Assert.Equal(["/a/b\\c"], points.Beneath("/a").Select(p => p.Path));
        Assert.Equal(new MountPoint("/a", "/", "tmpfs", false) { Source = "tmpfs", Shared = true }, points.At("/a"));
        Assert.Equal("/x y//deleted", points.At("/a/b\\c")!.Root);
        Assert.True(points.At("/a/b\\c")!.ReadOnly);
        Assert.Equal(["/ab", "/a/b\\c", "/a"], points.Beneath("/").Where(p => p.Path != "/").Select(p => p.Path)); // last mounted first
    }

    [Theory]
    [InlineData(0, 1000, 0, false), InlineData(799, 1000, 0, false), InlineData(800, 1000, 0, true), InlineData(86400, 1_000_000, 0, false), InlineData(86401, 1_000_000, 0, true), InlineData(80, 300, 200, false)]
    public void A_token_is_due_after_four_fifths_or_a_day(int now, int expires, int since, bool due)
    {
        var zero = DateTimeOffset.UnixEpoch;
        Assert.Equal(due, TokenCache.IsDue(zero.AddSeconds(expires), zero.AddSeconds(since), zero.AddSeconds(now)));
    }

    [Theory]
    [InlineData(null, new long[] { 5, 5 }, 5L), InlineData(null, new long[] { 5, 6 }, null), InlineData(null, new long[] { 5, -1 }, null), InlineData(7L, new long[] { 7, -1 }, 7L), InlineData(7L, new long[] { 8, -1 }, null)]
    public void A_single_user_is_one_that_all_containers_have(long? ofPod, long[] users, long? single) =>
        Assert.Equal(single, FsGroup.SingleUser(new Pod
        {
            Spec = new()
            {
                SecurityContext = ofPod is null ? null : new() { RunAsUser = ofPod },
                Containers = [.. users.Select(u => new Container { SecurityContext = u < 0 ? null : new() { RunAsUser = u } })],
            },
        }));

    [Theory]
    [InlineData("zone", "In", "a", true), InlineData("zone", "In", "b", false), InlineData("zone", "NotIn", "b", true), InlineData("rack", "Exists", "", false),
     InlineData("rack", "DoesNotExist", "", true), InlineData("size", "Gt", "3", true), InlineData("size", "Lt", "3", false), InlineData("zone", "What", "a", false)]
    public void A_volume_of_other_nodes_is_refused(string key, string op, string value, bool here)
    {
        var node = new Node { Metadata = new() { Name = "n1", Labels = Hanbae.Api.Map.Of(("zone", "a"), ("size", "4")) } };
        var volume = new PersistentVolume
        {
            Metadata = new() { Name = "pv" },
            Spec = new() { NodeAffinity = new() { Required = new() { NodeSelectorTerms = [
                new(), new() { MatchExpressions = [new() { Key = key, Operator = op, Values = value.Length > 0 ? [value] : [] }], MatchFields = [new() { Key = "metadata.name", Operator = "In", Values = ["n1"] }] }] } } },
        };
        var refused = (VolumeException?)Record.Exception(() => VolumeLocality.Check(volume, node));
        Assert.Equal(here ? null : "NodeAffinity check: no matching NodeSelectorTerms", refused is null ? null : $"{refused.Step}: {refused.Message}");
    }
}
