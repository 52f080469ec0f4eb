using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Deployments;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.Deployments;

public sealed class RollTests
{
    static readonly string[] Run = ["deployment", "replicaset"];

    /// <summary>Plays the nodes: every Pod runs as soon as it is there.</summary>
    static bool Nodes(FakeApi api)
    {
        foreach (var pod in api.All<Pod>())
            if (!pod.IsReady) api.Change<Pod>(pod.Metadata.Name, p => p.Ready());
        return true;
    }

    static bool Complete(FakeApi api, string image) => Nodes(api) && api.Find<Deployment>("web") is { } d && RollStatus.IsComplete(d, d.Status)
        && d.Status.Conditions.Get("Progressing")?.Reason == "NewReplicaSetAvailable" && d.Spec.Template.Spec.Containers[0].Image == image
        && api.All<Pod>().All(p => p.Spec.Containers[0].Image == image);

    static void SetImage(FakeApi api, string image) =>
        api.Change<Deployment>("web", d => d with { Spec = d.Spec with { Template = Make.Template("web", image) } });

    [Fact]
    public async Task A_Deployment_rolls_out_and_back()
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Put(Make.Deployment("web", 3));
        await cluster.UntilAsync(api => Complete(api, "nginx:1"));
        var first = Assert.Single(cluster.Api.All<ReplicaSet>());
        Assert.Contains(("ScalingReplicaSet", $"Scaled up replica set {first.Metadata.Name} from 0 to 3"), cluster.Events.Told);

        SetImage(cluster.Api, "nginx:2");
        await cluster.UntilAsync(api => Complete(api, "nginx:2"));
        Assert.Equal(["0", "3"], cluster.Api.All<ReplicaSet>().Select(s => $"{s.Spec.Replicas}").Order());
        Assert.Equal("2", cluster.Api.Find<Deployment>("web")!.Metadata.Annotations[SetNotes.Revision]);

        SetImage(cluster.Api, "nginx:1");
        await cluster.UntilAsync(api => Complete(api, "nginx:1"));
        Assert.Equal("3", cluster.Api.Find<ReplicaSet>(first.Metadata.Name)!.Metadata.Annotations[SetNotes.Revision]);
        Assert.Equal(2, cluster.Api.All<ReplicaSet>().Count);
    }

    [Fact]
    public async Task A_foreign_set_of_the_same_name_makes_another_name()
    {
        var d = Make.Deployment("web", 1);
        string taken = "web-" + TemplateHash.Of(d.Spec.Template, null);
        await using var cluster = new TestCluster(Run, api => api.Put(Make.ReplicaSet(taken, 0, app: "other")));
        cluster.Api.Put(d);

        await cluster.UntilAsync(api => Complete(api, "nginx:1"));

        Assert.Equal(1, cluster.Api.Find<Deployment>("web")!.Status.CollisionCount);
        Assert.Null(cluster.Api.Find<ReplicaSet>(taken)!.Controller);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Deployment RollingUpdateDeployment should delete old pods and create new ones [Conformance]")]
    public async Task A_matching_orphan_set_is_adopted()
    {
        var d = Make.Deployment("web", 2);
        var orphan = Make.ReplicaSet("web-old", 2) with { };
        orphan = orphan with { Metadata = orphan.Metadata with { Labels = Map.Of(("app", "web")) }, Spec = orphan.Spec with { Template = d.Spec.Template } };
        await using var cluster = new TestCluster(Run, api => api.Put(orphan));
        cluster.Api.Put(d);

        await cluster.UntilAsync(api => Complete(api, "nginx:1"));

        Assert.Equal("web", Assert.Single(cluster.Api.All<ReplicaSet>()).Controller?.Name);
        // Its Pods give way to those of another template.
        SetImage(cluster.Api, "nginx:2");
        await cluster.UntilAsync(api => Complete(api, "nginx:2") && api.Find<ReplicaSet>("web-old")!.Status.Replicas == 0);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Deployment deployment should delete old replica sets [Conformance]")]
    public async Task Sets_that_the_history_has_no_room_for_go()
    {
        await using var cluster = new TestCluster(Run);
        var d = Make.Deployment("web", 1);
        cluster.Api.Put(d with { Spec = d.Spec with { RevisionHistoryLimit = 0 } });
        await cluster.UntilAsync(api => Complete(api, "nginx:1"));
        SetImage(cluster.Api, "nginx:2");
        await cluster.UntilAsync(api => Complete(api, "nginx:2") && api.All<ReplicaSet>().Count == 1);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Deployment deployment should support rollover [Conformance]")]
    public async Task A_rollout_that_never_ends_gives_way_to_the_next()
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Put(Make.Deployment("web", 2));
        await cluster.UntilAsync(api => Complete(api, "nginx:1"));
        SetImage(cluster.Api, "broken");
        await cluster.UntilAsync(api => api.All<Pod>().Any(p => p.Spec.Containers[0].Image == "broken"));
        SetImage(cluster.Api, "nginx:3");
        await cluster.UntilAsync(api => Complete(api, "nginx:3"));
        Assert.Equal(3, cluster.Api.All<ReplicaSet>().Count);
    }

    [Theory]
    [InlineData("1", "nginx:1", "DeploymentRollback", "Rolled back deployment \"web\" to revision 1")]
    [InlineData("0", "nginx:1", "DeploymentRollback", "Rolled back deployment \"web\" to revision 1")]
    [InlineData("9", "nginx:2", "DeploymentRollbackRevisionNotFound", "Unable to find the revision to rollback to.")]
    public async Task An_annotation_takes_back_to_a_revision(string to, string image, string reason, string message)
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Put(Make.Deployment("web", 1));
        await cluster.UntilAsync(api => Complete(api, "nginx:1"));
        SetImage(cluster.Api, "nginx:2");
        await cluster.UntilAsync(api => Complete(api, "nginx:2"));
        cluster.Api.Change<Deployment>("web", d => d with { Metadata = d.Metadata with { Annotations = d.Metadata.Annotations.Set("deprecated.deployment.rollback.to", to) } });
        await cluster.UntilAsync(api => cluster.Events.Told.Contains((reason, message)) && Complete(api, image));
        Assert.False(cluster.Api.Find<Deployment>("web")!.Metadata.Annotations.ContainsKey("deprecated.deployment.rollback.to"));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Deployment RecreateDeployment should delete old pods and create new ones [Conformance]")]
    public async Task Recreate_never_runs_two_templates_at_once()
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Put(Make.Deployment("web", 3, type: "Recreate"));
        await cluster.UntilAsync(api => Complete(api, "nginx:1"));

        SetImage(cluster.Api, "nginx:2");
        await cluster.UntilAsync(api =>
        {
            Assert.True(api.All<Pod>().Select(p => p.Spec.Containers[0].Image).Distinct().Count() <= 1);
            return Complete(api, "nginx:2");
        });
    }
}
