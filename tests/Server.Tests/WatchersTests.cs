using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Tests;

/// <summary>What upstream's conformance tests of watches look at.</summary>
public sealed class WatchersTests
{
    const string Maps = "/api/v1/namespaces/default/configmaps", Label = "watch-this-configmap";
    static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    static ConfigMap Map(string name, string label, string? mutation = null) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Labels = Api.Map.Of((Label, label)) }, Data = mutation is null ? default : Api.Map.Of(("mutation", mutation)),
    };

    /// <summary>A watch that is read one event at a time.</summary>
    sealed class Seen(IAsyncEnumerator<ApiEvent> events) : IAsyncDisposable
    {
        public static Seen Of(TestServer server, CancellationToken ct, params (string, string)[] query) => new(server.WatchAsync(Maps, ct, query).GetAsyncEnumerator(ct));

        public async Task<string> NextAsync()
        {
            Assert.True(await events.MoveNextAsync());
            var map = (ConfigMap)events.Current.Object;
            Revision = map.Metadata.ResourceVersion;
            return $"{events.Current.Type} {map.Metadata.Name} {map.Data["mutation"]}".TrimEnd();
        }

        public string Revision { get; private set; } = "";

        public ValueTask DisposeAsync() => events.DisposeAsync();
    }

    static async Task PutAsync(TestServer server, ConfigMap map) => Assert.Equal(200, (await server.CallAsync("PUT", $"{Maps}/{map.Metadata.Name}", map)).Code);

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps [Conformance]")]
    public async Task Each_watch_sees_what_its_selector_selects()
    {
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        string from = (await server.GetAsync(Maps)).Text("metadata", "resourceVersion");
        await using Seen a = Seen.Of(server, ct.Token, ("labelSelector", Label + "=a"), ("resourceVersion", from)), b = Seen.Of(server, ct.Token, ("labelSelector", Label + "=b"), ("resourceVersion", from)),
            both = Seen.Of(server, ct.Token, ("labelSelector", Label + " in (a,b)"), ("resourceVersion", from));
        await server.CreateAsync(Map("one", "a"));
        await PutAsync(server, Map("one", "a", "1"));
        await PutAsync(server, Map("one", "a", "2"));
        await server.CallAsync("DELETE", Maps + "/one");
        await server.CreateAsync(Map("two", "b"));
        await server.CallAsync("DELETE", Maps + "/two");
        string[] ofA = ["ADDED one", "MODIFIED one 1", "MODIFIED one 2", "DELETED one 2"], ofB = ["ADDED two", "DELETED two"];
        foreach (string e in ofA) Assert.Equal(e, await a.NextAsync());
        foreach (string e in ofB) Assert.Equal(e, await b.NextAsync());
        foreach (string e in (string[])[.. ofA, .. ofB]) Assert.Equal(e, await both.NextAsync());
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Watchers should be able to start watching from a specific resource version [Conformance]")]
    public async Task A_watch_from_a_revision_sees_what_came_after_it()
    {
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        await server.GetAsync(Maps);
        await server.CreateAsync(Map("m", "x"));
        await PutAsync(server, Map("m", "x", "1"));
        string first = (await server.GetAsync(Maps + "/m")).Text("metadata", "resourceVersion");
        await PutAsync(server, Map("m", "x", "2"));
        await server.CallAsync("DELETE", Maps + "/m");
        await using var seen = Seen.Of(server, ct.Token, ("resourceVersion", first));
        Assert.Equal("MODIFIED m 2", await seen.NextAsync());
        Assert.Equal("DELETED m 2", await seen.NextAsync());
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch [Conformance]")]
    public async Task A_new_watch_goes_on_where_the_last_one_ended()
    {
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        string last;
        await using (var before = Seen.Of(server, ct.Token))
        {
            await server.CreateAsync(Map("m", "x"));
            Assert.Equal("ADDED m", await before.NextAsync());
            await PutAsync(server, Map("m", "x", "1"));
            Assert.Equal("MODIFIED m 1", await before.NextAsync());
            last = before.Revision;
        }
        await PutAsync(server, Map("m", "x", "2"));
        await server.CallAsync("DELETE", Maps + "/m");
        await using var after = Seen.Of(server, ct.Token, ("resourceVersion", last));
        Assert.Equal("MODIFIED m 2", await after.NextAsync());
        Assert.Equal("DELETED m 2", await after.NextAsync());
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector [Conformance]")]
    public async Task What_leaves_the_selection_is_deleted_to_the_watch_and_added_when_it_comes_back()
    {
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        await using var seen = Seen.Of(server, ct.Token, ("labelSelector", Label + "=in"));
        await server.CreateAsync(Map("m", "in"));
        Assert.Equal("ADDED m", await seen.NextAsync());
        await PutAsync(server, Map("m", "in", "1"));
        Assert.Equal("MODIFIED m 1", await seen.NextAsync());
        await PutAsync(server, Map("m", "out", "1"));
        Assert.Equal("DELETED m 1", await seen.NextAsync());
        await PutAsync(server, Map("m", "out", "2"));
        await PutAsync(server, Map("m", "in", "2"));
        Assert.Equal("ADDED m 2", await seen.NextAsync());
        await PutAsync(server, Map("m", "in", "3"));
        Assert.Equal("MODIFIED m 3", await seen.NextAsync());
        await server.CallAsync("DELETE", Maps + "/m");
        Assert.Equal("DELETED m 3", await seen.NextAsync());
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Watchers should receive events on concurrent watches in same order [Conformance]")]
    public async Task Watches_that_began_at_different_events_see_the_same_order()
    {
        const int Writes = 200;
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        string from = (await server.GetAsync(Maps)).Text("metadata", "resourceVersion");
        var random = new Random(5);
        var writing = Task.Run(async () =>
        {
            var there = new List<string>();
            for (int i = 0; i < Writes; i++)
                if (there.Count == 0 || random.Next(3) == 0)
                {
                    there.Add("m-" + i);
                    await server.CreateAsync(Map(there[^1], "x"));
                }
                else if (random.Next(2) == 0) await PutAsync(server, Map(there[random.Next(there.Count)], "x", i.ToString()));
                else
                {
                    int at = random.Next(there.Count);
                    await server.CallAsync("DELETE", $"{Maps}/{there[at]}");
                    there.RemoveAt(at);
                }
        });
        // Every event of the first watch begins another one, over HTTP's side of the server or in process alike: all share one order.
        await using var first = Seen.Of(server, ct.Token, ("resourceVersion", from));
        var order = new List<string>();
        var others = new List<(Seen Watch, int From)>();
        for (int i = 0; i < Writes; i++)
        {
            await first.NextAsync();
            order.Add(first.Revision);
            if (i % 4 == 0) others.Add((Seen.Of(server, ct.Token, ("resourceVersion", first.Revision)), i + 1));
        }
        await writing;
        Assert.Equal(order.Select(long.Parse).Order(), order.Select(long.Parse));
        foreach (var (watch, at) in others)
            await using (watch)
                for (int i = at; i < Writes; i++)
                {
                    await watch.NextAsync();
                    Assert.Equal(order[i], watch.Revision);
                }
    }
}
