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
    public async Task A_cache_is_trusted_again_once_it_shows_what_was_written()
    {
        var time = new FakeTime();
        var (cache, echo) = (new SharedCache<ReplicaSet>(), new Echo(new ApiClient(new FakeApi(time), time), time));
        cache.Apply(new(SyncKind.Applied, At("9")));
        Assert.True(await echo.IsShownByAsync(cache, Owner, default));

        echo.Wrote(Owner, At("10"));
        Assert.False(await echo.IsShownByAsync(cache, Owner, default));
        cache.Apply(new(SyncKind.Applied, At("11")));
        Assert.True(await echo.IsShownByAsync(cache, Owner, default));
    }

    [Fact]
    public async Task What_is_gone_is_not_waited_for_for_ever_and_a_cache_that_is_behind_is()
    {
        var time = new FakeTime();
        var api = new FakeApi(time);
        var echo = new Echo(new ApiClient(api, time), time);
        var cache = new SharedCache<ReplicaSet>();
        echo.Wrote(Owner, api.Put(At("")));

        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(await echo.IsShownByAsync(cache, Owner, default));
        Assert.Empty(api.Requests);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await echo.IsShownByAsync(cache, Owner, default));
        Assert.Single(api.Requests);

        api.Remove<ReplicaSet>("web-1");
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.True(await echo.IsShownByAsync(cache, Owner, default));
    }
}
