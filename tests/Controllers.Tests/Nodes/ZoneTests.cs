using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Nodes;

namespace Hanbae.Controllers.Tests.Nodes;

/// <summary>The more of a zone fails, the less is driven off its nodes; and nothing at all while every node of the cluster fails.</summary>
public sealed class ZoneTests
{
    static readonly EvictionRates Rates = new();

    [Theory]
    [InlineData(0, 0, ZoneState.Normal)]
    [InlineData(3, 0, ZoneState.Normal)]
    [InlineData(1, 1, ZoneState.Normal)]
    [InlineData(0, 1, ZoneState.Full)]
    [InlineData(1, 2, ZoneState.Normal)]
    [InlineData(2, 3, ZoneState.Partial)]
    [InlineData(45, 55, ZoneState.Partial)]
    [InlineData(46, 54, ZoneState.Normal)]
    [InlineData(0, 100, ZoneState.Full)]
    internal void More_than_half_of_a_zone_that_fails_is_much_of_it(int ready, int failing, ZoneState state) => Assert.Equal(state, Zones.State(ready, failing, Rates));

    [Theory]
    [InlineData(ZoneState.Normal, 10, 0.1)]
    [InlineData(ZoneState.Full, 10, 0.1)]
    [InlineData(ZoneState.Partial, 50, 0)]
    [InlineData(ZoneState.Partial, 51, 0.01)]
    internal void Small_zones_of_which_much_fails_are_not_cleared(ZoneState state, int nodes, double rate) => Assert.Equal(rate, Zones.Rate(state, nodes, Rates));

    static Node Node(string name, string zone, string ready = "True") => new()
    {
        Metadata = new() { Name = name, Labels = Map.Of(("topology.kubernetes.io/zone", zone)) },
        Status = new() { Conditions = [new NodeCondition { Type = "Ready", Status = ready, LastHeartbeatTime = Make.Start }] },
    };

    [Fact]
    public void A_node_that_can_be_read_and_was_not_told_yet_is_not_counted()
    {
        static Node At(Node node, string version) => node with { Metadata = node.Metadata with { ResourceVersion = version } };
        Node before = At(Node("a", "z"), "1"), after = At(Node("a", "z", "False"), "2");
        var zones = new Zones(Rates, TimeProvider.System);
        Assert.False(zones.Counts(before));
        zones.See(new(null, before));
        Assert.Equal((true, false, false), (zones.Counts(before), zones.Counts(after), zones.AllFail));
        // One that the list, not the watch, told of: its old state is whatever was counted.
        zones.See(new(null, after));
        Assert.Equal((false, true, true), (zones.Counts(before), zones.Counts(after), zones.AllFail));
        zones.See(new(before, null));
        Assert.Equal((false, ZoneState.Normal), (zones.Counts(after), zones.StateOf(after)));
    }

    static TestCluster Start(params Node[] nodes) => new(["nodelifecycle"], api => { foreach (var node in nodes) api.Put(node); }) { Creep = TestCluster.Hardly };

    static int Driven(Kit.FakeApi api, string zone) => api.All<Node>().Count(n => n.Metadata.Labels["topology.kubernetes.io/zone"] == zone && n.Spec.Taints.Exists(t => t.Effect == "NoExecute"));
    static int Closed(Kit.FakeApi api, string zone) => api.All<Node>().Count(n => n.Metadata.Labels["topology.kubernetes.io/zone"] == zone && n.Spec.Taints.Exists(t => t.Effect == "NoSchedule"));
    static void Say(TestCluster cluster, string node, string ready) =>
        cluster.Api.Change<Node>(node, n => n with { Status = n.Status with { Conditions = [new NodeCondition { Type = "Ready", Status = ready, LastHeartbeatTime = cluster.Time.GetUtcNow() }] } }, "");

    [Fact]
    public async Task Nodes_that_fail_are_cleared_one_in_ten_seconds_in_each_zone()
    {
        await using var cluster = Start([.. Enumerable.Range(0, 10).Select(i => Node($"a{i}", "a")), .. Enumerable.Range(0, 10).Select(i => Node($"b{i}", "b"))]);
        foreach (string zone in (string[])["a", "b"]) for (int i = 0; i < 4; i++) Say(cluster, $"{zone}{i}", "False");
        // Nothing new comes to any of them at once; what runs there goes from one of each zone.
        await cluster.UntilAsync(api => Closed(api, "a") == 4 && Closed(api, "b") == 4 && Driven(api, "a") == 1 && Driven(api, "b") == 1);
        var from = cluster.Time.GetUtcNow();
        cluster.Creep = TimeSpan.FromSeconds(1);
        for (int next = 2; next <= 4; next++)
        {
            await cluster.UntilAsync(api => Driven(api, "a") >= next && Driven(api, "b") >= next);
            Assert.True(cluster.Time.GetUtcNow() >= from.AddSeconds(9.9 * (next - 1)));
        }
    }

    [Fact]
    public async Task A_small_zone_of_which_much_fails_is_left_alone_until_it_is_better()
    {
        await using var cluster = Start([.. Enumerable.Range(0, 4).Select(i => Node($"a{i}", "a", i < 3 ? "False" : "True")), Node("b0", "b")]);
        await cluster.UntilAsync(api => Closed(api, "a") == 3);
        cluster.Time.Advance(TimeSpan.FromSeconds(30));
        // A look after that: the node has its label.
        cluster.Api.Change<Node>("b0", n => n with { Metadata = n.Metadata with { Labels = n.Metadata.Labels.Set("kubernetes.io/os", "linux") } }, "");
        await cluster.UntilAsync(api => api.Find<Node>("b0", "")!.Metadata.Labels["beta.kubernetes.io/os"] == "linux");
        Assert.Equal(0, Driven(cluster.Api, "a"));

        Say(cluster, "a0", "True");
        cluster.Creep = TimeSpan.FromMilliseconds(200);
        await cluster.UntilAsync(api => Driven(api, "a") == 1);
    }

    [Fact]
    public async Task While_every_node_fails_nothing_is_driven_off_and_what_was_is_taken_back()
    {
        await using var cluster = Start(Node("a0", "a"), Node("a1", "a"), Node("b0", "b"));
        Say(cluster, "a0", "False");
        await cluster.UntilAsync(api => Driven(api, "a") == 1);

        Say(cluster, "a1", "False");
        Say(cluster, "b0", "Unknown");
        await cluster.UntilAsync(api => Closed(api, "a") == 2 && Closed(api, "b") == 1 && Driven(api, "a") == 0 && Driven(api, "b") == 0);

        Say(cluster, "b0", "True");
        cluster.Creep = TimeSpan.FromMilliseconds(200);
        await cluster.UntilAsync(api => Driven(api, "a") == 1 && Driven(api, "b") == 0);
    }
}
