using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Placement.Cpus;

namespace Hanbae.Kubelet.Tests.Placement;

/// <summary>Which CPUs are taken: the same that upstream takes on the same machine.</summary>
public sealed class CpuTakeTests
{
    static CpuSet Set(string list) => CpuSet.Parse(list);

    static Topology Machine(string name) => name switch
    {
        "one" => Machines.OneSocket, "alternating" => Machines.TwoSocketsAlternating, "plain" => Machines.TwoSocketsWithoutThreads, "four" => Machines.FourNodes,
        "caches" => Machines.FourCaches, _ => Machines.FourNodesOfTwoCaches,
    };

    [Theory]
    [InlineData("one", "0-7", 1, "0")]
    [InlineData("one", "1,3,5-7", 1, "6")] // the thread whose core has the fewest left
    [InlineData("one", "0-7", 2, "0,4")]
    [InlineData("one", "0-7", 3, "0-1,4")]
    [InlineData("one", "0-7", 8, "0-7")]
    [InlineData("one", "0-3,6", 2, "2,6")] // a whole core, though lower numbers are free
    [InlineData("one", "1-3,5-7", 2, "1,5")]
    [InlineData("alternating", "0-11", 6, "0,2,4,6,8,10")]
    [InlineData("alternating", "0-11", 8, "0-2,4,6-8,10")]
    [InlineData("alternating", "1-5,7-11", 1, "2")] // the socket with fewer left
    [InlineData("alternating", "0,2,4,6,8,10,11", 1, "11")]
    [InlineData("alternating", "0-11", 12, "0-11")]
    [InlineData("plain", "0-7", 4, "0-3")]
    [InlineData("plain", "1-7", 4, "4-7")] // a whole socket before a started one
    [InlineData("plain", "1-7", 3, "1-3")]
    [InlineData("plain", "0-7", 5, "0-4")]
    [InlineData("four", "0-79", 40, "0-19,40-59")]
    [InlineData("four", "0-79", 20, "0-9,40-49")]
    [InlineData("four", "0-79", 60, "0-29,40-69")]
    [InlineData("four", "1-79", 20, "10-19,50-59")] // of the started socket, the whole node
    [InlineData("four", "0-79", 21, "0-10,40-49")]
    [InlineData("four", "20-79", 1, "40")]
    [InlineData("four", "20-79", 2, "20,60")] // the node with least left has no whole core
    public void Packed_CPUs_lie_near_each_other_and_leave_the_rest_whole(string machine, string free, int count, string taken) =>
        Assert.Equal(Set(taken), CpuTake.Packed(Machine(machine), Set(free), count));

    [Theory]
    [InlineData("one", "0-7", 4, "0-3")]
    [InlineData("one", "0-7", 5, "0-4")]
    [InlineData("alternating", "0-11", 4, "0,2,4,6")]
    [InlineData("four", "0-79", 6, "0-5")]
    public void Spread_over_cores_every_core_gives_one_thread_first(string machine, string free, int count, string taken) =>
        Assert.Equal(Set(taken), CpuTake.Packed(Machine(machine), Set(free), count, acrossCores: true));

    [Theory]
    [InlineData("caches", "0-15", 4, "0-3")]
    [InlineData("caches", "1-15", 3, "1-3")]
    [InlineData("caches", "1-15", 4, "4-7")] // whole caches before parts
    [InlineData("caches", "2-15", 3, "4-6")] // the cache with the least left has too little
    [InlineData("caches", "0-15", 6, "0-5")]
    [InlineData("caches", "1-15", 6, "1-2,4-7")]
    [InlineData("cachesOfNodes", "0-79", 10, "0-4,40-44")]
    [InlineData("cachesOfNodes", "1-79", 10, "5-9,45-49")]
    [InlineData("cachesOfNodes", "1-79", 3, "1,40-41")]
    public void By_cache_as_much_as_can_be_shares_one(string machine, string free, int count, string taken) =>
        Assert.Equal(Set(taken), CpuTake.Packed(Machine(machine), Set(free), count, byUncore: true));

    [Theory]
    [InlineData("four", "0-79", 1, 8, "0-3,40-43")] // it fits on one node
    [InlineData("four", "0-79", 1, 26, "0-6,10-16,40-45,50-55")]
    [InlineData("four", "0-79", 2, 26, "0-6,10-15,40-46,50-55")]
    [InlineData("four", "0-79", 1, 31, "0-7,10-17,40-47,50-56")]
    [InlineData("four", "0-79", 1, 60, "0-29,40-69")]
    [InlineData("four", "0-79", 1, 80, "0-79")]
    [InlineData("four", "0-4,10-19,40-44,50-59", 1, 12, "10-15,50-55")] // evenly on one is best
    [InlineData("four", "0-4,10-14,20-24,40-44,50-54,60-64", 1, 12, "0-2,20-22,40-42,60-62")] // no one has enough
    public void Spread_over_nodes_each_gives_the_same(string machine, string free, int group, int count, string taken) =>
        Assert.Equal(Set(taken), CpuSpread.Take(Machine(machine), Set(free), count, group));

    [Fact]
    public void What_cannot_be_given_in_whole_groups_is_packed() => Assert.Equal(Set("0-6,40-45"), CpuSpread.Take(Machines.FourNodes, Set("0-79"), 13, 2));

    [Fact]
    public void More_than_there_is_is_refused_in_upstreams_words()
    {
        var e = Assert.Throws<NotEnoughCpusException>(() => CpuTake.Packed(Machines.OneSocket, Set("0,2,4,6"), 5));
        Assert.Equal("not enough cpus available to satisfy request: requested=5, available=4", e.Message);
        Assert.Throws<NotEnoughCpusException>(() => CpuSpread.Take(Machines.FourNodes, Set("0-9"), 11, 1));
        Assert.Empty(CpuTake.Packed(Machines.OneSocket, CpuSet.Empty, 0));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("3", "3")]
    [InlineData("0-3,5,7-8", "0-3,5,7-8")]
    [InlineData(" 3,1,2\n", "1-3")]
    public void Sets_are_read_and_written_as_the_kernel_does(string text, string written) => Assert.Equal(written, Set(text).ToString());

    [Theory]
    [InlineData("asd", "strconv.Atoi: parsing \"asd\": invalid syntax")]
    [InlineData("3-1", "invalid range \"3-1\" (3 > 1)")]
    public void What_is_no_set_is_refused(string text, string why) => Assert.Equal(why, Assert.Throws<FormatException>(() => Set(text)).Message);
}
