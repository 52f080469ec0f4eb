using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Placement.Memory;

namespace Hanbae.Kubelet.Tests.Placement;

public sealed class StaticMemoryTests
{
    const long Gi = 1L << 30;

    /// <summary>Nodes of 4 Gi: 1 Gi of the first is the system's.</summary>
    static StaticMemory Policy(int nodes = 2, params (long, long)[] pages) => new(
        new(Enumerable.Range(0, nodes).Select(n => new Cpu(n, n, n, n, n)), Machines.Nodes(nodes, 4 * Gi, pages)), ImmutableDictionary<(int, string), long>.Empty.Add((0, "memory"), Gi));

    static MemoryState Give(StaticMemory policy, MemoryState state, Pod pod, TopologyHint? hint = null) =>
        pod.Spec.InitContainers.Concat(pod.Spec.Containers).Aggregate(state, (s, c) => policy.Allocate(s, pod, c, hint ?? TopologyHint.None));

    static string Text(MemoryState state) => string.Join(" | ", state.Nodes.Select(n => $"{n.Value.Tables["memory"].Free / (double)Gi:0.##} free, {n.Value.Assignments} in {string.Join('-', n.Value.Group)}"));

    static string Text(IReadOnlyList<ResourceHints> hints) => hints is [] ? "none" : string.Join(' ', hints[0].Hints!.Value.Select(h => $"{h.Nodes}{(h.Preferred ? "+" : "")}"));

    [Theory]
    [InlineData("2Gi", "1 free, 1 in 0 | 4 free, 0 in 1")]
    [InlineData("3Gi", "0 free, 1 in 0 | 4 free, 0 in 1")]
    [InlineData("3584Mi", "3 free, 0 in 0 | 0.5 free, 1 in 1")] // too much for the first
    [InlineData("6Gi", "0 free, 1 in 0-1 | 1 free, 1 in 0-1")]
    public void Memory_lies_on_as_few_nodes_as_will_do(string memory, string outcome)
    {
        var policy = Policy();
        Assert.Equal(outcome, Text(Give(policy, policy.Start(null), Placed.Pod(Placed.Container("a", 1, memory)))));
    }

    [Fact]
    public void A_node_is_used_alone_or_always_with_the_same_others()
    {
        var policy = Policy();
        var (one, big) = (Placed.Pod(Placed.Container("a", 1, "1Gi")), Placed.Pod(Placed.Container("a", 1, "6Gi")));
        var state = Give(policy, policy.Start(null), one);
        Assert.Equal("[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available", Assert.Throws<InvalidOperationException>(() => Give(policy, state, big)).Message);
        state = Give(policy, policy.Start(null), big);
        Assert.Throws<InvalidOperationException>(() => Give(policy, state, one)); // one node alone would be preferred, and cannot be
        Assert.Equal("11+", Text(policy.Hints(policy.Start(null), big, big.Spec.Containers[0])));
        Assert.Equal("11", Text(policy.Hints(state, one, one.Spec.Containers[0])));
        Assert.Equal("0 free, 2 in 0-1 | 0 free, 2 in 0-1", Text(Give(policy, state, one, new(NumaMask.Of(0, 1), false))));
    }

    [Fact]
    public void A_hint_is_followed_and_widened_where_memory_needs_more()
    {
        var policy = Policy();
        Assert.Equal("3 free, 0 in 0 | 3 free, 1 in 1", Text(Give(policy, policy.Start(null), Placed.Pod(Placed.Container("a", 1, "1Gi")), new(NumaMask.Of(1), true))));
        Assert.Equal("0 free, 1 in 0-1 | 1 free, 1 in 0-1", Text(Give(policy, policy.Start(null), Placed.Pod(Placed.Container("a", 1, "6Gi")), new(NumaMask.Of(1), true))));
    }

    [Fact]
    public void Init_containers_hand_their_memory_on()
    {
        var policy = Policy(1);
        var pod = Placed.Pod(Placed.Container("a", 1, "2Gi"), Placed.Container("b", 1, "512Mi")).Init(Placed.Container("i", 1, "2Gi"), Placed.Container("j", 1, "1Gi"));
        var state = Give(policy, policy.Start(null), pod);
        Assert.Equal("0.5 free, 4 in 0", Text(state));
        Assert.Equal(5 * Gi / 2, state.Entries[pod.Metadata.Uid].Values.SelectMany(b => b).Sum(b => b.Size)); // what the Pod takes of the machine
        Assert.Equal("3 free, 0 in 0", Text(state.Release(pod.Metadata.Uid)));
        Assert.Equal(state, policy.Start(state));
    }

    [Fact]
    public void Huge_pages_lie_where_the_memory_lies()
    {
        var policy = Policy(2, (2 << 20, Gi));
        var all = Map.Of(("cpu", new Quantity(1)), ("memory", Quantity.Parse("1Gi")), ("hugepages-2Mi", Quantity.Parse("1Gi")));
        var pod = Placed.Pod(Placed.Container("a", 1) with { Resources = new() { Requests = all, Limits = all } });
        var state = Give(policy, policy.Start(null), pod);
        Assert.Equal(["hugepages-2Mi on 0", "memory on 0"], state.Find(pod.Metadata.Uid, "a")!.Value.Select(b => $"{b.Type} on {string.Join(',', b.Nodes)}"));
        Assert.Equal((0, 2), (state.Nodes[0].Tables["hugepages-2Mi"].Free, state.Nodes[0].Assignments));
        Assert.Equal("1 free, 2 in 0 | 3 free, 0 in 1", Text(state)); // pages are no memory any more
        Assert.Equal([("hugepages-2Mi", 0), ("memory", 0), ("hugepages-2Mi", 1), ("memory", 1)], policy.Allocatable(state).Select(b => (b.Type, b.Nodes[0])));
    }

    [Fact]
    public void Others_than_Guaranteed_Pods_have_no_place()
    {
        var policy = Policy();
        var pod = Make.Pod(Make.Container("a", "app:1") with { Resources = new() { Requests = Map.Of(("memory", Quantity.Parse("1Gi"))) } });
        Assert.Equal(policy.Start(null).Entries, policy.Allocate(policy.Start(null), pod, pod.Spec.Containers[0], TopologyHint.None).Entries);
        Assert.Equal("none", Text(policy.Hints(policy.Start(null), pod)));
    }

    [Theory]
    [InlineData("1Gi", "", "100Mi", "1124Mi", null)]
    [InlineData("512Mi", "512Mi", "", "1Gi", null)]
    [InlineData("1Gi", "", "", "512Mi", "the total amount \"512Mi\" of type \"memory\" is not equal to the value \"1Gi\" determined by Node Allocatable feature")]
    [InlineData("", "", "100Mi", "", "the total amount \"0\" of type \"memory\" is not equal to the value \"100Mi\" determined by Node Allocatable feature")]
    [InlineData("", "", "", "", "[memorymanager] you should specify the system reserved memory")]
    public void What_is_reserved_on_nodes_is_what_is_reserved_of_the_node(string system, string kube, string eviction, string given, string? why)
    {
        Map<Quantity> Of(string amount) => amount.Length == 0 ? default : Map.Of(("memory", Quantity.Parse(amount)));
        var options = new KubeletOptions
        {
            NodeName = "n", Folders = new("/d", "/l"), SystemReserved = Of(system), KubeReserved = Of(kube), ReservedMemory = given.Length == 0 ? default : [(0, Of(given))],
            Eviction = eviction.Length == 0 ? default : [new Threshold("memory.available", eviction)],
        };
        StaticMemory Made() => StaticMemory.Of(options, new([new(0, 0, 0, 0, 0)], Machines.Nodes(1, 4 * Gi)));
        if (why is null) Assert.Equal(Quantity.Parse(given).Value(), Made().Reserved[(0, "memory")]);
        else Assert.Equal(why, Assert.Throws<PlacementSettingsException>(Made).Message);
    }

    [Fact]
    public void Another_machine_than_that_of_the_state_is_refused()
    {
        var policy = Policy();
        var state = Give(policy, policy.Start(null), Placed.Pod(Placed.Container("a", 1, "1Gi")));
        Assert.Equal(state, policy.Start(state));
        var other = policy with { Reserved = policy.Reserved.SetItem((0, "memory"), 2 * Gi) };
        Assert.Equal("[memorymanager] the expected machine state is different from the real one", Assert.Throws<PlacementSettingsException>(() => other.Start(state)).Message);
        Assert.Contains("the memory assignment uses the NUMA that does not exist", Assert.Throws<PlacementSettingsException>(() => Policy(1).Start(Give(policy, policy.Start(null), Placed.Pod(Placed.Container("a", 1, "3584Mi"))))).Message);
    }
}
