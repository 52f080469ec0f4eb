using Hanbae.Api.Core.V1;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.Transport;

public sealed class ThrottledTransportTests
{
    [Fact]
    public async Task After_the_burst_so_many_a_second_pass_in_order()
    {
        var time = new FakeTime();
        var api = new FakeApi(time);
        var client = new ApiClient(new ThrottledTransport(api, perSecond: 10, burst: 3, time), time);
        Task[] asked = [.. Enumerable.Range(0, 8).Select(i => client.FindAsync<ConfigMap>(new("default", $"m{i}"), CancellationToken.None))];
        await Task.WhenAll(asked[..3]);
        await time.WhenSetAsync(5);
        Assert.Equal(3, api.Requests.Count);
        for (int i = 3; i < 8; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(99));
            Assert.Equal(i, api.Requests.Count);
            time.Advance(TimeSpan.FromMilliseconds(1));
            await asked[i].WaitAsync(TimeSpan.FromSeconds(60));
        }
        Assert.Equal(["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"], api.Requests.Select(r => r.Path.Split('/')[^1]));
    }

    [Fact]
    public void A_resync_tells_of_everything_again_and_ends_with_its_handler()
    {
        var time = new FakeTime();
        var cache = new SharedCache<ConfigMap>();
        foreach (var e in (SyncEvent[])[new(SyncKind.Init), new(SyncKind.InitItem, Make.Map("a", "1")), new(SyncKind.InitDone)]) cache.Apply(e);
        List<string> told = [];
        using (cache.AddEventHandler(a => told.Add("+" + a.Metadata.Name), (old, now) => told.Add(ReferenceEquals(old, now) ? "=" + now.Metadata.Name : "~" + now.Metadata.Name), d => told.Add("-" + d.Metadata.Name), TimeSpan.FromMinutes(10), time))
        {
            time.Advance(TimeSpan.FromMinutes(25));
            cache.Apply(new(SyncKind.Applied, Make.Map("a", "2")));
            cache.Apply(new(SyncKind.Deleted, Make.Map("a", "3")));
            time.Advance(TimeSpan.FromMinutes(25));
        }
        cache.Apply(new(SyncKind.Applied, Make.Map("b", "4")));
        Assert.Equal(["+a", "=a", "=a", "~a", "-a"], told);
    }
}
