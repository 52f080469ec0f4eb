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
}
