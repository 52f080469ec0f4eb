using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Tests;

public sealed class CycleTests
{
    readonly Cycle _cycle = new(new Profile(new()), new Random(1));

    [Fact]
    public void Without_nodes_there_is_a_message_of_its_own() =>
        Assert.Equal((null, "no nodes available to schedule pods"), (_cycle.Decide(Make.Pod("a").Info(), Make.Snapshot()).Node, _cycle.Decide(Make.Pod("a").Info(), Make.Snapshot()).Message));

    [Fact]
    public void Reasons_are_counted_over_nodes_and_so_is_what_eviction_could_do()
    {
        var busy = Make.Node("busy", cpu: "1");
        var snapshot = Make.Snapshot(busy, Make.Node("b").Cordoned(), Make.Node("c").Cordoned());
        snapshot.Place(Make.Pod("other", "600m").Info(), "busy");
        Assert.Equal(
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. "
            + "no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
            _cycle.Decide(Make.Pod("a", "500m").Info(), snapshot).Message);
    }

    [Fact]
    public void One_node_may_lack_several_things_and_taints_are_not_named() =>
        Assert.Equal(
            "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 node(s) had untolerated taint(s). "
            + "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
            _cycle.Decide(Make.Pod("a", "64", "1Ti").Info(), Make.Snapshot(Make.Node("small"), Make.Node("control").Taint("node-role.kubernetes.io/control-plane"))).Message);

    [Fact]
    public void A_Pod_that_may_not_preempt_is_told_so() =>
        Assert.Equal("0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
            _cycle.Decide(Make.Pod("a", "64").With(s => s with { PreemptionPolicy = "Never" }).Info(), Make.Snapshot(Make.Node("small"))).Message);

    [Fact]
    public void The_cures_are_those_of_all_that_refused()
    {
        var decision = _cycle.Decide(Make.Pod("a", "64").Info(), Make.Snapshot(Make.Node("small"), Make.Node("b").Cordoned()));
        var cures = _cycle.Profile.CuresOf(decision.Plugins);
        Assert.True(cures.HasFlag(Change.NodeUncordoned | Change.NodeAllocatable | Change.PodRemoved | Change.NodeAdded));
        Assert.False(cures.HasFlag(Change.NodeTaints));
    }

    [Theory, InlineData(false, ""), InlineData(true, "other")]
    public void A_Pod_for_which_room_is_being_made_waits_unless_the_node_is_of_no_use_by_now(bool cordoned, string nominated)
    {
        var promised = Make.Node("promised", cpu: "1");
        var snapshot = Make.Snapshot(cordoned ? promised.Cordoned() : promised, Make.Node("other", cpu: "1"));
        var victim = Make.Pod("victim", "1", priority: 1);
        snapshot.Place((victim with
        {
            Metadata = victim.Metadata with { DeletionTimestamp = DateTimeOffset.UnixEpoch },
            Status = new() { Conditions = [new() { Type = "DisruptionTarget", Status = "True", Reason = "PreemptionByScheduler" }] },
        }).Info(), "promised");
        snapshot.Place(Make.Pod("lesser", "1", priority: 1).Info(), "other");
        var pod = Make.Pod("high", "1", priority: 100).Info();
        snapshot.Nominate(pod, "promised");
        var decision = _cycle.Decide(pod, snapshot);
        Assert.Equal((!cordoned, nominated), (decision.Waits, decision.Nominated));
    }

    [Fact]
    public void The_emptier_node_is_taken()
    {
        var snapshot = Make.Snapshot(Make.Node("full"), Make.Node("empty"));
        snapshot.Place(Make.Pod("other", "3", "6Gi").Info(), "full");
        for (int i = 0; i < 10; i++) Assert.Equal("empty", _cycle.Decide(Make.Pod("a", "100m", "100Mi").Info(), snapshot).Node);
    }

    [Fact]
    public void Equal_nodes_all_have_their_turn()
    {
        var snapshot = Make.Snapshot(Make.Node("a"), Make.Node("b"), Make.Node("c"));
        var taken = Enumerable.Range(0, 60).Select(_ => _cycle.Decide(Make.Pod("p").Info(), snapshot).Node).ToHashSet();
        Assert.Equal(3, taken.Count);
    }

    [Fact]
    public void In_a_large_cluster_a_share_of_the_nodes_is_enough_and_the_next_Pod_looks_at_others()
    {
        var snapshot = Make.Snapshot([.. Enumerable.Range(0, 1000).Select(i => Make.Node($"n{i:000}"))]);
        var taken = Enumerable.Range(0, 8).Select(_ => _cycle.Decide(Make.Pod("p").Info(), snapshot).Node!).ToList();
        // 1000 nodes: 42 % of them are looked at, each time where the last look ended.
        Assert.All(taken.Index(), t => Assert.InRange((int.Parse(t.Item[1..]) - t.Index * 420 % 1000 + 1000) % 1000, 0, 419));
    }
}
