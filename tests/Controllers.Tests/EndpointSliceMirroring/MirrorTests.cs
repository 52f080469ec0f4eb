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

    static EndpointSlice Named(EndpointSlice slice, string name) => slice with { Metadata = slice.Metadata with { Name = name } };

    [Fact]
    public void Of_each_form_there_is_one_slice_and_what_is_too_much_for_it_is_left_out()
    {
        Legacy Large(int from) => Endpoints([.. Enumerable.Range(from, 700).Select(i => $"10.0.{i / 250}.{i % 250 + 1}")]);
        var both = Large(0) with { Subsets = [Large(0).Subsets[0], Large(700).Subsets[0]] };
        var (made, _, skipped) = MirrorPlan.For(both, []);
        Assert.Equal((1, MirrorPlan.Most, 400), (made.Create.Count, made.Create[0].Endpoints.Count, skipped));

        // Those that somebody has made beside it go, and the first takes all.
        EndpointSlice first = Named(MirrorPlan.For(Endpoints("10.0.0.1"), []).Slices.Create[0], "db-1"), second = Named(MirrorPlan.For(Endpoints("10.0.0.2"), []).Slices.Create[0], "db-2");
        var plan = MirrorPlan.For(Endpoints("10.0.0.1", "10.0.0.2"), [second, first]).Slices;
        Assert.Equal(("db-1", 2), (plan.Update.Single().Metadata.Name, plan.Update[0].Endpoints.Count));
        Assert.Equal(("db-2", 0), (plan.Delete.Single().Metadata.Name, plan.Create.Count));
    }

    [Fact]
    public void A_slice_that_shows_them_in_another_order_stays_as_it_is()
    {
        var slice = Named(MirrorPlan.For(Endpoints("10.0.0.2", "10.0.0.1"), []).Slices.Create[0], "db-1");
        var plan = MirrorPlan.For(Endpoints("10.0.0.1", "10.0.0.2"), [slice]).Slices;
        Assert.Equal((0, 0, 0), (plan.Create.Count, plan.Update.Count, plan.Delete.Count));
        var other = Endpoints("10.0.0.1", "10.0.0.2") is var e ? e with { Metadata = e.Metadata with { Labels = Map.Of(("team", "b")) } } : null!;
        Assert.Equal("b", MirrorPlan.For(other, [slice]).Slices.Update.Single().Metadata.Labels["team"]);
    }

    [Fact]
    public void Endpoints_that_are_being_deleted_are_kept_true_and_nothing_is_made_for_them()
    {
        var slice = Named(MirrorPlan.For(Endpoints("10.0.0.1"), []).Slices.Create[0], "db-1");
        var going = Endpoints("10.0.0.2", "fd00::1") is var e ? e with { Metadata = e.Metadata with { DeletionTimestamp = Make.Start } } : null!;
        Assert.True(MirrorPlan.IsMirrored(going));
        var plan = MirrorPlan.For(going, [slice]).Slices;
        Assert.Equal(("10.0.0.2", 0), (plan.Update.Single().Endpoints.Single().Addresses[0], plan.Create.Count));
    }

    [Theory]
    [InlineData("10.0.0.1", "IPv4 10.0.0.1")]
    [InlineData("010.000.0.001", "IPv4 10.0.0.1")]
    [InlineData("::ffff:10.0.0.1", "IPv4 10.0.0.1")]
    [InlineData("FD00::0:1", "IPv6 fd00::1")]
    [InlineData("10.1", "")]
    [InlineData("db.example.com", "")]
    public void Addresses_are_shown_in_their_usual_form(string written, string shown)
    {
        var (made, invalid, _) = MirrorPlan.For(Endpoints(written), []);
        Assert.Equal((shown, shown.Length == 0 ? 1 : 0), (string.Join(' ', made.Create.Select(s => $"{s.AddressType} {s.Endpoints[0].Addresses[0]}")), invalid));
    }

    [Fact]
    public void Subsets_are_brought_into_their_usual_form_first()
    {
        static EndpointSubset Subset(string ready, string waiting, params int[] ports) => new()
        {
            Addresses = [.. ready.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(a => new EndpointAddress { Ip = a })],
            NotReadyAddresses = [.. waiting.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(a => new EndpointAddress { Ip = a })],
            Ports = [.. ports.Select(p => new Api.Core.V1.EndpointPort { Name = $"p{p}", Port = p })],
        };
        static string[] Shown(params EndpointSubset[] subsets) =>
        [
            .. MirrorPlan.For(Endpoints() with { Subsets = subsets }, []).Slices.Create.Select(s =>
                $"{string.Join(',', s.Ports.Select(p => p.Port))}: {string.Join(' ', s.Endpoints.Select(e => e.Addresses[0] + (e.Conditions.Ready == true ? "" : "?")))}"),
        ];
        // One address with two ports is one slice with both.
        Assert.Equal(["80,90: 10.0.0.1"], Shown(Subset("10.0.0.1", "", 90), Subset("10.0.0.1", "", 80)));
        Assert.Equal(["80: 10.0.0.1", "90: 10.0.0.2"], Shown(Subset("10.0.0.1", "", 80), Subset("10.0.0.2", "", 90)));
        Assert.Equal(["80: 10.0.0.1 10.0.0.2", "90: 10.0.0.2"], Shown(Subset("10.0.0.1", "", 80), Subset("10.0.0.2", "", 80, 90)));
        // That it is not ready counts, wherever it is said.
        Assert.Equal(["80: 10.0.0.1?"], Shown(Subset("", "10.0.0.1", 80), Subset("10.0.0.1", "", 80)));
        Assert.Equal([": 10.0.0.1"], Shown(Subset("10.0.0.1", "")));
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
