using Hanbae.Api.Core.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Tests.Cache;

public sealed class WritesAheadTests
{
    static Item Made(long revision) =>
        Item.FromStored(ConfigMap.Info, "default/a", revision, """{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default","uid":"u"}}"""u8);

    [Fact]
    public void The_newest_write_of_a_key_is_found_until_the_cache_has_it()
    {
        var ahead = new WritesAhead();
        ahead.Refilled(5);
        ahead.Add("default/a", 7, Made(7));
        // Threads may come in any order.
        ahead.Add("default/a", 6, Made(6));
        Assert.Equal(7, ahead.Find("default/a")?.Revision);

        ahead.Reached("default/a", 6);
        Assert.Equal(7, ahead.Find("default/a")?.Revision);
        ahead.Reached("default/a", 7);
        Assert.Null(ahead.Find("default/a"));
        // The feed was faster than the writer.
        ahead.Add("default/a", 7, Made(7));
        Assert.Null(ahead.Find("default/a"));
    }

    [Fact]
    public void A_delete_is_known_as_one()
    {
        var ahead = new WritesAhead();
        ahead.Refilled(5);
        ahead.Add("default/a", 6, null);
        Assert.Equal(new WritesAhead.Found(6, null), ahead.Find("default/a"));
    }

    [Fact]
    public void What_is_not_kept_raises_the_floor()
    {
        var ahead = new WritesAhead();
        ahead.Add("default/a", 3, Made(3));
        Assert.Equal((null, 3), (ahead.Find("default/a"), ahead.Floor));

        ahead.Refilled(4);
        for (int i = 0; i < 5000; i++) ahead.Add("default/m" + i, 10 + i, null);
        Assert.Equal(10 + 4999, ahead.Floor);
        Assert.NotNull(ahead.Find("default/m0"));
        ahead.Refilled(10 + 4999);
        Assert.Null(ahead.Find("default/m0"));
    }

    [Fact]
    public async Task Whoever_was_answered_finds_what_it_wrote()
    {
        await using var server = await TestServer.StartAsync();
        const string maps = "/api/v1/namespaces/default/configmaps";
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async writer =>
        {
            for (int i = 0; i < 100; i++)
            {
                string name = $"m-{writer}", path = maps + "/" + name;
                var made = await server.CreateAsync(new ConfigMap { Metadata = new() { Name = name, Namespace = "default" } });
                Assert.Equal(made.Metadata.ResourceVersion, ((ConfigMap)(await server.CallAsync("GET", path)).Object!).Metadata.ResourceVersion);
                Assert.Equal(200, (await server.CallAsync("DELETE", path)).Code);
                Assert.Equal(404, (await server.CallAsync("GET", path)).Code);
            }
        }));
    }
}
