using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.DaemonSets;

namespace Hanbae.Controllers.Tests.DaemonSets;

public sealed class RunPlanTests
{
    static readonly DateTimeOffset Now = Make.Start.AddDays(1);

    static RunPlan Plan(DaemonSet set, Node[] nodes, Pod[] pods, Func<string, DateTimeOffset?>? waits = null) =>
        RunPlan.For(set, new(set, nodes, [.. pods]), "new", waits ?? (_ => null), Now);

    [Fact]
    public void Every_node_gets_one_and_keeps_one()
    {
        var set = Daemons.Set("log");
        var second = Daemons.Pod(set, "b", "one", "new") is var b ? b with { Metadata = b.Metadata with { CreationTimestamp = Now } } : null!;
        var plan = Plan(set, [Make.Node("one"), Make.Node("two")], [Daemons.Pod(set, "a", "one", "new"), second]);

        Assert.Equal("two", Assert.Single(plan.Create));
        Assert.Equal(["b"], plan.Delete.Select(p => p.Metadata.Name));
    }

    [Fact]
    public void A_Pod_is_pinned_to_its_node_and_tolerates_what_is_wrong_with_it()
    {
        var set = Daemons.Set("log");
        set = set with { Spec = set.Spec with { Template = set.Spec.Template with { Spec = set.Spec.Template.Spec with { HostNetwork = true } } } };
        var pod = DaemonPod.For(set, "one", "h");

        Assert.Equal(("", "one", "h"), (pod.Spec.NodeName, DaemonPod.NodeOf(pod), pod.Metadata.Labels["controller-revision-hash"]));
        Assert.Equal(7, pod.Spec.Tolerations.Count);
        Assert.Contains(pod.Spec.Tolerations, t => t is { Key: "node.kubernetes.io/network-unavailable", Operator: "Exists", Effect: "NoSchedule" });
        Assert.Equal("log-", pod.Metadata.GenerateName);
    }

    public static TheoryData<string, Node, bool, bool> Nodes => new()
    {
        { "plain", Make.Node("n", ("zone", "a")), true, true },
        { "of another zone", Make.Node("n", ("zone", "b")), false, false },
        { "cordoned", Make.Node("n", ("zone", "a")).Tainted("node.kubernetes.io/unschedulable", "NoSchedule"), true, true },
        { "unreachable", Make.Node("n", ("zone", "a")).Tainted("node.kubernetes.io/unreachable", "NoExecute"), true, true },
        { "reserved", Make.Node("n", ("zone", "a")).Tainted("reserved", "NoSchedule"), false, true },
        { "cleared", Make.Node("n", ("zone", "a")).Tainted("reserved", "NoExecute"), false, false },
        { "preferring others", Make.Node("n", ("zone", "a")).Tainted("reserved", "PreferNoSchedule"), true, true },
    };

    [Theory, MemberData(nameof(Nodes))]
    public void A_node_fits_by_labels_and_taints(string what, Node node, bool runs, bool stays)
    {
        var set = Daemons.Set("log");
        set = set with { Spec = set.Spec with { Template = set.Spec.Template with { Spec = set.Spec.Template.Spec with { NodeSelector = Map.Of(("zone", "a")) } } } };

        Assert.Equal((what, runs, stays), (what, DaemonPod.Fits(set, node).Runs, DaemonPod.Fits(set, node).Stays));
    }

    [Fact]
    public void A_failed_Pod_goes_unless_its_node_has_to_wait()
    {
        var set = Daemons.Set("log");
        var failed = Daemons.Pod(set, "a", "one", "new", ready: false, phase: "Failed");

        Assert.Equal(["a"], Plan(set, [Make.Node("one")], [failed]).Ended.Select(p => p.Metadata.Name));
        var waiting = Plan(set, [Make.Node("one")], [failed], _ => Now.AddSeconds(8));
        Assert.True(waiting.IsEmpty);
        Assert.Equal(Now.AddSeconds(8), waiting.RetryAt);
    }

    [Fact]
    public void Pods_that_wait_for_a_node_that_is_gone_are_deleted()
    {
        var set = Daemons.Set("log");
        var bound = Daemons.Pod(set, "bound", "gone", "new");
        var waiting = bound with { Metadata = bound.Metadata with { Name = "waiting" }, Spec = bound.Spec with { NodeName = "" } };

        Assert.Equal(["waiting"], Plan(set, [], [bound, waiting]).Delete.Select(p => p.Metadata.Name));
    }

    [Fact]
    public void While_surging_the_old_Pod_goes_once_the_new_one_is_available()
    {
        var set = Daemons.Set("log", unavailable: 0, surge: 1);
        Pod old = Daemons.Pod(set, "old", "one", "was"), coming = Daemons.Pod(set, "new", "one", "new", ready: false), ready = Daemons.Pod(set, "new", "one", "new");

        Assert.Empty(Plan(set, [Make.Node("one")], [old, coming]).Delete);
        Assert.Equal(["old"], Plan(set, [Make.Node("one")], [old, ready]).Delete.Select(p => p.Metadata.Name));
    }

    [Fact]
    public void A_Pod_tells_the_generation_of_its_template_too()
    {
        var set = Daemons.Set("agent") is var d ? d with { Metadata = d.Metadata with { Annotations = Map.Of(("deprecated.daemonset.template.generation", "3")) } } : null!;
        Assert.Equal(("3", "abc"), (DaemonPod.For(set, "n", "abc").Metadata.Labels["pod-template-generation"], DaemonPod.For(set, "n", "abc").Metadata.Labels["controller-revision-hash"]));
    }

    [Theory, InlineData(0, ""), InlineData(1, "one")]
    public void Who_surges_does_not_wait_until_the_last_Pod_has_gone(int surge, string come)
    {
        var set = Daemons.Set("log", unavailable: surge == 0 ? 1 : 0, surge: surge);
        var going = Daemons.Pod(set, "a", "one", "new") is var a ? a with { Metadata = a.Metadata with { DeletionTimestamp = Now } } : null!;
        Assert.Equal(come, string.Join(' ', Plan(set, [Make.Node("one")], [going]).Create));
        // Nor for one that failed and whose node has to wait.
        Assert.Equal(come, string.Join(' ', Plan(set, [Make.Node("one")], [Daemons.Pod(set, "b", "one", "new", ready: false, phase: "Failed")], _ => Now.AddSeconds(8)).Create));
    }
}
