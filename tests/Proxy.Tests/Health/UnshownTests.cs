using Hanbae.Api;
using Hanbae.Api.Discovery.V1;
using Hanbae.Proxy.Health;

namespace Hanbae.Proxy.Tests.Health;

/// <summary>Which changes of slices count for how long rules take to show them.</summary>
public sealed class UnshownTests
{
    static readonly DateTimeOffset Began = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    static EndpointSlice Slice(string? since, string family = "IPv4") => new()
    {
        AddressType = family, Metadata = new() { Name = "s", Namespace = "default", Annotations = since is null ? default : Map.Of(("endpoints.kubernetes.io/last-change-trigger-time", since)) },
    };

    [Fact]
    public void A_change_counts_once_from_when_its_slice_says_it_was()
    {
        var unshown = new Unshown(Began);
        var (first, second) = (Slice("2030-01-01T00:00:01.5Z"), Slice("2030-01-01T00:00:03Z"));
        unshown.See(new(null, first));
        unshown.See(new(first, second));
        unshown.See(new(null, Slice("2030-01-01T00:00:02Z", "IPv6")));

        var taken = unshown.Take();

        Assert.Equal([Began.AddSeconds(1.5), Began.AddSeconds(3)], taken["IPv4"]);
        Assert.Equal([Began.AddSeconds(2)], taken["IPv6"]);
        Assert.Empty(unshown.Take());
    }

    [Fact]
    public void What_was_so_before_is_not_said_or_is_gone_does_not_count()
    {
        var unshown = new Unshown(Began);
        unshown.See(new(null, Slice("2029-12-31T23:59:59Z")));
        unshown.See(new(null, Slice(null)));
        unshown.See(new(null, Slice("yesterday")));
        unshown.See(new(Slice("2030-01-01T00:00:01Z"), Slice("2030-01-01T00:00:01Z")));
        unshown.See(new(Slice("2030-01-01T00:00:01Z"), null));
        Assert.Empty(unshown.Take());
    }
}
