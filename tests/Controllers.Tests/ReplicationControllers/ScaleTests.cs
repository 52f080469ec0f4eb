using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Controllers.Ownership;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.ReplicationControllers;

public sealed class ScaleTests
{
    static readonly string[] Run = ["replicationcontroller"];

    static ReplicationController Make(string name, int replicas) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = "uid-of-" + name, Generation = 1 },
        Spec = new() { Replicas = replicas, Selector = Map.Of(("app", "web")), Template = Tests.Make.Template() },
    };

    [Fact]
    [Trait("Conformance", "[sig-apps] ReplicationController should serve a basic image on each replica with a public image [Conformance]")]
    public async Task A_controller_gets_its_Pods_and_owns_them()
    {
        await using var cluster = new TestCluster(Run);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Make("web", 3));

        await cluster.UntilAsync(api => api.Find<ReplicationController>("web")!.Status is { Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, FullyLabeledReplicas: 3, ObservedGeneration: 1 });

        Assert.All(cluster.Api.All<Pod>(), p => Assert.Equal(("v1", "ReplicationController", "web"), p.Controller is { } c ? (c.ApiVersion, c.Kind, c.Name) : default));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] ReplicationController should adopt matching pods on creation [Conformance]")]
    [Trait("Conformance", "[sig-apps] ReplicationController should release no longer matching pods [Conformance]")]
    public async Task A_matching_orphan_is_adopted_and_released_when_it_stops_matching()
    {
        await using var cluster = new TestCluster(Run, api => api.Put(Tests.Make.Pod("stray")));
        cluster.Api.Put(Make("web", 1));
        await cluster.UntilAsync(api => api.Find<Pod>("stray")!.Controller?.Name == "web" && api.Find<ReplicationController>("web")!.Status.Replicas == 1);

        cluster.Api.Change<Pod>("stray", p => p with { Metadata = p.Metadata with { Labels = Map.Of(("app", "debug")) } });
        await cluster.UntilAsync(api => api.Find<Pod>("stray")!.Controller is null && api.All<Pod>().Count == 2);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] ReplicationController should surface a failure condition on a common issue like exceeded quota [Conformance]")]
    public async Task A_failure_is_a_condition_until_it_is_over()
    {
        await using var cluster = new TestCluster(Run);
        cluster.Api.Intercept = r => r.Method == "POST" && cluster.Api.All<Pod>().Count >= 2
            ? new ApiResult { Code = 403, Object = FakeApi.Error(403, "Forbidden", "exceeded quota").Status } : null;
        cluster.Api.Put(Make("web", 3));
        await cluster.UntilAsync(api => api.Find<ReplicationController>("web")!.Status.Conditions.Exists(c => c is { Type: "ReplicaFailure", Status: "True", Reason: "FailedCreate" }));

        cluster.Api.Change<ReplicationController>("web", r => r with { Spec = r.Spec with { Replicas = 2 } });
        await cluster.UntilAsync(api => api.Find<ReplicationController>("web")!.Status is { Replicas: 2, Conditions.IsEmpty: true });
    }
}
