using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Hanbae.Scheduler.Devices;

namespace Hanbae.Scheduler.Tests.Devices;

public sealed class DeviceStateTests
{
    static readonly DeviceId Gpu = new(Some.Driver, "n1", "gpu-0");
    readonly DeviceState _state = new();

    static ResourceClaim Claim(string version, bool allocated) => Some.Claim("c", Some.Request()) is var c ? c with
    {
        Metadata = c.Metadata with { ResourceVersion = version },
        Status = new() { Allocation = allocated ? new() { Devices = new() { Results = [new() { Request = "r", Driver = Some.Driver, Pool = "n1", Device = "gpu-0" }] } } : null },
    } : throw new InvalidOperationException();

    [Fact]
    public void What_was_written_counts_until_the_watch_has_it_or_something_newer()
    {
        _state.Set(Claim("1", false));
        _state.Promise(Claim("1", true));
        Assert.True(_state.IsPending("uid-c"));
        _state.Set(Claim("2", false));
        Assert.False(_state.UseOf(Gpu).IsFree);
        _state.Settle(new("default", "c"), "uid-c", Claim("4", true));
        _state.Set(Claim("3", false));
        Assert.False(_state.UseOf(Gpu).IsFree);
        Assert.False(_state.IsPending("uid-c"));
        _state.Set(Claim("4", true));
        Assert.Equal(1, _state.UseOf(Gpu).Alone);
        _state.Set(Claim("5", false));
        Assert.True(_state.UseOf(Gpu).IsFree);
    }

    [Fact]
    public void What_was_promised_and_not_written_is_free_again()
    {
        _state.Set(Claim("1", false));
        _state.Promise(Claim("1", true));
        _state.Settle(new("default", "c"), "uid-c", null);
        Assert.True(_state.UseOf(Gpu).IsFree);
        Assert.Null(_state.Claim(new("default", "c"))!.Status.Allocation);
    }

    [Fact]
    public void A_claim_that_is_deleted_while_it_is_written_takes_nothing_along()
    {
        _state.Set(Claim("1", false));
        _state.Promise(Claim("1", true));
        _state.Remove(Claim("2", false));
        Assert.True(_state.UseOf(Gpu).IsFree);
        Assert.Null(_state.Claim(new("default", "c")));
    }

    [Fact]
    public void The_newest_class_of_an_extended_resource_stands_for_it()
    {
        var then = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        DeviceClass Class(string name, int hours) => Some.Class(name) is var c ? c with { Metadata = c.Metadata with { CreationTimestamp = then.AddHours(hours) }, Spec = c.Spec with { ExtendedResourceName = "example.com/gpu" } } : throw new InvalidOperationException();
        _state.Set(Class("old", 0));
        _state.Set(Class("new", 1));
        Assert.Equal("new", _state.ClassOf("example.com/gpu"));
        _state.Remove(Class("new", 1));
        Assert.Equal("old", _state.ClassOf("example.com/gpu"));
        Assert.Equal("old", _state.ClassOf("deviceclass.resource.kubernetes.io/old"));
        Assert.Null(_state.ClassOf("deviceclass.resource.kubernetes.io/new"));
    }
}
