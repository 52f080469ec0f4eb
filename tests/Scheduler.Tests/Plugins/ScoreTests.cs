using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Plugins;
using NodeAffinity = Hanbae.Scheduler.Plugins.NodeAffinity;

namespace Hanbae.Scheduler.Tests.Plugins;

public sealed class ScoreTests
{
    [Theory]
    [InlineData("0", "0", 100)]
    [InlineData("2", "4Gi", 50)]
    [InlineData("4", "4Gi", 25)]
    [InlineData("8", "16Gi", 0)]
    public void Emptier_nodes_score_higher(string cpu, string memory, long score) =>
        Assert.Equal(score, new NodeResourcesFit(new()).Score(Make.Pod("a", cpu, memory).Info(), Make.Node("n", "4", "8Gi").Info()));

    [Theory]
    [InlineData("2", "4Gi", 75)] // as even as before
    [InlineData("4", "4Gi", 62)] // less even by a quarter
    [InlineData("4", "0", 50)]
    public void A_Pod_that_evens_use_out_scores_higher(string cpu, string memory, long score) =>
        Assert.Equal(score, Balanced.Score(Make.Pod("a", cpu, memory).Info(), Make.Node("n", "4", "8Gi").Info()));

    static readonly BalancedAllocation Balanced = new([new("cpu", 1), new("memory", 1)]);

    [Fact]
    public void Balance_is_no_concern_of_who_asks_for_nothing() => Assert.False(Balanced.PreScore(Make.Pod("a").Info(), new(), []));

    [Fact]
    public void Soft_taints_count_against_a_node()
    {
        var plugin = new TaintToleration();
        var node = Make.Node("n").Taint("a", effect: "PreferNoSchedule").Taint("b", effect: "PreferNoSchedule").Taint("c").Info();
        Assert.Equal(2, plugin.Score(Make.Pod("p").Info(), node));
        Assert.Equal(1, plugin.Score(Make.Pod("p").With(s => s with { Tolerations = [new() { Key = "a", Operator = "Exists" }] }).Info(), node));
        long[] scores = [2, 1, 0];
        plugin.Normalize(Make.Pod("p").Info(), [], scores);
        Assert.Equal([0, 50, 100], scores);
    }

    [Fact]
    public void Preferred_terms_add_their_weights()
    {
        PreferredSchedulingTerm Term(int weight, string zone) => new() { Weight = weight, Preference = new() { MatchExpressions = [new() { Key = "zone", Operator = "In", Values = [zone] }] } };
        var pod = Make.Pod("p").With(s => s with { Affinity = new() { NodeAffinity = new() { PreferredDuringSchedulingIgnoredDuringExecution = [Term(10, "a"), Term(5, "a"), Term(80, "b")] } } }).Info();
        Assert.Equal(15, new NodeAffinity().Score(pod, Make.Node("n").Labels(("zone", "a")).Info()));
        Assert.False(new NodeAffinity().PreScore(Make.Pod("p").Info(), new(), []));
    }

    [Theory]
    [InlineData("web", 10, 0)]
    [InlineData("web", 1000, 100)]
    [InlineData("web", 500, 48)]
    [InlineData("other", 1000, 0)]
    public void Images_that_are_there_count_by_size(string image, long megabytes, long score)
    {
        var node = Make.Node("n");
        node = node with { Status = node.Status with { Images = [new() { Names = [image + ":latest"], SizeBytes = megabytes << 20 }] } };
        var pod = Make.Pod("p").With(s => s with { Containers = [Make.Container() with { Image = "web" }] });
        var (plugin, snapshot) = (new ImageLocality(), Make.Snapshot(node));
        Assert.Equal(score, plugin.PreScore(pod.Info(), snapshot, snapshot.Nodes) ? plugin.Score(pod.Info(), snapshot.Nodes[0]) : 0);
    }
}
