using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Scheduler.Devices;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Scheduler.Tests.Devices;

public sealed class AllocatorTests
{
    readonly DeviceState _state = new();

    public AllocatorTests() => _state.Set(Some.Class());

    Allocator.Outcome Allocate(params ResourceClaim[] claims) => new Allocator(_state, claims).Allocate(Make.Node("n1"));
    static IEnumerable<string> Devices(Allocator.Outcome outcome) => outcome.Allocations!.Value.SelectMany(a => a.Devices.Results.Select(r => r.Device));

    void Give(params Device[] devices) => _state.Set(Some.Slice("n1", devices));

    [Fact]
    public void Devices_are_taken_in_the_order_in_which_they_are_published_and_the_claim_is_tied_to_their_node()
    {
        Give(Some.Device("a"), Some.Device("b"), Some.Device("c"));
        var outcome = Allocate(Some.Claim("c", Some.Request(count: 2)));
        Assert.Equal(["a", "b"], Devices(outcome));
        Assert.Equal("n1", outcome.Allocations!.Value[0].NodeSelector!.NodeSelectorTerms[0].MatchFields[0].Values[0]);
        Assert.Equal("r", outcome.Allocations!.Value[0].Devices.Results[0].Request);
    }

    [Fact]
    public void A_device_is_given_once_even_to_claims_of_one_Pod()
    {
        Give(Some.Device("a"), Some.Device("b"));
        Assert.Equal(["a", "b"], Devices(Allocate(Some.Claim("c1", Some.Request()), Some.Claim("c2", Some.Request()))));
        Assert.Null(Allocate(Some.Claim("c1", Some.Request(count: 2)), Some.Claim("c2", Some.Request())).Allocations);
    }

    [Fact]
    public void Selectors_of_class_and_request_see_driver_attributes_and_capacity()
    {
        _state.Set(Some.Class("gpu", "device.driver == 'd' && device.attributes['d'].kind == 'gpu'"));
        Give(Some.Device("a", ("kind", "nic")), Some.Device("b", ("kind", "gpu")) with { Capacity = Map.Of(("memory", new DeviceCapacity { Value = Quantity.Parse("8Gi") })) },
            Some.Device("c", ("kind", "gpu")) with { Capacity = Map.Of(("memory", new DeviceCapacity { Value = Quantity.Parse("16Gi") })) });
        Assert.Equal(["c"], Devices(Allocate(Some.Claim("x", Some.Request(@class: "gpu", selector: "device.capacity['d'].memory.compareTo(quantity('10Gi')) >= 0")))));
    }

    [Fact]
    public void An_expression_that_fails_on_a_device_is_told_and_not_taken_for_a_no()
    {
        Give(Some.Device("a"));
        var outcome = Allocate(Some.Claim("x", Some.Request(selector: "device.attributes['d'].kind == 'gpu'")));
        Assert.Equal("claim default/x: selector #0: CEL runtime error: no such key: kind", outcome.Error);
    }

    [Fact]
    public void The_first_alternative_that_can_be_had_is_taken()
    {
        Give(Some.Device("small", ("size", 1)), Some.Device("other", ("size", 1)));
        var claim = Some.Claim("c", new DeviceRequest
        {
            Name = "r",
            FirstAvailable =
            [
                new() { Name = "large", DeviceClassName = "any", AllocationMode = "ExactCount", Count = 1, Selectors = [new() { Cel = new() { Expression = "device.attributes['d'].size == 2" } }] },
                new() { Name = "two-small", DeviceClassName = "any", AllocationMode = "ExactCount", Count = 2 },
            ],
        });
        Assert.Equal(["r/two-small", "r/two-small"], Allocate(claim).Allocations!.Value[0].Devices.Results.Select(r => r.Request));
    }

    [Fact]
    public void All_takes_every_device_that_matches_and_needs_one_at_least()
    {
        Give(Some.Device("a", ("x", 1)), Some.Device("b", ("x", 2)), Some.Device("c", ("x", 1)));
        DeviceRequest All(int x) => Some.Request(selector: $"device.attributes['d'].x == {x}").With(e => e with { AllocationMode = "All", Count = 0 });
        Assert.Equal(["a", "c"], Devices(Allocate(Some.Claim("c", All(1)))));
        Assert.Null(Allocate(Some.Claim("c", All(3))).Allocations);
        // The rest is asked for first: then not all of them are left.
        Assert.Null(Allocate(Some.Claim("c1", Some.Request()), Some.Claim("c2", All(1))).Error);
        Assert.Equal(["b", "a", "c"], Devices(Allocate(Some.Claim("c1", Some.Request()), Some.Claim("c2", All(1)))));
    }

    [Fact]
    public void A_constraint_makes_the_search_go_back()
    {
        Give(Some.Device("a", ("numa", 0)), Some.Device("b", ("numa", 1)), Some.Device("c", ("numa", 1)));
        Assert.Equal(["b", "c"], Devices(Allocate(Some.Claim("x", Some.Request("r1"), Some.Request("r2")).With(new DeviceConstraint { MatchAttribute = "d/numa" }))));
        Assert.Equal(["a", "b"], Devices(Allocate(Some.Claim("x", Some.Request(count: 2)).With(new DeviceConstraint { DistinctAttribute = "d/numa" }))));
        Assert.Null(Allocate(Some.Claim("x", Some.Request(count: 3)).With(new DeviceConstraint { DistinctAttribute = "d/numa" })).Allocations);
        Assert.Null(Allocate(Some.Claim("x", Some.Request(count: 2)).With(new DeviceConstraint { MatchAttribute = "d/unknown" })).Allocations);
    }

    [Fact]
    public void Who_looks_after_devices_gets_them_beside_their_users()
    {
        Give(Some.Device("a"));
        _state.Promise(Some.Claim("user", Some.Request()) with { Status = new() { Allocation = new() { Devices = new() { Results = [new() { Request = "r", Driver = "d", Pool = "n1", Device = "a" }] } } } });
        Assert.Null(Allocate(Some.Claim("c", Some.Request())).Allocations);
        var admin = Allocate(Some.Claim("c", Some.Request().With(e => e with { AdminAccess = true })));
        Assert.True(admin.Allocations!.Value[0].Devices.Results[0].AdminAccess);
    }

    [Fact]
    public void A_taint_keeps_claims_away_that_do_not_tolerate_it()
    {
        Give(Some.Device("a") with { Taints = [new() { Key = "sick", Effect = "NoSchedule" }] }, Some.Device("b") with { Taints = [new() { Key = "told", Effect = "None" }] });
        Assert.Equal(["b"], Devices(Allocate(Some.Claim("c", Some.Request()))));
        Assert.Equal(["a"], Devices(Allocate(Some.Claim("c", Some.Request().With(e => e with { Tolerations = [new() { Key = "sick", Operator = "Exists" }] })))));
    }

    [Fact]
    public void Parts_of_one_device_are_given_as_long_as_what_they_share_lasts()
    {
        static Device Part(string name, string memory) => Some.Device(name) with { ConsumesCounters = [new() { CounterSet = "gpu", Counters = Map.Of(("memory", new Counter { Value = Quantity.Parse(memory) })) }] };
        var slice = Some.Slice("n1", Part("whole", "40Gi"), Part("half-1", "20Gi"), Part("half-2", "20Gi"));
        _state.Set(slice with { Spec = slice.Spec with { SharedCounters = [new() { Name = "gpu", Counters = Map.Of(("memory", new Counter { Value = Quantity.Parse("40Gi") })) }] } });
        Assert.Equal(["whole"], Devices(Allocate(Some.Claim("c", Some.Request()))));
        Assert.Equal(["half-1", "half-2"], Devices(Allocate(Some.Claim("c", Some.Request(count: 2)))));
        Assert.Null(Allocate(Some.Claim("c", Some.Request(count: 3))).Allocations);
    }

    [Fact]
    public void A_device_for_several_is_shared_as_far_as_its_capacity_goes()
    {
        Give(Some.Device("a") with
        {
            AllowMultipleAllocations = true,
            Capacity = Map.Of(("bandwidth", new DeviceCapacity { Value = Quantity.Parse("10"), RequestPolicy = new() { Default = Quantity.Parse("1"), ValidRange = new() { Min = Quantity.Parse("2"), Step = Quantity.Parse("2") } } })),
        });
        static DeviceRequest Ask(string name, string amount) => Some.Request(name).With(e => e with { Capacity = new() { Requests = Some.Amounts(("bandwidth", amount)) } });
        var two = Allocate(Some.Claim("c", Ask("r1", "3"), Ask("r2", "6")));
        Assert.Equal(["4", "6"], two.Allocations!.Value[0].Devices.Results.Select(r => r.ConsumedCapacity["bandwidth"].ToString()));
        Assert.Equal(2, two.Allocations!.Value[0].Devices.Results.Select(r => r.ShareID).Distinct().Count());
        Assert.Null(Allocate(Some.Claim("c", Ask("r1", "5"), Ask("r2", "6"))).Allocations);
        Assert.Equal("1", Allocate(Some.Claim("c", Some.Request())).Allocations!.Value[0].Devices.Results[0].ConsumedCapacity["bandwidth"].ToString());
    }

    [Fact]
    public void A_pool_counts_when_all_of_its_newest_generation_is_there()
    {
        var slice = Some.Slice("n1", Some.Device("a"));
        var newer = slice with { Metadata = slice.Metadata with { Name = "newer" }, Spec = slice.Spec with { Pool = slice.Spec.Pool with { Generation = 2, ResourceSliceCount = 2 }, Devices = [Some.Device("b")] } };
        _state.Set(slice);
        _state.Set(newer);
        Assert.Null(Allocate(Some.Claim("c", Some.Request())).Allocations);
        Assert.Equal("claim default/c, request r: asks for all devices, but resource pool d/n1 is currently being updated", Allocate(Some.Claim("c", Some.Request().With(e => e with { AllocationMode = "All", Count = 0 }))).Error);
        _state.Set(newer with { Metadata = newer.Metadata with { Name = "newest" }, Spec = newer.Spec with { Devices = [Some.Device("c")] } });
        Assert.Equal(["b", "c"], Devices(Allocate(Some.Claim("c", Some.Request(count: 2)))));
    }

    [Fact]
    public void Devices_of_the_network_are_had_by_the_nodes_that_reach_them_and_tie_the_claim_to_these()
    {
        var reach = new NodeSelector { NodeSelectorTerms = [new() { MatchExpressions = [new() { Key = "rack", Operator = "In", Values = ["r1"] }] }] };
        var slice = Some.Slice("net", Some.Device("a"));
        _state.Set(slice with { Spec = slice.Spec with { NodeName = null, NodeSelector = reach } });
        Assert.Null(Allocate(Some.Claim("c", Some.Request())).Allocations);
        var there = new Allocator(_state, [Some.Claim("c", Some.Request())]).Allocate(Make.Node("n2").Labels(("rack", "r1")));
        Assert.Equal(reach.NodeSelectorTerms[0].MatchExpressions, there.Allocations!.Value[0].NodeSelector!.NodeSelectorTerms[0].MatchExpressions);
        _state.Set(slice with { Spec = slice.Spec with { NodeName = null, AllNodes = true } });
        Assert.Null(Allocate(Some.Claim("c", Some.Request())).Allocations!.Value[0].NodeSelector);
    }

    [Fact]
    public void Settings_of_the_class_come_first_then_those_of_the_claim_that_concern_what_was_taken()
    {
        Give(Some.Device("a"));
        _state.Set(Some.Class() with { Spec = new() { Config = [new() { Opaque = new() { Driver = "of-class" } }] } });
        var claim = Some.Claim("c", Some.Request());
        claim = claim with { Spec = new() { Devices = claim.Spec.Devices with { Config = [new() { Requests = ["r"], Opaque = new() { Driver = "of-claim" } }, new() { Requests = ["other"], Opaque = new() { Driver = "of-another" } }] } } };
        Assert.Equal([("FromClass", "of-class"), ("FromClaim", "of-claim")], Allocate(claim).Allocations!.Value[0].Devices.Config.Select(c => (c.Source, c.Opaque!.Driver)));
    }
}
