using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.ReplicaSets;

namespace Hanbae.Controllers.Tests.ReplicaSets;

public sealed class ScalePlanTests
{
    static readonly DateTimeOffset Now = Make.Start.AddDays(1);

    static ScalePlan Plan(int replicas, Pod[] pods, int minReadySeconds = 0, Pod[]? relatives = null) =>
        ScalePlan.For(Make.ReplicaSet("web", replicas, minReadySeconds: minReadySeconds), [.. pods], () => relatives ?? pods, Now);

    [Fact]
    public void Missing_Pods_are_made_from_the_template_and_owned()
    {
        var plan = Plan(3, [Make.Pod("a")]);

        Assert.Equal(2, plan.Create.Length);
        var pod = plan.Create[0];
        Assert.Equal(("web-", "default", "web"), (pod.Metadata.GenerateName, pod.Metadata.Namespace, pod.Metadata.Labels["app"]));
        Assert.Equal(("apps/v1", "ReplicaSet", "web", true, true),
            (pod.Metadata.OwnerReferences[0].ApiVersion, pod.Metadata.OwnerReferences[0].Kind, pod.Metadata.OwnerReferences[0].Name, pod.Metadata.OwnerReferences[0].Controller, pod.Metadata.OwnerReferences[0].BlockOwnerDeletion));
    }

    [Fact]
    public void Pods_that_ended_or_go_away_do_not_count()
    {
        var going = Make.Pod("b");
        var plan = Plan(1, [Make.Pod("a", phase: "Failed"), going with { Metadata = going.Metadata with { DeletionTimestamp = Now } }]);

        Assert.Single(plan.Create);
        Assert.Equal((0, 1), (plan.Status.Replicas, plan.Status.TerminatingReplicas));
    }

    [Fact]
    public void At_most_500_are_made_at_a_time() => Assert.Equal(500, Plan(2000, []).Create.Length);

    public static TheoryData<string, Pod, Pod> FirstToGo => new()
    {
        { "without a node", Make.Pod("x"), Make.Pod("y", node: "n") },
        { "pending", Make.Pod("x", node: "n"), Make.Pod("y", node: "n", phase: "Running") },
        { "not ready", Make.Pod("x", node: "n", phase: "Running"), Make.Pod("y", node: "n", readySince: Make.Start) },
        { "cheap", Cost(Make.Pod("x", node: "n", readySince: Make.Start), "-5"), Make.Pod("y", node: "n", readySince: Now.AddSeconds(-9)) },
        { "ready for a shorter time", Make.Pod("x", node: "n", readySince: Now.AddSeconds(-9)), Make.Pod("y", node: "n", readySince: Make.Start) },
        { "often restarted", Restarts(Make.Pod("x", node: "n", readySince: Make.Start), 7), Make.Pod("y", node: "n", readySince: Make.Start) },
        { "younger", Born(Make.Pod("x", node: "n", readySince: Make.Start), Now.AddSeconds(-9)), Make.Pod("y", node: "n", readySince: Make.Start) },
        { "ready for about as long: by uid, not by restarts", Make.Pod("x", node: "n", readySince: Now.AddHours(-20)), Restarts(Make.Pod("y", node: "n", readySince: Now.AddHours(-22)), 7) },
        { "of the same magnitude of age: by uid", Make.Pod("x", node: "n", readySince: Now.AddHours(-20)), Make.Pod("y", node: "n", readySince: Now.AddHours(-22)) },
    };

    [Theory, MemberData(nameof(FirstToGo))]
    public void The_least_useful_Pod_goes_first(string why, Pod first, Pod second)
    {
        Assert.Equal([first.Metadata.Name], Plan(1, [second, first]).Delete.Select(p => p.Metadata.Name));
        Assert.NotEmpty(why);
    }

    [Fact]
    public void A_Pod_that_shares_its_node_with_relatives_goes_before_one_alone()
    {
        Pod crowded = Make.Pod("z", node: "full", readySince: Make.Start), alone = Make.Pod("a", node: "free", readySince: Now.AddSeconds(-1));
        var sibling = Make.Pod("other-set", node: "full", readySince: Make.Start);

        Assert.Equal(["z"], Plan(1, [crowded, alone], relatives: [crowded, alone, sibling]).Delete.Select(p => p.Metadata.Name));
    }

    [Fact]
    public void A_Pod_is_available_once_it_was_ready_for_long_enough()
    {
        var plan = Plan(2, [Make.Pod("a", readySince: Now.AddSeconds(-30)), Make.Pod("b", readySince: Now.AddSeconds(-10))], minReadySeconds: 30);

        Assert.Equal((2, 2, 1), (plan.Status.Replicas, plan.Status.ReadyReplicas, plan.Status.AvailableReplicas));
        Assert.Equal(Now.AddSeconds(20), plan.ReadyAt);
    }

    [Fact]
    public void A_failure_becomes_a_condition_and_success_takes_it_away()
    {
        var plan = Plan(1, []);
        var failed = plan.StatusAfter(new InvalidOperationException("no room"), Now);
        var condition = Assert.Single(failed.Conditions);

        Assert.Equal(("ReplicaFailure", "True", "FailedCreate", "no room"), (condition.Type, condition.Status, condition.Reason, condition.Message));
        Assert.Empty((plan with { Status = failed }).StatusAfter(null, Now).Conditions);
    }

    static Pod Cost(Pod pod, string cost) =>
        pod with { Metadata = pod.Metadata with { Annotations = Map.Of(("controller.kubernetes.io/pod-deletion-cost", cost)) } };

    static Pod Restarts(Pod pod, int count) => pod with { Status = pod.Status with { ContainerStatuses = [new ContainerStatus { Name = "main", RestartCount = count }] } };
    static Pod Born(Pod pod, DateTimeOffset at) => pod with { Metadata = pod.Metadata with { CreationTimestamp = at } };
}
