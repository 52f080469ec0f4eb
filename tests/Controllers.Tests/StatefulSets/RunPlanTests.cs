using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.StatefulSets;

namespace Hanbae.Controllers.Tests.StatefulSets;

public sealed class RunPlanTests
{
    [Theory]
    // One after the other, each when the one before is ready.
    [InlineData(3, "", "+0")]
    [InlineData(3, "new!", "")]
    [InlineData(3, "new", "+1")]
    [InlineData(3, "new - new", "+1")]
    [InlineData(3, "newx new", "")]
    // From the last, one at a time, and not past one that is unavailable.
    [InlineData(1, "new new new", "-2")]
    [InlineData(1, "new new newx", "")]
    [InlineData(1, "new! new new", "")]
    [InlineData(1, "new new! new", "-2")]
    [InlineData(1, "new new! new!", "")]
    [InlineData(1, "new new!", "-1")]
    // What ended is replaced.
    [InlineData(2, "newf new", "-0")]
    // Updates from the last, when all are available.
    [InlineData(3, "old old old", "-2")]
    [InlineData(3, "old old new", "-1")]
    [InlineData(3, "old old new!", "")]
    [InlineData(3, "old! old old", "")]
    public void In_order_each_waits_for_those_before(int replicas, string states, string steps) =>
        Assert.Equal(steps, Stateful.Plan(Stateful.Set("web", replicas), states).Text());

    [Theory]
    [InlineData(3, "", "+0 +1 +2")]
    [InlineData(3, "new! - new", "+1")]
    [InlineData(1, "new! new! newx new", "-3 -1")]
    [InlineData(3, "old old! old", "-2")]
    [InlineData(3, "old old old", "-2")]
    [InlineData(3, "old! old! new", "-1")]
    [InlineData(3, "old! old new!", "")]
    [InlineData(3, "old old newx", "")]
    [InlineData(3, "newf newf new", "-0 -1")]
    public void In_parallel_nothing_waits(int replicas, string states, string steps) =>
        Assert.Equal(steps, Stateful.Plan(Stateful.Set("web", replicas, parallel: true), states).Text());

    [Theory]
    [InlineData(2, "old old old old", "-3")]
    [InlineData(3, "old old old old", "-3")]
    [InlineData(3, "old old old new", "")]
    [InlineData(4, "old old old old", "")]
    public void A_partition_keeps_those_below_it(int partition, string states, string steps) =>
        Assert.Equal(steps, Stateful.Plan(Stateful.Set("web", 4, partition: partition), states).Text());

    [Fact]
    public void Members_below_the_partition_come_back_as_they_were()
    {
        var plan = Stateful.Plan(Stateful.Set("web", 4, parallel: true, partition: 2), "");
        Assert.Equal(["r1", "r1", "r2", "r2"], plan.Steps.Select(s => Identity.RevisionOf(s.Pod)));
    }

    [Fact]
    public void On_delete_nothing_is_updated() => Assert.Equal("", Stateful.Plan(Stateful.Set("web", 2, type: "OnDelete"), "old old").Text());

    [Fact]
    public void Ordinals_may_begin_anywhere() => Assert.Equal("+5 +6", Stateful.Plan(Stateful.Set("web", 2, parallel: true, start: 5), "").Text());

    [Fact]
    public void A_member_has_its_name_host_labels_and_claims()
    {
        var set = Stateful.Set("web", 1).WithClaims();
        var pod = Identity.Make(set, set.Spec.Template, "web-abc", 3);

        Assert.Equal(("web-3", "web-3", "svc"), (pod.Metadata.Name, pod.Spec.Hostname, pod.Spec.Subdomain));
        Assert.Equal(("web-3", "3", "web-abc"), (pod.Metadata.Labels["statefulset.kubernetes.io/pod-name"], pod.Metadata.Labels["apps.kubernetes.io/pod-index"], pod.Metadata.Labels["controller-revision-hash"]));
        Assert.Equal(("data", "data-web-3"), (pod.Spec.Volumes[0].Name, pod.Spec.Volumes[0].PersistentVolumeClaim!.ClaimName));
        Assert.Equal("web", Assert.Single(Claims.For(set, 3)).Metadata.Labels["app"]);
    }

    [Fact]
    public void A_member_that_lost_its_labels_gets_them_back()
    {
        var set = Stateful.Set("web", 1);
        var pod = Stateful.Member(set, 0, "new");
        pod = pod with { Metadata = pod.Metadata with { Labels = pod.Metadata.Labels.Remove(Identity.NameLabel) } };
        var plan = RunPlan.For(set, new("r2", set.Spec.Template), new("r2", set.Spec.Template), [pod], _ => null, Make.Start);

        Assert.Equal("~0", plan.Text());
        Assert.Equal("web-0", Identity.Repair(set, plan.Steps[0].Pod, 0).Metadata.Labels[Identity.NameLabel]);
    }

    public static TheoryData<string, string, int, string> Policies => new()
    {
        { "Retain", "Retain", 0, "" }, { "Retain", "Retain", 5, "" },
        { "Delete", "Retain", 0, "StatefulSet" }, { "Delete", "Retain", 5, "StatefulSet" },
        { "Retain", "Delete", 0, "" }, { "Retain", "Delete", 5, "Pod" },
        { "Delete", "Delete", 0, "StatefulSet" }, { "Delete", "Delete", 5, "Pod" },
    };

    [Theory, MemberData(nameof(Policies))]
    public void A_claim_belongs_to_what_it_goes_with(string whenDeleted, string whenScaled, int ordinal, string owner)
    {
        var set = Stateful.Set("web", 1).WithClaims(whenDeleted, whenScaled);
        var pod = Stateful.Member(set, ordinal, "new");
        foreach (var before in (Seq<Api.Meta.V1.OwnerReference>[])[default, [set.ControllerRef()], [pod.ControllerRef()]])
            Assert.Equal(owner, string.Join(' ', Claims.OwnersOf(set, pod, ordinal, new() { Metadata = new() { OwnerReferences = before } }).Select(o => o.Kind)));
    }

    [Fact]
    public void A_member_does_not_begin_with_a_claim_that_goes_with_the_former_one()
    {
        var set = Stateful.Set("web", 1).WithClaims("Retain", "Delete");
        var claim = new PersistentVolumeClaim { Metadata = new() { Name = "data-web-0", Namespace = "default", OwnerReferences = [Stateful.Member(set, 0, "old").ControllerRef()] } };

        Assert.Equal("", Stateful.Plan(set, "", claim).Text());
        Assert.Equal("+0", Stateful.Plan(set, "").Text());
    }

    [Theory]
    [InlineData("1", "old old old old", "-3")]
    [InlineData("3", "old old old old", "-3 -2 -1")]
    [InlineData("50%", "old old old old", "-3 -2")]
    // Rounded down, but never to none.
    [InlineData("10%", "old old old old", "-3")]
    // What is unavailable already counts.
    [InlineData("2", "old old old new!", "-2")]
    public void As_many_are_updated_at_once_as_may_be_unavailable(string most, string states, string steps) =>
        Assert.Equal(steps, Stateful.Plan(Stateful.Set("web", 4, parallel: true, unavailable: int.TryParse(most, out int n) ? n : (IntOrString)most), states).Text());

    [Theory]
    [InlineData("Delete", "Retain", "", "set")]
    // Who only owns, but does not control, is made to.
    [InlineData("Delete", "Retain", "set-", "set")]
    // Somebody else controls it: the policy cannot be kept, and what is ours goes.
    [InlineData("Delete", "Retain", "other", "other")]
    [InlineData("Delete", "Delete", "other set", "other")]
    [InlineData("Retain", "Retain", "other set", "other")]
    // What an older set of the name left is the collector's.
    [InlineData("Delete", "Retain", "former", "former")]
    [InlineData("Delete", "Retain", "other-", "other- set")]
    public void A_claim_is_controlled_by_one(string whenDeleted, string whenScaled, string before, string after)
    {
        var set = Stateful.Set("web", 1).WithClaims(whenDeleted, whenScaled);
        var pod = Stateful.Member(set, 0, "new");
        Api.Meta.V1.OwnerReference Owner(string what) => what.TrimEnd('-') switch
        {
            "set" => set.ControllerRef(), "former" => set.ControllerRef() with { Uid = "former" }, _ => new() { ApiVersion = "v1", Kind = "ConfigMap", Name = "other", Uid = "other", Controller = true },
        } is var owner && what.EndsWith('-') ? owner with { Controller = null } : owner;
        string Text(Api.Meta.V1.OwnerReference o) => (o.Uid == set.Metadata.Uid ? "set" : o.Uid) + (o.Controller == true ? "" : "-");

        var owners = before.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Owner).ToSeq();
        Assert.Equal(after, string.Join(' ', Claims.OwnersOf(set, pod, 0, new() { Metadata = new() { OwnerReferences = owners } }).Select(Text)));
    }
}
