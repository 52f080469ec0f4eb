using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Controllers.Deployments;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.Tests.Deployments;

public sealed class RollPlanTests
{
    static readonly DateTimeOffset Now = Make.Start.AddHours(1);

    static RollPlan Plan(Deployment d, params ReplicaSet[] sets) => RollPlan.For(d, [.. sets], _ => false, Now);

    /// <summary>A set of <paramref name="of"/> with another image, or with its own.</summary>
    static ReplicaSet Set(Deployment of, string image, int size, int available, int revision, int? max = null, int? desired = null)
    {
        var template = Make.Template(of.Metadata.Name, image);
        string hash = TemplateHash.Of(template, null);
        return new()
        {
            Metadata = new()
            {
                Name = of.Metadata.Name + "-" + hash, Namespace = "default", Uid = "uid-" + image, ResourceVersion = "1", Generation = 1, OwnerReferences = [of.ControllerRef()],
                CreationTimestamp = Make.Start.AddMinutes(revision),
                Annotations = SetNotes.Sizes(Map.Of((SetNotes.Revision, revision.ToString())), RollLimits.Of(of))
                    .With(max is null ? default : Map.Of((SetNotes.Max, $"{max}"))).With(desired is null ? default : Map.Of((SetNotes.Desired, $"{desired}"))),
            },
            Spec = new() { Replicas = size, Template = template with { Metadata = template.Metadata with { Labels = template.Metadata.Labels.Set(TemplateHash.Label, hash) } } },
            Status = new() { Replicas = size, ReadyReplicas = available, AvailableReplicas = available, TerminatingReplicas = 0, ObservedGeneration = 1 },
        };
    }

    static string[] Sizes(RollPlan plan) => [.. plan.Change.Where(c => c.Message is not null).Select(c => $"{c.Is.Metadata.Annotations[SetNotes.Revision]}: {Draft.Size(c.Was)} -> {Draft.Size(c.Is)}")];

    [Fact]
    public void The_first_set_is_made_whole_and_named_by_its_template()
    {
        var d = Make.Deployment("web", 3);
        var plan = Plan(d);
        var set = plan.Create!;
        string hash = set.Metadata.Labels["pod-template-hash"]!;

        Assert.Equal("web-" + hash, set.Metadata.Name);
        Assert.Equal((3, hash, hash), (set.Spec.Replicas, set.Spec.Template.Metadata.Labels["pod-template-hash"], set.Spec.Selector!.MatchLabels["pod-template-hash"]));
        Assert.Equal(("1", "3", "4"), (set.Metadata.Annotations[SetNotes.Revision], set.Metadata.Annotations[SetNotes.Desired], set.Metadata.Annotations[SetNotes.Max]));
        Assert.Equal("1", plan.Annotations[SetNotes.Revision]);
        var progress = plan.Status.Conditions.Get("Progressing")!;
        Assert.Equal(("True", "NewReplicaSetCreated", $"Created new replica set \"{set.Metadata.Name}\""), (progress.Status, progress.Reason, progress.Message));
    }

    [Fact]
    public void The_hash_of_a_template_is_the_same_in_every_build() => Assert.Equal("66ddbff8fd", TemplateHash.Of(Make.Template(), null));

    [Fact]
    public void A_new_template_starts_within_the_surge()
    {
        var d = Make.Deployment("web", 10, "nginx:2", surge: 3, unavailable: 2);
        var plan = Plan(d, Set(d, "nginx:1", 10, 10, 1));

        Assert.Equal((3, "2"), (plan.Create!.Spec.Replicas, plan.Create.Metadata.Annotations[SetNotes.Revision]));
        // The new set's Pods are not there yet: only what may be missing anyway can go.
        Assert.Equal(["1: 10 -> 8"], Sizes(plan));
    }

    [Theory]
    [InlineData(8, 8, 3, 0, "new 3 -> 5")]
    [InlineData(8, 8, 5, 0, "nothing")]
    [InlineData(8, 8, 5, 2, "old 8 -> 6")]
    [InlineData(8, 5, 5, 0, "nothing")]
    [InlineData(8, 5, 5, 3, "old 8 -> 5")]
    [InlineData(1, 1, 10, 9, "old 1 -> 0")]
    public void A_step_grows_the_new_set_or_shrinks_the_old_one(int old, int oldAvailable, int size, int available, string then)
    {
        var d = Make.Deployment("web", 10, "nginx:2", surge: 3, unavailable: 2);
        var plan = Plan(d, Set(d, "nginx:1", old, oldAvailable, 1), Set(d, "nginx:2", size, available, 2));

        string[] expected = then.StartsWith("new", StringComparison.Ordinal) ? ["2: " + then[4..]] : then.StartsWith("old", StringComparison.Ordinal) ? ["1: " + then[4..]] : [];
        Assert.Equal(expected, Sizes(plan));
    }

    [Fact]
    public void Recreate_waits_until_everything_old_is_gone()
    {
        var d = Make.Deployment("web", 3, "nginx:2", type: "Recreate");
        var old = Set(d, "nginx:1", 3, 3, 1);

        Assert.Equal(["1: 3 -> 0"], Sizes(Plan(d, old)));
        var empty = old with { Spec = old.Spec with { Replicas = 0 }, Status = old.Status with { Replicas = 0, AvailableReplicas = 0, ReadyReplicas = 0 } };
        Assert.Null(RollPlan.For(d, [empty], _ => true, Now).Create);
        Assert.Equal(3, RollPlan.For(d, [empty], _ => false, Now).Create!.Spec.Replicas);
    }

    [Fact]
    public void Going_back_makes_the_old_set_the_newest_revision()
    {
        var d = Make.Deployment("web", 3, "nginx:1");
        var plan = Plan(d, Set(d, "nginx:1", 0, 0, 1), Set(d, "nginx:2", 3, 3, 2));
        var back = plan.Change.Single(c => c.Is.Metadata.Uid == "uid-nginx:1").Is;

        Assert.Equal(("3", "1"), (back.Metadata.Annotations[SetNotes.Revision], back.Metadata.Annotations[SetNotes.History]));
        Assert.Equal("3", plan.Annotations[SetNotes.Revision]);
        Assert.Null(plan.Create);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Deployment deployment should support proportional scaling [Conformance]")]
    public void Scaling_during_a_rollout_is_shared_in_proportion()
    {
        var d = Make.Deployment("web", 20, "nginx:2", surge: 0, unavailable: 5);
        var plan = Plan(d, Set(d, "nginx:1", 8, 8, 1, max: 10, desired: 10), Set(d, "nginx:2", 2, 0, 2, max: 10, desired: 10));

        Assert.Equal(["1: 8 -> 16", "2: 2 -> 4"], Sizes(plan));
    }

    [Fact]
    public void A_paused_rollout_scales_but_does_not_roll()
    {
        var d = Make.Deployment("web", 5, "nginx:2");
        var plan = Plan(d with { Spec = d.Spec with { Paused = true } }, Set(d, "nginx:1", 3, 3, 1, desired: 3));

        Assert.Null(plan.Create);
        Assert.Equal(["1: 3 -> 5"], Sizes(plan));
        Assert.Equal(("Unknown", "DeploymentPaused"), (plan.Status.Conditions.Get("Progressing")!.Status, plan.Status.Conditions.Get("Progressing")!.Reason));
    }

    [Fact]
    public void A_finished_rollout_says_so_and_forgets_what_the_history_has_no_room_for()
    {
        var d = Make.Deployment("web", 3, "nginx:9");
        d = d with { Spec = d.Spec with { RevisionHistoryLimit = 1 } };
        var sets = new[] { Set(d, "nginx:7", 0, 0, 1), Set(d, "nginx:8", 0, 0, 2), Set(d, "nginx:9", 3, 3, 3) };
        var first = Plan(d, sets);
        var name = sets[2].Metadata.Name;

        Assert.Equal($"ReplicaSet \"{name}\" has successfully progressed.", first.Status.Conditions.Get("Progressing")!.Message);
        Assert.Equal("NewReplicaSetAvailable", first.Status.Conditions.Get("Progressing")!.Reason);
        Assert.Equal(("True", "MinimumReplicasAvailable"), (first.Status.Conditions.Get("Available")!.Status, first.Status.Conditions.Get("Available")!.Reason));
        Assert.Equal(["uid-nginx:7"], Plan(d with { Status = first.Status }, sets).Delete.Select(s => s.Metadata.Uid));
    }

    [Fact]
    public void A_rollout_that_does_not_move_is_stuck_after_its_deadline()
    {
        var d = Make.Deployment("web", 3, "nginx:2");
        var sets = new[] { Set(d, "nginx:1", 3, 3, 1), Set(d, "nginx:2", 1, 0, 2) };
        var moving = RollPlan.For(d, [.. sets], _ => false, Now);
        d = d with { Status = moving.Status };

        Assert.Equal(Now.AddSeconds(600), moving.Deadline);
        Assert.Equal("ReplicaSetUpdated", RollPlan.For(d, [.. sets], _ => false, Now.AddSeconds(600)).Status.Conditions.Get("Progressing")!.Reason);
        var stuck = RollPlan.For(d, [.. sets], _ => false, Now.AddSeconds(601)).Status.Conditions.Get("Progressing")!;
        Assert.Equal(("False", "ProgressDeadlineExceeded"), (stuck.Status, stuck.Reason));
        Assert.EndsWith("has timed out progressing.", stuck.Message);
    }
}
