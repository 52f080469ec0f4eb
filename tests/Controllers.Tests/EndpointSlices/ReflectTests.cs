using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Legacy = Hanbae.Api.Core.V1.Endpoints;

namespace Hanbae.Controllers.Tests.EndpointSlices;

public sealed class ReflectTests
{
    [Fact]
    public async Task Slices_and_Endpoints_follow_the_Pods_of_a_Service()
    {
        await using var cluster = new TestCluster(["endpointslice", "endpoint"]);
        cluster.Api.Put(Node("n1"));
        cluster.Api.Put(ReflectPlanTests.Service());
        cluster.Api.Put(ReflectPlanTests.Pod(1));
        await cluster.UntilAsync(api => api.All<EndpointSlice>().SingleOrDefault()?.Endpoints.Count == 1 && api.Find<Legacy>("web")?.Subsets.Count == 1);

        cluster.Api.Put(ReflectPlanTests.Pod(2));
        await cluster.UntilAsync(api => api.All<EndpointSlice>().Single().Endpoints.Count == 2 && api.Find<Legacy>("web")!.Subsets[0].Addresses.Count == 2);

        cluster.Api.Remove<Pod>("p1");
        cluster.Api.Remove<Pod>("p2");
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints.IsEmpty: true }] && api.Find<Legacy>("web")!.Subsets.IsEmpty);

        cluster.Api.Remove<Service>("web");
        await cluster.UntilAsync(api => api.Find<Legacy>("web") is null);
    }

    static Node Node(string name, string zone = "", string cpu = "4") => new()
    {
        Metadata = new() { Name = name, Labels = zone.Length > 0 ? Map.Of(("topology.kubernetes.io/zone", zone)) : default },
        Status = new() { Allocatable = Map.Of(("cpu", Quantity.Parse(cpu))), Conditions = [new NodeCondition { Type = "Ready", Status = "True" }] },
    };

    static Pod On(int number, string node) => ReflectPlanTests.Pod(number) is var pod ? pod with { Spec = pod.Spec with { NodeName = node } } : null!;

    [Fact]
    public async Task A_Pod_on_a_node_that_is_not_there_is_left_out_until_it_is()
    {
        await using var cluster = new TestCluster(["endpointslice"]);
        cluster.Api.Put(Node("n1"));
        cluster.Api.Put(ReflectPlanTests.Service());
        cluster.Api.Put(On(1, "n1"));
        cluster.Api.Put(On(2, "n2"));
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints: [{ NodeName: "n1" }] }] && cluster.Events.Told.Any(e => e is
            ("FailedToUpdateEndpointSlices", "Error updating Endpoint Slices for Service default/web: skipping Pod p2 for Service default/web: Node n2 Not Found")));

        cluster.Api.Put(Node("n2"));
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints.Count: 2 }]);
    }

    [Fact]
    public async Task What_cannot_be_written_is_told()
    {
        await using var cluster = new TestCluster(["endpointslice"], api =>
        {
            api.Put(ReflectPlanTests.Service());
            api.Intercept = r => r.Method == "POST" ? new() { Code = 422, Object = new Api.Meta.V1.Status { StatusValue = "Failure", Code = 422, Reason = "Invalid", Message = "no" } } : null;
        });
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e is
            ("FailedToUpdateEndpointSlices", "Error updating Endpoint Slices for Service default/web: failed to create EndpointSlice for Service default/web: no")));
        cluster.Api.Intercept = null;
        await cluster.UntilAsync(api => api.All<EndpointSlice>().Count == 1);
    }

    [Fact]
    public async Task Endpoints_are_dealt_out_to_zones_while_there_are_enough_for_each()
    {
        await using var cluster = new TestCluster(["endpointslice"]);
        foreach (string zone in (string[])["a", "b"]) cluster.Api.Put(Node("n-" + zone, zone));
        var service = ReflectPlanTests.Service();
        cluster.Api.Put(service with { Metadata = service.Metadata with { Annotations = Map.Of(("service.kubernetes.io/topology-mode", "Auto")) } });
        for (int i = 1; i <= 6; i++) cluster.Api.Put(On(i, i < 6 ? "n-a" : "n-b"));
        await cluster.UntilAsync(api => Zones(api) is ["a", "a", "a", "b", "b", "b"]);
        Assert.Contains(("TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled, addressType: IPv4"), cluster.Events.Told);

        // A third zone has its share, too.
        cluster.Api.Put(Node("n-c", "c"));
        await cluster.UntilAsync(api => Zones(api) is ["a", "a", "b", "b", "c", "c"]);

        // Four zones cannot be served by so few without one of them getting too much.
        cluster.Api.Put(Node("n-d", "d"));
        await cluster.UntilAsync(api => Zones(api).All(z => z.Length == 0));
        Assert.Contains(
            ("TopologyAwareHintsDisabled", "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (6 endpoints, 4 zones), addressType: IPv4"),
            cluster.Events.Told);
        cluster.Api.Remove<Node>("n-d", "");
        cluster.Api.Put(On(7, "n-b"));
        await cluster.UntilAsync(api => Zones(api).Distinct().Count() == 3);

        // One that does not say how much it is worth ends it.
        cluster.Api.Put(Node("n-e", "", "1"));
        await cluster.UntilAsync(api => Zones(api).All(z => z.Length == 0));
        Assert.Contains(
            ("TopologyAwareHintsDisabled", "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4"), cluster.Events.Told);
    }

    [Fact]
    public async Task Endpoints_serve_their_own_zone_or_node_when_the_Service_says_so()
    {
        await using var cluster = new TestCluster(["endpointslice"]);
        cluster.Api.Put(Node("n-a", "a"));
        cluster.Api.Put(Node("n-0"));
        cluster.Api.Put(ReflectPlanTests.Service());
        cluster.Api.Put(On(1, "n-a"));
        cluster.Api.Put(On(2, "n-0"));
        await cluster.UntilAsync(api => Zones(api) is ["", ""]);

        foreach (string distribution in (string[])["PreferClose", "PreferSameZone"])
        {
            cluster.Api.Change<Service>("web", s => s with { Spec = s.Spec with { TrafficDistribution = distribution } });
            await cluster.UntilAsync(api => Zones(api) is ["", "a"]);
            Assert.All(cluster.Api.All<EndpointSlice>()[0].Endpoints, e => Assert.True(e.Hints?.ForNodes.IsEmpty ?? true));
        }
        cluster.Api.Change<Service>("web", s => s with { Spec = s.Spec with { TrafficDistribution = "PreferSameNode" } });
        await cluster.UntilAsync(api => api.All<EndpointSlice>()[0].Endpoints.All(e => e.Hints?.ForNodes is [{ Name: var node }] && node == e.NodeName));
        Assert.Equal(["", "a"], Zones(cluster.Api));

        // The annotation goes before it, and what it cannot do it leaves.
        cluster.Api.Change<Service>("web", s => s with { Metadata = s.Metadata with { Annotations = Map.Of(("service.kubernetes.io/topology-mode", "auto")) } });
        await cluster.UntilAsync(api => api.All<EndpointSlice>()[0].Endpoints.All(e => e.Hints is null));
        cluster.Api.Change<Service>("web", s => s with { Metadata = s.Metadata with { Annotations = default }, Spec = s.Spec with { TrafficDistribution = null } });
        await cluster.UntilAsync(api => api.All<EndpointSlice>()[0].Endpoints.All(e => e.Hints is null));
    }

    static string[] Zones(Kit.FakeApi api) => [.. api.All<EndpointSlice>().SelectMany(s => s.Endpoints).Select(e => e.Hints?.ForZones is [{ Name: var zone }] ? zone : "").Order(StringComparer.Ordinal)];

    [Fact]
    public async Task A_Service_without_selector_is_left_to_others()
    {
        await using var cluster = new TestCluster(["endpointslice", "endpoint"]);
        cluster.Api.Put(ReflectPlanTests.Service() with { Spec = new() { ClusterIP = "10.0.0.9" } });
        cluster.Api.Put(ReflectPlanTests.Service() with { Metadata = ReflectPlanTests.Service().Metadata with { Name = "other", Uid = "uid-2" } });
        await cluster.UntilAsync(api => api.Find<Legacy>("other") is not null && api.All<EndpointSlice>().Count > 0);

        Assert.Null(cluster.Api.Find<Legacy>("web"));
        Assert.All(cluster.Api.All<EndpointSlice>(), s => Assert.Equal("other", s.Metadata.Labels["kubernetes.io/service-name"]));
    }

    const string Since = "endpoints.kubernetes.io/last-change-trigger-time";

    [Fact]
    public async Task What_is_written_says_since_when_it_ought_to_be_so()
    {
        await using var cluster = new TestCluster(["endpointslice", "endpoint"]);
        cluster.Api.Put(Node("n1"));
        var made = ReflectPlanTests.Service();
        cluster.Api.Put(made with { Metadata = made.Metadata with { CreationTimestamp = Make.Start } });
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ } s] && s.Metadata.Annotations[Since] == "2030-01-01T00:00:00Z" && api.Find<Legacy>("web")?.Metadata.Annotations[Since] == "2030-01-01T00:00:00Z");

        cluster.Api.Put(ReflectPlanTests.Pod(1).Ready(Make.Start.AddSeconds(5)) is var pod ? pod with { Status = pod.Status with { PodIP = "10.1.0.1", PodIPs = [new PodIP { Ip = "10.1.0.1" }] } } : null!);
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints.Count: 1 } s] && s.Metadata.Annotations[Since] == "2030-01-01T00:00:05Z" && api.Find<Legacy>("web")!.Metadata.Annotations[Since] == "2030-01-01T00:00:05Z");
        // What goes was nobody's change of readiness.
        cluster.Api.Remove<Pod>("p1");
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints.IsEmpty: true } s] && !s.Metadata.Annotations.ContainsKey(Since) && !api.Find<Legacy>("web")!.Metadata.Annotations.ContainsKey(Since));
    }

    [Fact]
    public void Of_several_changes_the_earliest_counts_and_none_twice()
    {
        var times = new Hanbae.Controllers.EndpointSlices.ChangeTimes();
        var service = ReflectPlanTests.Service() is var s ? s with { Metadata = s.Metadata with { CreationTimestamp = Make.Start } } : null!;
        Pod At(int number, int seconds) => ReflectPlanTests.Pod(number).Ready(Make.Start.AddSeconds(seconds));
        Assert.Equal(Make.Start, times.Next(service, [At(1, -9)]));
        Assert.Equal(Make.Start.AddSeconds(2), times.Next(service, [At(1, 3), At(2, 2)]));
        Assert.Null(times.Next(service, [At(1, 3)]));
        Assert.Equal(Make.Start.AddSeconds(2), times.Next(service, [At(1, 3), At(2, 2)]));
        times.Forget(Key.Of(service));
        Assert.Equal(Make.Start, times.Next(service, [At(1, 7)]));
    }

    [Fact]
    public async Task Of_a_Service_that_waits_to_go_slices_stay_true_and_none_are_new()
    {
        var going = ReflectPlanTests.Service() is var s ? s with { Metadata = s.Metadata with { DeletionTimestamp = Make.Start, Finalizers = ["service.kubernetes.io/load-balancer-cleanup"] } } : null!;
        await using var cluster = new TestCluster(["endpointslice", "endpoint"]);
        cluster.Api.Put(Node("n1"));
        cluster.Api.Put(ReflectPlanTests.Service());
        cluster.Api.Put(ReflectPlanTests.Pod(1));
        cluster.Api.Put(ReflectPlanTests.Pod(2));
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints.Count: 2 }] && api.Find<Legacy>("web")?.Subsets is [{ Addresses.Count: 2 }]);
        // Pods and Services are watched apart: without a sign that the end was seen, Pod 3 might come before it.
        cluster.Api.Put(going with { Metadata = going.Metadata with { Labels = Map.Of(("team", "b")) } });
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ } s] && s.Metadata.Labels["team"] == "b");
        cluster.Api.Put(ReflectPlanTests.Pod(3, port: 9090));
        cluster.Api.Remove<Pod>("p1");
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints: [{ TargetRef.Name: "p2" }] }] && api.Find<Legacy>("web")!.Subsets.Count == 2);
    }
}
