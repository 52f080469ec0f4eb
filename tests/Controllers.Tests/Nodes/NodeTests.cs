using System.Net;
using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Nodes;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.Tests.Nodes;

public sealed class NodeTests
{
    static readonly DateTimeOffset Now = Make.Start.AddHours(1);

    static Node Node(string name, string ready = "True", bool unschedulable = false, Taint[]? taints = null, string memory = "False") => new()
    {
        Metadata = new() { Name = name },
        Spec = new() { Unschedulable = unschedulable, Taints = (taints ?? []).ToSeq() },
        Status = new() { Conditions = [new NodeCondition { Type = "Ready", Status = ready }, new NodeCondition { Type = "MemoryPressure", Status = memory }] },
    };

    [Fact]
    public void Taints_follow_conditions_and_leave_foreign_ones_alone()
    {
        Taint foreign = new() { Key = "gpu", Effect = "NoSchedule" }, old = new() { Key = "node.kubernetes.io/not-ready", Effect = "NoExecute", TimeAdded = Make.Start };

        Assert.Equal(["gpu:NoSchedule"], Keys(Taints.For(Node("n", taints: [foreign, old]), Now)));
        Assert.Equal(["gpu:NoSchedule", "node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"], Keys(Taints.For(Node("n", "Unknown", taints: [foreign, old]), Now)));
        Assert.Equal(["node.kubernetes.io/memory-pressure:NoSchedule", "node.kubernetes.io/unschedulable:NoSchedule"], Keys(Taints.For(Node("n", unschedulable: true, memory: "True"), Now)));
        Assert.Equal(Make.Start, Taints.For(Node("n", "False", taints: [old]), Now)[0].TimeAdded);

        static string[] Keys(Seq<Taint> taints) => [.. taints.Select(t => t.Key + ":" + t.Effect)];
    }

    public static TheoryData<string, Toleration[], int?> Bearing => new()
    {
        { "no toleration: at once", [], 0 },
        { "for ever", [new() { Key = "x", Operator = "Exists", Effect = "NoExecute" }], null },
        { "for a while, from when the taint came", [new() { Key = "x", Operator = "Exists", TolerationSeconds = 5400 }], 1800 },
        { "the first of two", [new() { Operator = "Exists", TolerationSeconds = 7200 }, new() { Key = "x", Operator = "Equal", Value = "v", TolerationSeconds = 3660 }], 3600 },
        { "for ever, if that comes first", [new() { Operator = "Exists" }, new() { Key = "x", Operator = "Exists", TolerationSeconds = 60 }], null },
        { "of another effect", [new() { Key = "x", Operator = "Exists", Effect = "NoSchedule" }], 0 },
        { "of another value", [new() { Key = "x", Operator = "Equal", Value = "w" }], 0 },
    };

    [Theory, MemberData(nameof(Bearing))]
    public void A_Pod_stays_as_long_as_it_bears_every_taint(string why, Toleration[] tolerations, int? seconds)
    {
        var pod = Make.Pod("p") with { Spec = new() { Tolerations = tolerations.ToSeq() } };
        Seq<Taint> taints = [new() { Key = "x", Value = "v", Effect = "NoExecute", TimeAdded = Make.Start }, new() { Key = "y", Effect = "NoSchedule" }];

        Assert.Equal(seconds is { } s ? Now.AddSeconds(s) : null, Taints.LeavesAt(pod, taints, Now, Now));
        Assert.NotEmpty(why);
    }

    const string EvictKey = "kubernetes.io/e2e-evict-taint-key";

    static Pod Bears(string name, int seconds) => Make.Pod(name, node: "n1", readySince: Make.Start) is var pod ? pod with
    {
        Spec = pod.Spec with { Tolerations = [new Toleration { Key = EvictKey, Value = "evictTaintVal", Effect = "NoExecute", TolerationSeconds = seconds }, new Toleration { Key = "other", Operator = "Exists" }] },
    } : null!;

    static void SetTaint(TestCluster cluster, params Seq<Taint> taints) => cluster.Api.Change<Node>("n1", n => n with { Spec = n.Spec with { Taints = taints } }, "");

    [Theory, InlineData(true), InlineData(false)]
    [Trait("Conformance", "[sig-node] NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive] [Conformance]")]
    public async Task A_taint_that_is_taken_away_in_time_evicts_nobody(bool saysWhen)
    {
        await using var cluster = new TestCluster(["taint-eviction-controller"]);
        cluster.Api.Put(Node("n1"));
        cluster.Api.Put(Bears("bears", 60));
        cluster.Api.Put(Make.Pod("leaves", node: "n1", readySince: Make.Start));
        var taint = new Taint { Key = EvictKey, Value = "evictTaintVal", Effect = "NoExecute", TimeAdded = saysWhen ? cluster.Time.GetUtcNow() : null };

        SetTaint(cluster, taint);
        // Who does not bear it is gone: the other has been looked at, too.
        await cluster.UntilAsync(api => api.Find<Pod>("leaves") is null);
        cluster.Time.Advance(TimeSpan.FromSeconds(50));
        Assert.Null(cluster.Api.Find<Pod>("bears")!.Metadata.DeletionTimestamp);
        // Another comes in its place, which somebody else does not bear: that he is gone shows that the change was seen.
        cluster.Api.Put(Make.Pod("mark", node: "n1", readySince: Make.Start) is var mark ? mark with { Spec = mark.Spec with { Tolerations = [new Toleration { Key = EvictKey, Operator = "Exists" }] } } : null!);
        SetTaint(cluster, new Taint { Key = "other", Effect = "NoExecute" });
        await cluster.UntilAsync(api => api.Find<Pod>("mark") is null);
        cluster.Time.Advance(TimeSpan.FromSeconds(65));
        cluster.Api.Put(Make.Pod("next", node: "n1", readySince: Make.Start));
        await cluster.UntilAsync(api => api.Find<Pod>("next") is null);
        Assert.NotNull(cluster.Api.Find<Pod>("bears"));
        Assert.Contains(("TaintManagerEviction", "Cancelling deletion of Pod default/bears"), cluster.Events.Told);

        // And again: the time begins anew.
        SetTaint(cluster, taint with { TimeAdded = saysWhen ? cluster.Time.GetUtcNow() : null });
        var from = cluster.Time.GetUtcNow();
        cluster.Creep = TimeSpan.FromSeconds(1);
        await cluster.UntilAsync(api => api.Find<Pod>("bears") is null);
        Assert.True(cluster.Time.GetUtcNow() >= from.AddSeconds(50));
    }

    [Fact]
    [Trait("Conformance", "[sig-node] NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive] [Conformance]")]
    public async Task Each_Pod_is_evicted_when_its_own_time_is_over()
    {
        await using var cluster = new TestCluster(["taint-eviction-controller"]) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Node("n1"));
        cluster.Api.Put(Bears("soon", 5));
        cluster.Api.Put(Bears("late", 25));
        var from = cluster.Time.GetUtcNow();
        SetTaint(cluster, new Taint { Key = EvictKey, Value = "evictTaintVal", Effect = "NoExecute", TimeAdded = from });
        await cluster.UntilAsync(api => api.Find<Pod>("soon") is null);
        Assert.NotNull(cluster.Api.Find<Pod>("late"));
        Assert.True(cluster.Time.GetUtcNow() >= from.AddSeconds(5));
        await cluster.UntilAsync(api => api.Find<Pod>("late") is null);
        Assert.True(cluster.Time.GetUtcNow() >= from.AddSeconds(25));
        Assert.Equal(2, cluster.Events.Told.Count(e => e.Reason == "TaintManagerEviction"));
    }

    [Fact]
    public void Nodes_get_parts_of_the_network_that_do_not_overlap()
    {
        static string? FirstFree(string whole, int size, params string[] taken)
        {
            var parts = new Parts(IPNetwork.Parse(whole), size);
            foreach (string cidr in taken) parts.Take(IPNetwork.Parse(cidr));
            return parts.FirstFree()?.ToString();
        }
        Assert.Equal("10.42.0.0/24", FirstFree("10.42.0.0/22", 24));
        Assert.Equal("10.42.1.0/24", FirstFree("10.42.0.0/22", 24, "10.42.0.0/24", "10.42.2.0/24"));
        Assert.Equal("10.42.2.0/24", FirstFree("10.42.0.0/22", 24, "10.42.0.0/23"));
        Assert.Equal("10.42.1.0/24", FirstFree("10.42.0.0/22", 24, "10.42.0.64/26", "10.43.0.0/24", "fd00::/64"));
        Assert.Null(FirstFree("10.42.0.0/22", 24, "10.42.0.0/22"));
        Assert.Null(FirstFree("10.42.0.0/22", 24, "10.0.0.0/8"));
        Assert.Equal("10.42.0.0/24", FirstFree("10.42.0.0/24", 24));
        Assert.Null(FirstFree("10.42.0.0/24", 22));
        Assert.Equal("fd00:0:0:1::/64", FirstFree("fd00::/56", 64, "fd00::/64"));
    }

    [Fact]
    public void A_part_that_is_given_back_by_all_who_had_it_is_free()
    {
        var parts = new Parts(IPNetwork.Parse("10.42.0.0/22"), 24);
        var (first, wide) = (IPNetwork.Parse("10.42.0.0/24"), IPNetwork.Parse("10.42.0.0/23"));
        foreach (var taken in (IPNetwork[])[first, first, wide]) parts.Take(taken);
        Assert.Equal("10.42.2.0/24", parts.FirstFree()?.ToString());
        parts.GiveBack(wide);
        Assert.Equal("10.42.1.0/24", parts.FirstFree()?.ToString());
        parts.GiveBack(first);
        Assert.Equal("10.42.1.0/24", parts.FirstFree()?.ToString());
        parts.GiveBack(first);
        Assert.Equal("10.42.0.0/24", parts.FirstFree()?.ToString());
    }

    [Fact]
    public async Task Every_node_gets_addresses_of_its_own()
    {
        await using var cluster = new TestCluster(["nodeipam"], options: new() { ClusterCidr = "10.42.0.0/16" });
        for (int i = 0; i < 20; i++) cluster.Api.Put(Node($"n{i}"));

        await cluster.UntilAsync(api => api.All<Node>().All(n => n.Spec.PodCIDR.Length > 0));
        Assert.Equal(20, cluster.Api.All<Node>().Select(n => n.Spec.PodCIDR).Distinct().Count());
        Assert.All(cluster.Api.All<Node>(), n => Assert.Equal([n.Spec.PodCIDR], n.Spec.PodCIDRs));
    }

    [Fact]
    public async Task Where_a_cluster_has_addresses_of_both_families_so_has_each_node()
    {
        await using var cluster = new TestCluster(["nodeipam"], options: new() { ClusterCidr = "10.42.0.0/16, fd00::/48" });
        for (int i = 0; i < 3; i++) cluster.Api.Put(Node($"n{i}"));

        await cluster.UntilAsync(api => api.All<Node>().All(n => n.Spec.PodCIDRs.Count == 2));
        Assert.All(cluster.Api.All<Node>(), n => Assert.Equal((n.Spec.PodCIDRs[0], true, true), (n.Spec.PodCIDR, n.Spec.PodCIDRs[0].EndsWith("/24", StringComparison.Ordinal), n.Spec.PodCIDRs[1].EndsWith("::/64", StringComparison.Ordinal))));
        Assert.Equal(6, cluster.Api.All<Node>().SelectMany(n => n.Spec.PodCIDRs).Distinct().Count());
    }

    [Fact]
    public void What_was_given_back_is_given_out_after_all_others()
    {
        var parts = new Parts(IPNetwork.Parse("10.42.0.0/22"), 24);
        Assert.Equal("10.42.0.0/24", parts.TakeNext()?.ToString());
        parts.GiveBack(IPNetwork.Parse("10.42.0.0/24"));
        Assert.Equal(["10.42.1.0/24", "10.42.2.0/24", "10.42.3.0/24", "10.42.0.0/24", null], Enumerable.Range(0, 5).Select(_ => parts.TakeNext()?.ToString()));
    }

    [Fact]
    public async Task A_silent_node_loses_its_Pods_and_gets_its_good_name_back()
    {
        await using var cluster = new TestCluster(["nodelifecycle", "taint-eviction-controller"]);
        cluster.Creep = TimeSpan.FromSeconds(5);
        cluster.Api.Put(Node("n1"));
        // While no node at all is heard of, nothing is driven off any.
        cluster.Api.Put(Node("n2"));
        await using var alive = new Heartbeats(cluster, "n2");
        cluster.Api.Put(new Lease { Metadata = new() { Name = "n1", Namespace = "kube-node-lease" }, Spec = new() { RenewTime = Make.Start } });
        cluster.Api.Put(Make.Pod("bears", node: "n1", readySince: Make.Start) is var pod ? pod with { Spec = pod.Spec with { Tolerations = [new Toleration { Operator = "Exists" }] } } : pod);
        cluster.Api.Put(Make.Pod("leaves", node: "n1", readySince: Make.Start));
        cluster.Api.Put(Make.Pod("elsewhere", node: "n2", readySince: Make.Start));

        await cluster.UntilAsync(api => api.Find<Pod>("leaves") is null && !api.Find<Pod>("bears")!.IsReady);
        var ready = cluster.Api.Find<Node>("n1", "")!.Status.Conditions.Find(c => c.Type == "Ready")!;
        Assert.Equal(("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."), (ready.Status, ready.Reason, ready.Message));
        Assert.True(cluster.Time.GetUtcNow() >= Make.Start.AddSeconds(50));
        Assert.True(cluster.Api.Find<Pod>("elsewhere")!.IsReady);

        cluster.Creep = TimeSpan.FromMilliseconds(10);
        cluster.Api.Change<Node>("n1", n => n with { Status = Node("n1").Status with { Conditions = [new NodeCondition { Type = "Ready", Status = "True", LastHeartbeatTime = Now }] } }, "");
        await cluster.UntilAsync(api => api.Find<Node>("n1", "")!.Spec.Taints.IsEmpty);
    }

    /// <summary>A node's lease, renewed whenever the clock moves.</summary>
    sealed class Heartbeats : IAsyncDisposable
    {
        readonly ITimer _timer;

        public Heartbeats(TestCluster cluster, string node) => _timer = cluster.Time.CreateTimer(
            _ => cluster.Api.Put(new Lease { Metadata = new() { Name = node, Namespace = "kube-node-lease" }, Spec = new() { RenewTime = cluster.Time.GetUtcNow() } }), null, TimeSpan.Zero, TimeSpan.FromSeconds(5));

        public ValueTask DisposeAsync() => _timer.DisposeAsync();
    }

    [Fact]
    public async Task Pods_that_end_on_a_node_out_of_service_are_removed()
    {
        await using var cluster = new TestCluster(["podgc"]) { Creep = TimeSpan.FromSeconds(5) };
        cluster.Api.Graceful = static o => o is Pod;
        cluster.Api.Put(Node("off", "Unknown", taints: [new() { Key = "node.kubernetes.io/out-of-service", Effect = "NoExecute" }]));
        cluster.Api.Put(Node("mute", "Unknown"));
        foreach (string node in (string[])["off", "mute"])
        {
            cluster.Api.Put(Make.Pod("on-" + node, node: node));
            await cluster.Client.DeleteAsync<Pod>(new("default", "on-" + node), Api.Meta.V1.DeleteOptions.Empty, default);
        }
        await cluster.UntilAsync(api => api.Find<Pod>("on-off") is null);
        Assert.NotNull(cluster.Api.Find<Pod>("on-mute"));
    }

    [Fact]
    public async Task A_Pod_that_never_had_a_node_has_failed_when_it_goes()
    {
        await using var cluster = new TestCluster(["podgc"]) { Creep = TimeSpan.FromSeconds(5) };
        var pod = Make.Pod("counted");
        cluster.Api.Put(pod with { Metadata = pod.Metadata with { Finalizers = ["batch.kubernetes.io/job-tracking"] } });
        await cluster.Client.DeleteAsync<Pod>(new("default", "counted"), Api.Meta.V1.DeleteOptions.Empty, default);
        await cluster.UntilAsync(api => api.Find<Pod>("counted")!.Status.Phase == "Failed");
    }

    [Fact]
    public async Task Pods_of_nodes_that_vanished_are_ended_and_removed()
    {
        await using var cluster = new TestCluster(["podgc"]);
        cluster.Creep = TimeSpan.FromSeconds(5);
        cluster.Api.Put(Node("n1"));
        cluster.Api.Put(Make.Pod("lost", node: "vanished"));
        cluster.Api.Put(Make.Pod("kept", node: "n1"));

        await cluster.UntilAsync(api => api.Find<Pod>("lost") is null);
        Assert.NotNull(cluster.Api.Find<Pod>("kept"));
        Assert.Contains(cluster.Api.Requests, r => r is { Method: "PATCH", Path: "/api/v1/namespaces/default/pods/lost/status" });
    }

    [Fact]
    public void Of_too_many_Pods_that_ended_the_oldest_go()
    {
        var pods = Enumerable.Range(0, 5).Select(i => Make.Pod($"p{i}", phase: "Succeeded") is var p ? p with { Metadata = p.Metadata with { CreationTimestamp = Make.Start.AddSeconds(-i) } } : p)
            .Append(Make.Pod("runs", phase: "Running")).ToList();

        Assert.Equal(["p4", "p3"], SweepPlan.TooMany(pods, 3).Select(p => p.Metadata.Name));
        // Those that were evicted before others; what is deleted already counts, but is not deleted again while somebody holds it.
        var evicted = Make.Pod("evicted") is var e ? e with { Status = new() { Phase = "Failed", Reason = "Evicted" } } : null!;
        var held = Make.Pod("held", phase: "Failed") is var h ? h with { Metadata = h.Metadata with { CreationTimestamp = Make.Start.AddDays(-1), DeletionTimestamp = Make.Start, Finalizers = ["a/b"] } } : null!;
        Assert.Equal(["evicted", "p4"], SweepPlan.TooMany([.. pods, evicted, held], 4).Select(p => p.Metadata.Name));
        Assert.Empty(SweepPlan.TooMany(pods, 0));
    }

    [Fact]
    public void Another_taint_in_the_place_of_the_first_does_not_begin_the_time_anew()
    {
        var pod = Make.Pod("p") is var p ? p with { Spec = new() { Tolerations = [new Toleration { Operator = "Exists", TolerationSeconds = 60 }] } } : null!;
        Stay? first = Stay.Next(null, pod, [new() { Key = "not-ready", Effect = "NoExecute", TimeAdded = Now }], Now);
        Assert.Equal(Now.AddSeconds(60), first!.Value.Until);
        Seq<Taint> then = [new() { Key = "unreachable", Effect = "NoExecute", TimeAdded = Now.AddSeconds(50) }];
        Assert.Equal(Now.AddSeconds(60), Stay.Next(first, pod, then, Now.AddSeconds(50))!.Value.Until);
        // A Pod of the same name has not borne anything.
        Assert.Equal(Now.AddSeconds(110), Stay.Next(first, pod with { Metadata = pod.Metadata with { Uid = "another" } }, then, Now.AddSeconds(50))!.Value.Until);
        Assert.Null(Stay.Next(first, pod, [], Now.AddSeconds(50)));
    }

    [Fact]
    public void The_time_on_a_node_begins_when_the_Pod_was_given_it()
    {
        var pod = Make.Pod("p") is var p ? p with
        {
            Spec = new() { Tolerations = [new Toleration { Operator = "Exists", TolerationSeconds = 300 }] },
            Status = p.Status with { Conditions = [new() { Type = "PodScheduled", Status = "True", LastTransitionTime = Now.AddSeconds(-10) }] },
        } : null!;
        Assert.Equal(Now.AddSeconds(290), Taints.LeavesAt(pod, [new() { Key = "x", Effect = "NoExecute", TimeAdded = Make.Start }], Now, Now));
    }

    [Fact]
    public void A_node_that_never_spoke_is_silent_since_it_was_made()
    {
        var mute = new Node { Metadata = new() { Name = "n", CreationTimestamp = Make.Start } };
        var pulse = Pulse.Next(null, null, mute, Now);
        Assert.Equal(Make.Start, pulse.Since);
        Assert.Equal(Make.Start, Pulse.Next(pulse, null, mute, Now.AddSeconds(5)).Since);
        Assert.Equal(Now, Pulse.Next(null, Make.Start, mute, Now).Since);
        Assert.Equal(Now, Pulse.Next(null, null, Node("n") with { Metadata = mute.Metadata }, Now).Since);
    }

    [Fact]
    public async Task Nodes_are_told_of_as_they_come_and_go_and_only_the_silent_ones_Pods_are_marked()
    {
        await using var cluster = new TestCluster(["nodelifecycle"]) { Creep = TimeSpan.FromSeconds(5) };
        cluster.Api.Put(Node("alive"));
        await using var alive = new Heartbeats(cluster, "alive");
        // Its agent says so itself, and goes on saying how its Pods are.
        cluster.Api.Put(Node("unready", "False"));
        await using var unready = new Heartbeats(cluster, "unready");
        cluster.Api.Put(Node("silent"));
        cluster.Api.Put(Make.Pod("on-unready", node: "unready", readySince: Make.Start));
        cluster.Api.Put(Make.Pod("on-silent", node: "silent", readySince: Make.Start));
        await cluster.UntilAsync(api => !api.Find<Pod>("on-silent")!.IsReady);
        Assert.True(cluster.Api.Find<Pod>("on-unready")!.IsReady);
        cluster.Api.Remove<Node>("silent", "");
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("RemovingNode", "Node silent event: Removing Node silent from Controller")));
        foreach (string name in (string[])["alive", "unready", "silent"]) Assert.Single(cluster.Events.Told, e => e == ("RegisteredNode", $"Node {name} event: Registered Node {name} in Controller"));
    }
}
