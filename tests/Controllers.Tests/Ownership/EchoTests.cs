using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.Ownership;

public sealed class EchoTests
{
    static readonly Key Owner = new("default", "web");
    static ReplicaSet At(string version) => Make.ReplicaSet("web-1", 1) is var set ? set with { Metadata = set.Metadata with { ResourceVersion = version } } : set;

    [Fact]
    public void A_cache_is_trusted_again_once_it_shows_what_was_written()
    {
        var time = new FakeTime();
        var (cache, echo) = (new SharedCache<ReplicaSet>(), new Echo(time));
        cache.Apply(new(SyncKind.Applied, At("9")));
        Assert.True(echo.IsShownBy(cache, Owner));

        echo.Wrote(Owner, At("10"));
        Assert.False(echo.IsShownBy(cache, Owner));
        cache.Apply(new(SyncKind.Applied, At("11")));
        Assert.True(echo.IsShownBy(cache, Owner));
    }

    [Fact]
    public void What_never_shows_is_not_waited_for_for_ever()
    {
        var time = new FakeTime();
        var echo = new Echo(time);
        echo.Wrote(Owner, At("10"));

        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(echo.IsShownBy(new SharedCache<ReplicaSet>(), Owner));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(echo.IsShownBy(new SharedCache<ReplicaSet>(), Owner));
    }
}
