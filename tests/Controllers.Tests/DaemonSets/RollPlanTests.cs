using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.DaemonSets;

namespace Hanbae.Controllers.Tests.DaemonSets;

public sealed class RollPlanTests
{
    static readonly Node[] Nodes = [.. Enumerable.Range(0, 4).Select(i => Make.Node("n" + i))];

    static RollPlan Plan(DaemonSet set, params Pod[] pods) => RollPlan.For(set, new(set, Nodes, [.. pods]), "new", Make.Start.AddDays(1));

    static Pod[] Pods(DaemonSet set, params string[] states) =>
        [.. states.Select((s, i) => Daemons.Pod(set, "p" + i, "n" + i, s.StartsWith("new", StringComparison.Ordinal) ? "new" : "was", !s.EndsWith('!')))];

    [Theory]
    [InlineData(1, "old old old old", "p0")]
    [InlineData(2, "old old old old", "p0 p1")]
    [InlineData(1, "new! old old old", "")]
    [InlineData(1, "old! old old old", "p0")]
    [InlineData(1, "new old! old! old", "p1 p2")]
    [InlineData(2, "old! old! old old old", "p0 p1")]
    [InlineData(1, "new new new new", "")]
    [InlineData(1, "old old old", "")]
    public void Old_Pods_go_as_far_as_may_be_missed(int unavailable, string states, string go)
    {
        var set = Daemons.Set("log", unavailable);
        Assert.Equal(go, string.Join(' ', Plan(set, Pods(set, states.Split(' '))).Delete.Select(p => p.Metadata.Name)));
    }

    [Theory]
    [InlineData("old old old old", "n0")]
    [InlineData("old! old! old old", "n0 n1 n2")]
    [InlineData("new old old old", "n1")]
    public void New_Pods_come_beside_old_ones_as_far_as_may_be_too_many(string states, string come)
    {
        var set = Daemons.Set("log", unavailable: 0, surge: 1);
        var plan = Plan(set, Pods(set, states.Split(' ')));
        Assert.Equal(come, string.Join(' ', plan.Create));
        Assert.Empty(plan.Delete);
    }

    [Fact]
    public void While_one_surges_no_other_does()
    {
        var set = Daemons.Set("log", unavailable: 0, surge: 1);
        Assert.Empty(Plan(set, [.. Pods(set, "old", "old", "old", "old"), Daemons.Pod(set, "q0", "n0", "new", ready: false)]).Create);
    }

    [Fact]
    public void On_delete_nothing_goes_by_itself() => Assert.Same(RollPlan.None, Plan(Daemons.Set("log", type: "OnDelete"), Pods(Daemons.Set("log"), "old")));

    [Fact]
    public void Where_none_belongs_any_more_one_that_does_not_serve_goes_at_once()
    {
        var set = Daemons.Set("log", unavailable: 0, surge: 1);
        Node[] nodes = [.. Nodes[..2], Nodes[2].Tainted("reserved", "NoSchedule"), Nodes[3].Tainted("reserved", "NoSchedule")];
        var plan = RollPlan.For(set, new(set, nodes, [.. Pods(set, "new", "new!", "old", "old!")]), "new", Make.Start.AddDays(1));
        Assert.Equal(["p3"], plan.Delete.Select(p => p.Metadata.Name));
    }

    [Fact]
    public void When_the_new_one_beside_the_old_will_be_available_is_known()
    {
        var set = Daemons.Set("log", unavailable: 0, surge: 1) is var s ? s with { Spec = s.Spec with { MinReadySeconds = 10 } } : null!;
        var now = Make.Start.AddHours(1);
        var coming = Daemons.Pod(set, "q0", "n0", "new").Ready(now.AddSeconds(-4)) is var q ? q with { Metadata = q.Metadata with { CreationTimestamp = now.AddSeconds(-9) } } : null!;
        Assert.Equal(now.AddSeconds(6), RunStatus.Of(set, new(set, Nodes, [.. Pods(set, "old", "new", "new", "new"), coming]), "new", now).ReadyAt);
    }

    [Fact]
    public void A_Pod_of_the_set_s_generation_is_new_whatever_its_hash()
    {
        var set = Daemons.Set("log");
        set = set with { Metadata = set.Metadata with { Annotations = Map.Of(("deprecated.daemonset.template.generation", "3")) } };
        // Of every node one: the update has nothing to wait for.
        var pods = Pods(set, "old", "old", "old", "old");
        Assert.Empty(Plan(set, pods).Delete);
        var next = set with { Metadata = set.Metadata with { Annotations = Map.Of(("deprecated.daemonset.template.generation", "4")) } };
        Assert.NotEmpty(Plan(next, pods).Delete);
    }
}
