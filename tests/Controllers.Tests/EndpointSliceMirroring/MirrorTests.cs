using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Controllers.EndpointSliceMirroring;
using Legacy = Hanbae.Api.Core.V1.Endpoints;

namespace Hanbae.Controllers.Tests.EndpointSliceMirroring;

public sealed class MirrorTests
{
    static Legacy Endpoints(params string[] addresses) => new()
    {
        Metadata = new() { Name = "db", Namespace = "default", Uid = "uid-of-db", Labels = Map.Of(("team", "a")) },
        Subsets = [new EndpointSubset { Addresses = addresses.Select(a => new EndpointAddress { Ip = a }).ToSeq(), Ports = [new Api.Core.V1.EndpointPort { Name = "sql", Port = 5432, Protocol = "TCP" }] }],
    };

    [Fact]
    [Trait("Conformance", "[sig-network] EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete [Conformance]")]
    public async Task What_is_written_by_hand_shows_in_slices_and_goes_with_it()
    {
        await using var cluster = new TestCluster(["endpointslicemirroring"], api => api.Put(new Service { Metadata = new() { Name = "db", Namespace = "default" } }));
        cluster.Api.Put(Endpoints("10.1.2.3"));
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints: [{ Addresses: ["10.1.2.3"] }] }]);
        var slice = cluster.Api.All<EndpointSlice>()[0];
        Assert.Equal(("IPv4", "db", "endpointslicemirroring-controller.k8s.io", "a", 5432),
            (slice.AddressType, slice.Metadata.Labels["kubernetes.io/service-name"], slice.Metadata.Labels["endpointslice.kubernetes.io/managed-by"], slice.Metadata.Labels["team"], slice.Ports[0].Port));

        cluster.Api.Change<Legacy>("db", _ => Endpoints("10.1.2.4"));
        await cluster.UntilAsync(api => api.All<EndpointSlice>() is [{ Endpoints: [{ Addresses: ["10.1.2.4"] }] }]);
        cluster.Api.Remove<Legacy>("db");
        await cluster.UntilAsync(api => api.All<EndpointSlice>().Count == 0);
    }

    [Fact]
    public void Both_families_and_readiness_are_told_apart()
    {
        var endpoints = Endpoints("10.0.0.1", "fd00::1");
        endpoints = endpoints with { Subsets = [endpoints.Subsets[0] with { NotReadyAddresses = [new EndpointAddress { Ip = "10.0.0.2" }] }] };
        var made = MirrorPlan.For(endpoints, []).Slices.Create;
        Assert.Equal(["IPv4", "IPv6"], made.Select(s => s.AddressType));
        Assert.Equal([true, false], made[0].Endpoints.Select(e => e.Conditions.Ready == true));
    }

    [Fact]
    public void Endpoints_that_are_a_lock_or_say_so_are_not_mirrored()
    {
        Assert.True(MirrorPlan.IsMirrored(Endpoints("10.0.0.1")));
        Assert.False(MirrorPlan.IsMirrored(new Legacy { Metadata = new() { Labels = Map.Of(("endpointslice.kubernetes.io/skip-mirror", "true")) } }));
        Assert.False(MirrorPlan.IsMirrored(new Legacy { Metadata = new() { Annotations = Map.Of(("control-plane.alpha.kubernetes.io/leader", "{}")) } }));
    }

    [Fact]
    public void Annotations_that_were_taken_away_go_from_the_slices_too()
    {
        var noted = Endpoints("10.0.0.1") is var e ? e with { Metadata = e.Metadata with { Annotations = Map.Of(("a", "b")) } } : null!;
        var slice = MirrorPlan.For(noted, []).Slices.Create.Single();
        slice = slice with { Metadata = slice.Metadata with { Name = "db-1" } };
        Assert.Equal("b", slice.Metadata.Annotations["a"]);
        Assert.True(MirrorPlan.For(Endpoints("10.0.0.1"), [slice]).Slices.Update.Single().Metadata.Annotations.IsEmpty);
    }
}
