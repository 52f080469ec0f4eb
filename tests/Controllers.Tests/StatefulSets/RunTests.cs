using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.StatefulSets;
using Identity = Hanbae.Controllers.StatefulSets.Identity;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.StatefulSets;

public sealed class RunTests
{
    static readonly string[] Which = ["statefulset"];

    static StatefulSetStatus Status(FakeApi api) => api.Find<StatefulSet>("web")!.Status;
    static IEnumerable<string> Made(TestCluster cluster) => cluster.Events.Told.Where(e => e.Reason == "SuccessfulCreate").Select(e => e.Message.Split(' ')[2]);
    static IEnumerable<string> Deleted(TestCluster cluster) => cluster.Events.Told.Where(e => e.Reason == "SuccessfulDelete").Select(e => e.Message.Split(' ')[2]);
    static void Template(TestCluster cluster, string image) =>
        cluster.Api.Change<StatefulSet>("web", s => s with { Spec = s.Spec with { Template = s.Spec.Template.Image(image) } });
    static void Scale(TestCluster cluster, int replicas) => cluster.Api.Change<StatefulSet>("web", s => s with { Spec = s.Spec with { Replicas = replicas } });

    [Fact]
    [Trait("Conformance", "[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Scaling should happen in predictable order and halt if any stateful pod is unhealthy [Slow] [Conformance]")]
    public async Task Members_come_and_go_in_order_and_wait_for_one_that_is_unhealthy()
    {
        await using var cluster = new TestCluster(Which);
        bool broken = true;
        await using var nodes = new PlayedNodes(cluster, p =>
            p.Metadata.Name == "web-1" && Volatile.Read(ref broken) ? p with { Status = p.Status with { Phase = "Running", Conditions = default } } : p.IsScheduledReady() ? p : p.Ready());
        cluster.Api.Put(Stateful.Set("web", 3));
        await cluster.UntilAsync(api => api.Find<Pod>("web-1") is not null && Status(api) is { Replicas: 2, ReadyReplicas: 1 });
        cluster.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Null(cluster.Api.Find<Pod>("web-2"));

        Volatile.Write(ref broken, false);
        cluster.Api.Change<Pod>("web-1", p => p.Ready());
        await cluster.UntilAsync(api => Status(api) is { Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, CurrentReplicas: 3, UpdatedReplicas: 3, ObservedGeneration: 1 });
        Assert.Equal(["web-0", "web-1", "web-2"], Made(cluster));

        Scale(cluster, 0);
        await cluster.UntilAsync(api => api.All<Pod>().Count == 0 && Status(api).Replicas == 0);
        Assert.Equal(["web-2", "web-1", "web-0"], Deleted(cluster));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Burst scaling should run to completion even with unhealthy pods [Slow] [Conformance]")]
    public async Task In_parallel_unhealthy_members_hold_up_nobody()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster, p => p with { Status = p.Status with { Phase = "Running" } });
        cluster.Api.Put(Stateful.Set("web", 3, parallel: true));
        await cluster.UntilAsync(api => Status(api) is { Replicas: 3, ReadyReplicas: 0 });
        Scale(cluster, 5);
        await cluster.UntilAsync(api => Status(api) is { Replicas: 5 });
        Scale(cluster, 0);
        await cluster.UntilAsync(api => api.All<Pod>().Count == 0 && Status(api).Replicas == 0);
        Assert.Equal(5, Deleted(cluster).Distinct().Count());
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform rolling updates and roll backs of template modifications [Conformance]")]
    public async Task A_template_rolls_out_and_back()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Stateful.Set("web", 3));
        await cluster.UntilAsync(api => Status(api).ReadyReplicas == 3);
        string first = Status(cluster.Api).CurrentRevision;
        Assert.Equal(first, Status(cluster.Api).UpdateRevision);

        Template(cluster, "nginx:2");
        await cluster.UntilAsync(api => Status(api) is { UpdatedReplicas: 3, ReadyReplicas: 3, ObservedGeneration: 2 } s && s.CurrentRevision == s.UpdateRevision && s.CurrentRevision != first);
        Assert.Equal(["web-2", "web-1", "web-0"], Deleted(cluster));

        Template(cluster, "nginx:1");
        await cluster.UntilAsync(api => Status(api) is { UpdatedReplicas: 3, ReadyReplicas: 3, ObservedGeneration: 3 } s && s.CurrentRevision == first && s.UpdateRevision == first);
        Assert.All(cluster.Api.All<Pod>(), p => Assert.Equal((first, "nginx:1"), (Identity.RevisionOf(p), p.Spec.Containers[0].Image)));
        Assert.Equal(3, cluster.Api.Find<ControllerRevision>(first)!.Revision);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform canary updates and phased rolling updates of template modifications [Conformance]")]
    public async Task A_partition_makes_a_canary_and_members_come_back_as_they_were()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Stateful.Set("web", 3, partition: 2));
        await cluster.UntilAsync(api => Status(api).ReadyReplicas == 3);
        string first = Status(cluster.Api).CurrentRevision;

        Template(cluster, "nginx:2");
        await cluster.UntilAsync(api => Status(api) is { UpdatedReplicas: 1, CurrentReplicas: 2, ReadyReplicas: 3 });
        string second = Status(cluster.Api).UpdateRevision;
        Assert.Equal(second, Identity.RevisionOf(cluster.Api.Find<Pod>("web-2")!));
        foreach (string name in (string[])["web-0", "web-2"])
        {
            string uid = cluster.Api.Find<Pod>(name)!.Metadata.Uid;
            cluster.Api.Remove<Pod>(name);
            await cluster.UntilAsync(api => api.Find<Pod>(name) is { } p && p.Metadata.Uid != uid && Status(api).ReadyReplicas == 3);
        }
        Assert.Equal((first, second), (Identity.RevisionOf(cluster.Api.Find<Pod>("web-0")!), Identity.RevisionOf(cluster.Api.Find<Pod>("web-2")!)));

        cluster.Api.Change<StatefulSet>("web", s => s with { Spec = s.Spec with { UpdateStrategy = new() { Type = "RollingUpdate", RollingUpdate = new() { Partition = 0 } } } });
        await cluster.UntilAsync(api => Status(api) is { UpdatedReplicas: 3, ReadyReplicas: 3 } s && s.CurrentRevision == second);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Should recreate evicted statefulset [Conformance]")]
    public async Task A_member_that_failed_is_made_anew()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Stateful.Set("web", 1));
        await cluster.UntilAsync(api => Status(api).ReadyReplicas == 1);
        string uid = cluster.Api.Find<Pod>("web-0")!.Metadata.Uid;

        cluster.Api.Change<Pod>("web-0", p => p with { Status = new() { Phase = "Failed", Reason = "Evicted" } });
        await cluster.UntilAsync(api => api.Find<Pod>("web-0") is { } p && p.Metadata.Uid != uid && Status(api).ReadyReplicas == 1);
        Assert.Contains(("RecreatingFailedPod", "StatefulSet default/web is recreating failed Pod web-0"), cluster.Events.Told);
    }

    [Fact]
    public async Task A_member_that_ended_well_is_made_anew_too()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Stateful.Set("web", 1));
        await cluster.UntilAsync(api => Status(api).ReadyReplicas == 1);
        string uid = cluster.Api.Find<Pod>("web-0")!.Metadata.Uid;

        cluster.Api.Change<Pod>("web-0", p => p with { Status = new() { Phase = "Succeeded" } });
        await cluster.UntilAsync(api => api.Find<Pod>("web-0") is { } p && p.Metadata.Uid != uid && Status(api).ReadyReplicas == 1);
        Assert.Contains(("RecreatingTerminatedPod", "StatefulSet default/web is recreating terminated Pod web-0"), cluster.Events.Told);
    }

    [Fact]
    public async Task Claims_are_made_once_and_follow_the_retention_policy()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Stateful.Set("web", 2).WithClaims("Delete", "Delete"));
        await cluster.UntilAsync(api => Status(api).ReadyReplicas == 2 && api.All<PersistentVolumeClaim>() is { Count: 2 } claims && claims.All(c => c.Controller?.Kind == "StatefulSet"));
        Assert.Contains(("SuccessfulCreate", "create Claim data-web-0 Pod web-0 in StatefulSet web success"), cluster.Events.Told);
        string pod = cluster.Api.Find<Pod>("web-1")!.Metadata.Uid;

        Scale(cluster, 1);
        await cluster.UntilAsync(api => api.Find<PersistentVolumeClaim>("data-web-1")!.Controller is { Kind: "Pod" } owner && owner.Uid == pod && api.Find<Pod>("web-1") is null);
        Assert.Equal("StatefulSet", cluster.Api.Find<PersistentVolumeClaim>("data-web-0")!.Controller!.Kind);
        // Not until the collector took the old claim does the member come back.
        Scale(cluster, 2);
        await cluster.UntilAsync(api => Status(api).ObservedGeneration == 3);
        Assert.Null(cluster.Api.Find<Pod>("web-1"));
        cluster.Api.Remove<PersistentVolumeClaim>("data-web-1");
        cluster.Api.Change<StatefulSet>("web", s => s with { Metadata = s.Metadata with { Labels = Map.Of(("touched", "yes")) } });
        await cluster.UntilAsync(api => Status(api).ReadyReplicas == 2 && api.Find<PersistentVolumeClaim>("data-web-1")?.Controller?.Kind == "StatefulSet");
    }

    [Fact]
    public async Task Conflicts_and_a_restart_in_the_middle_change_nothing()
    {
        int writes = 0;
        var first = new TestCluster(Which);
        var api = first.Api;
        api.Intercept = r => r.Method is "PUT" or "POST" && Interlocked.Increment(ref writes) % 3 == 0
            ? new ApiResult { Code = 409, Object = FakeApi.Error(409, "Conflict", "the object has been modified").Status } : null;
        await using var nodes = new PlayedNodes(first);
        api.Put(Stateful.Set("web", 4).WithClaims());
        await first.UntilAsync(a => a.Find<Pod>("web-1") is not null);
        await first.DisposeAsync();

        await using var second = new TestCluster(Which, on: first);
        await second.UntilAsync(a => Status(a) is { ReadyReplicas: 4, CurrentReplicas: 4 });
        Assert.Equal(4, api.All<Pod>().Count);
        Assert.Equal(4, api.All<PersistentVolumeClaim>().Count);
        Assert.Single(api.All<ControllerRevision>());
    }

    [Fact]
    public async Task History_is_trimmed_although_a_step_fails()
    {
        await using var cluster = new TestCluster(Which, api => api.Intercept = r => r is { Method: "POST", Path: "/api/v1/namespaces/default/pods" } ? new() { Code = 500, Object = FakeApi.Error(500, "InternalError", "no").Status } : null);
        var set = Stateful.Set("web", 1);
        cluster.Api.Put(set with { Spec = set.Spec with { RevisionHistoryLimit = 0 } });
        string last = "";
        for (int i = 2; i <= 5; i++)
        {
            await cluster.UntilAsync(api => Status(api).UpdateRevision != last && Status(api).UpdateRevision.Length > 0);
            last = Status(cluster.Api).UpdateRevision;
            Template(cluster, "nginx:" + i);
        }
        // The one that is and the one that is to be.
        await cluster.UntilAsync(api => Status(api).UpdateRevision != last && api.All<ControllerRevision>().Count <= 2);
    }
}
