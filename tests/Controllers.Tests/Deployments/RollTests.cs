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
    public async Task A_matching_orphan_set_is_adopted()
    {
        var d = Make.Deployment("web", 2);
        var orphan = Make.ReplicaSet("web-old", 2) with { };
        orphan = orphan with { Metadata = orphan.Metadata with { Labels = Map.Of(("app", "web")) }, Spec = orphan.Spec with { Template = d.Spec.Template } };
        await using var cluster = new TestCluster(Run, api => api.Put(orphan));
        cluster.Api.Put(d);

        await cluster.UntilAsync(api => Complete(api, "nginx:1"));

        Assert.Equal("web", Assert.Single(cluster.Api.All<ReplicaSet>()).Controller?.Name);
    }

    [Fact]
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
