using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Controllers.Ownership;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.ReplicaSets;

public sealed class ScaleTests
{
    static readonly string[] Run = ["replicaset"];

    [Fact]
    public async Task A_set_gets_its_Pods_and_tells_so()
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Put(Make.ReplicaSet("web", 3));

        await cluster.UntilAsync(api => api.Find<ReplicaSet>("web")!.Status.Replicas == 3);

        var pods = cluster.Api.All<Pod>();
        Assert.Equal(3, pods.Count);
        Assert.All(pods, p => Assert.Contains(("SuccessfulCreate", "Created pod: " + p.Metadata.Name), cluster.Events.Told));
    }

    [Fact]
    public async Task A_matching_orphan_is_adopted_and_counts()
    {
        await using var cluster = new TestCluster(Run, api => api.Put(Make.Pod("stray")));
        cluster.Api.Put(Make.ReplicaSet("web", 3));

        await cluster.UntilAsync(api => api.All<Pod>().Count == 3 && api.Find<ReplicaSet>("web")!.Status.Replicas == 3);

        Assert.Equal("web", cluster.Api.Find<Pod>("stray")!.Controller?.Name);
    }

    [Fact]
    public async Task A_set_that_goes_as_a_live_look_says_neither_adopts_nor_makes_Pods()
    {
        await using var cluster = new TestCluster(Run, api =>
        {
            api.Put(Make.Pod("stray"));
            var set = api.Put(Make.ReplicaSet("web", 3));
            api.Intercept = r => r is { Method: "GET", Path: "/apis/apps/v1/namespaces/default/replicasets/web" }
                ? new() { Code = 200, Object = set with { Metadata = set.Metadata with { DeletionTimestamp = Make.Start } } } : null;
        });
        await cluster.UntilAsync(api => api.Requests.Count(r => r is { Method: "GET", Path: "/apis/apps/v1/namespaces/default/replicasets/web" }) > 2);
        Assert.DoesNotContain(cluster.Api.Requests, r => r.Method is "POST" or "PATCH");

        cluster.Api.Intercept = null;
        await cluster.UntilAsync(api => api.All<Pod>().Count == 3 && api.Find<Pod>("stray")!.Controller?.Name == "web");
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] ReplicaSet should adopt matching pods on creation and release no longer matching pods [Conformance]")]
    public async Task A_Pod_that_stops_matching_is_released_and_replaced()
    {
        string name = "stray";
        await using var cluster = new TestCluster(Run, api => api.Put(Make.Pod(name)));
        cluster.Api.Put(Make.ReplicaSet("web", 2));
        await cluster.UntilAsync(api => api.Find<ReplicaSet>("web")!.Status.Replicas == 2 && api.Find<Pod>(name)!.Controller?.Name == "web");

        cluster.Api.Change<Pod>(name, p => p with { Metadata = p.Metadata with { Labels = Map.Of(("app", "debug")) } });
        await cluster.UntilAsync(api => api.All<Pod>().Count == 3);

        Assert.Null(cluster.Api.Find<Pod>(name)!.Controller);
    }

    [Fact]
    public async Task A_cache_that_lags_never_makes_too_many_Pods()
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Put(Make.ReplicaSet("web", 4));
        // The set is known; none of the Pods that are made will be seen.
        cluster.Api.Intercept = request =>
        {
            if (request is { Method: "POST" }) cluster.Api.HoldWatches();
            return null;
        };
        await cluster.UntilAsync(api => api.All<Pod>().Count == 4);
        for (int i = 0; i < 20; i++) cluster.Time.Advance(TimeSpan.FromSeconds(1));
        cluster.Api.Intercept = null;
        cluster.Api.ReleaseWatches();
        await cluster.UntilAsync(api => api.Find<ReplicaSet>("web")!.Status.Replicas == 4);

        Assert.Equal(4, cluster.Api.All<Pod>().Count);
        Assert.Equal(4, cluster.Events.Told.Count(e => e.Reason == "SuccessfulCreate"));
    }

    [Fact]
    public async Task A_template_that_is_refused_costs_few_tries_and_is_told()
    {
        int refused = 0;
        await using var cluster = new TestCluster(Run, api => api.Intercept = request =>
        {
            if (request.Method != "POST") return null;
            Interlocked.Increment(ref refused);
            return new ApiResult { Code = 403, Object = FakeApi.Error(403, "Forbidden", "exceeded quota").Status };
        });
        cluster.Creep = TestCluster.Hardly;
        cluster.Api.Put(Make.ReplicaSet("web", 100));

        await cluster.UntilAsync(api => api.Find<ReplicaSet>("web")!.Status.Conditions.Exists(c => c is { Type: "ReplicaFailure", Reason: "FailedCreate" }));

        // One each time: of a hundred that are missing, the second is not tried after the first failed.
        Assert.InRange(refused, 1, 5);
        Assert.Contains(("FailedCreate", "Error creating: exceeded quota"), cluster.Events.Told);
    }

    [Fact]
    public async Task Surplus_Pods_are_deleted()
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Put(Make.ReplicaSet("web", 5));
        await cluster.UntilAsync(api => api.Find<ReplicaSet>("web")!.Status.Replicas == 5);

        cluster.Api.Change<ReplicaSet>("web", s => s with { Spec = s.Spec with { Replicas = 2 } });
        await cluster.UntilAsync(api => api.All<Pod>().Count == 2 && api.Find<ReplicaSet>("web")!.Status.Replicas == 2);

        Assert.Equal(3, cluster.Events.Told.Count(e => e.Reason == "SuccessfulDelete"));
        Assert.Equal(2, cluster.Api.Find<ReplicaSet>("web")!.Status.ObservedGeneration);
    }

    [Fact]
    public async Task An_orphan_that_resists_does_not_keep_others_from_being_adopted()
    {
        string? first = null;
        await using var cluster = new TestCluster(Run, api =>
        {
            foreach (string name in (string[])["a", "b", "c"]) api.Put(Make.Pod(name));
            // Whichever comes first, each time.
            api.Intercept = r => r.Method == "PATCH" && Interlocked.CompareExchange(ref first, r.Path, null) is var known && (known ?? r.Path) == r.Path && r.Path == first
                ? new() { Code = 500, Object = FakeApi.Error(500, "InternalError", "no").Status } : null;
        });
        cluster.Api.Put(Make.ReplicaSet("web", 3));
        await cluster.UntilAsync(api => api.All<Pod>().Count(p => p.Controller is not null) == 2);
        Assert.Equal(3, cluster.Api.All<Pod>().Count);
    }
}
