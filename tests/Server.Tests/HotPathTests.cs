using System.Net;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Tests;

/// <summary>What requests may cost, counted rather than timed: garbage, watchers asked, events kept.</summary>
public sealed class HotPathTests
{
    const string Maps = "/api/v1/namespaces/default/configmaps";
    static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    static ConfigMap Map(string name, int bytes = 10, string ns = "default") => new() { Metadata = new() { Name = name, Namespace = ns }, Data = Api.Map.Of(("data", new string('x', bytes))) };

    /// <summary>A request without a transport, which would have garbage of its own.</summary>
    sealed class Bare(string path, IReadOnlyList<KeyValuePair<string, string>>? query = null) : RequestContext("GET", path, query ?? [], CancellationToken.None)
    {
        public override string RawTarget => Path;
        public override IEnumerable<KeyValuePair<string, string>> Headers => [];
        public override string Header(string name) => name == "Accept" ? "application/json" : "";
        public override X509Certificate2? ClientCertificate => null;
        public override string RemoteAddress => "";
        public override bool InProcess => true;
        public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken ct) => new(default(ReadOnlyMemory<byte>));
    }

    /// <summary>The least garbage of a few, since the runtime may put some of its own in between.</summary>
    static long Garbage(TestServer server, string path, params (string, string)[] query)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 50; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            var reply = server.Server.Handler(new Bare(path, [.. query.Select(q => KeyValuePair.Create(q.Item1, q.Item2))]));
            Assert.True(reply.IsCompletedSuccessfully, "a read waited for something");
            Assert.Equal(200, reply.Result.Code);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }

    [Fact]
    public async Task A_get_makes_as_much_garbage_whatever_it_reads_and_however_much_there_is()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(Map("small"));
        long alone = await SettledAsync(server, Maps + "/small");
        await server.CreateAsync(Map("large", 200_000));
        for (int i = 0; i < 1000; i++) await server.CreateAsync(Map("m" + i));
        Assert.Equal(1002, (await server.GetAsync(Maps)).Json["items"] is Api.Json.JsonArray items ? items.Count : 0);
        long large = await SettledAsync(server, Maps + "/large"), among = await SettledAsync(server, Maps + "/small");
        // No part of the object is copied, none of the others is looked at.
        Assert.InRange(among, 1, alone + 256);
        Assert.InRange(large, 1, alone + 256);
    }

    [Fact]
    public async Task A_list_by_label_makes_garbage_by_what_it_finds()
    {
        await using var server = await TestServer.StartAsync();
        for (int i = 0; i < 10; i++) await server.CreateAsync(Map("a" + i) is var map ? map with { Metadata = map.Metadata with { Labels = Api.Map.Of(("app", "few")) } } : map);
        long alone = await SettledAsync(server, Maps, ("labelSelector", "app=few"));
        for (int i = 0; i < 1000; i++) await server.CreateAsync(Map("m" + i));
        Assert.InRange(await SettledAsync(server, Maps, ("labelSelector", "app=few")), 1, alone + 512);
    }

    /// <summary>Once the cache has what was written.</summary>
    static async Task<long> SettledAsync(TestServer server, string path, params (string, string)[] query)
    {
        await server.CallAsync("GET", Maps);
        return Garbage(server, path, query);
    }

    [Fact]
    public async Task A_write_asks_only_the_watchers_that_it_may_concern()
    {
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        var watches = new List<IAsyncEnumerator<ApiEvent>>();
        try
        {
            await server.CreateAsync(Map("mine"));
            string from = (await server.GetAsync(Maps)).Text("metadata", "resourceVersion");
            var cache = server.Server.Resources.Stored(new("", "configmaps"))!.Cache;
            async Task<ValueTask<bool>> WatchAsync(string path, params (string, string)[] query)
            {
                int before = cache.WatcherCount;
                var events = server.WatchAsync(path, ct.Token, [("resourceVersion", from), .. query]).GetAsyncEnumerator(ct.Token);
                watches.Add(events);
                var next = events.MoveNextAsync();
                while (cache.WatcherCount == before) await Task.Yield();
                return next;
            }
            var told = (await WatchAsync(Maps, ("fieldSelector", "metadata.name=mine"))).AsTask();
            // As kubelets watch the ConfigMaps of their Pods, and controllers of namespaces their own.
            var others = new List<Task<bool>>();
            for (int i = 0; i < 500; i++) others.Add((await WatchAsync(Maps, ("fieldSelector", "metadata.name=other-" + i))).AsTask());
            for (int i = 0; i < 500; i++) others.Add((await WatchAsync($"/api/v1/namespaces/ns-{i}/configmaps")).AsTask());

            long asked = cache.WatchersAsked;
            Assert.Equal(200, (await server.CallAsync("PUT", Maps + "/mine", Map("mine", 20))).Code);
            Assert.True(await told.WaitAsync(ct.Token));
            Assert.Equal(1, cache.WatchersAsked - asked);
            Assert.DoesNotContain(others, o => o.IsCompleted);
        }
        finally
        {
            await ct.CancelAsync();
            foreach (var watch in watches)
                try { await watch.DisposeAsync(); }
                catch (NotSupportedException) { } // It still waits; the cancellation ends it.
        }
    }

    [Fact]
    public async Task A_watcher_that_falls_behind_keeps_no_more_than_its_bound_and_is_ended()
    {
        var watcher = new Watcher(new Filter(new Registry.Strategy(ConfigMap.Info), "", "", Selector.Everything, FieldSelector.Everything), bookmarks: false, static _ => { });
        for (int i = 1; i <= Watcher.Bound; i++) watcher.Enqueue(new(EventType.Bookmark, null, i));
        Assert.Equal(Watcher.Bound, watcher.Waiting);
        watcher.Enqueue(new(EventType.Bookmark, null, Watcher.Bound + 1));
        Assert.Equal(0, watcher.Waiting);
        var events = new List<ItemEvent>();
        Assert.False(await watcher.TakeAsync(ref events));
        Assert.Empty(events);
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_up_nobody()
    {
        await using var server = await TestServer.StartAsync();
        using var ct = new CancellationTokenSource(s_patience);
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps + "?watch=1") { Version = HttpVersion.Version20 };
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct.Token);
        // More than windows and buffers on the way can take.
        const int count = 200, bytes = 200_000;
        for (int i = 0; i < count; i++) Assert.Equal(201, (await server.CallAsync("POST", Maps, Map("m" + i, bytes))).Code);
        Assert.Equal(200, (await server.GetAsync(Maps + "/m0")).Code);

        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(ct.Token));
        for (int i = 0; i < count; i++) Assert.Contains($"\"name\":\"m{i}\"", await lines.ReadLineAsync(ct.Token));
    }
}
