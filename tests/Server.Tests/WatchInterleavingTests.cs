using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Store;
using Hanbae.Store.Memory;
using Hanbae.Kit;
using Xunit.Abstractions;

namespace Hanbae.Server.Tests;

/// <summary>Whatever happens in whatever order: no watch loses, repeats or reorders an event.</summary>
/// <remarks>Writes, watches from random revisions with random selectors, compactions and restarts of the server over the same store, by a seed that is printed.</remarks>
public sealed class WatchInterleavingTests(ITestOutputHelper output)
{
    const string Maps = "/api/v1/configmaps";
    const int Steps = 600, Names = 12;

    /// <summary>What was acknowledged, in order: the truth that watches are held against.</summary>
    sealed record Written(long Revision, string Key, string? Label);

    /// <summary>One watch and what it is to have seen.</summary>
    sealed class Observer
    {
        readonly CancellationTokenSource _stop = new();

        public required long? From { get; init; }
        public required string? Label { get; init; }
        public required string? Namespace { get; init; }
        /// <summary>With sendInitialEvents: begins with the state, and says where it ends.</summary>
        public required bool Initial { get; init; }
        public List<(string Type, string Key, long Revision)> Events { get; } = [];
        public long? InitialEnd { get; private set; }
        public bool Expired { get; private set; }
        public Task Running { get; private set; } = Task.CompletedTask;
        readonly SemaphoreSlim _news = new(0);

        public void Start(ApiServer server) => Running = Task.Run(() => RunAsync(server));
        public Task StopAsync()
        {
            _stop.Cancel();
            return Running;
        }

        public long Last { get { lock (Events) return Events.Count == 0 ? InitialEnd ?? From ?? 0 : Math.Max(InitialEnd ?? 0, Events[^1].Revision); } }

        async Task RunAsync(ApiServer server)
        {
            var query = new List<KeyValuePair<string, string>> { new("watch", "1"), new("allowWatchBookmarks", "true") };
            if (From is { } from) query.Add(new("resourceVersion", from.ToString()));
            if (Label is { } label) query.Add(new("labelSelector", "l=" + label));
            if (Initial) query.AddRange([new("sendInitialEvents", "true"), new("resourceVersionMatch", "NotOlderThan")]);
            string path = Namespace is null ? Maps : $"/api/v1/namespaces/{Namespace}/configmaps";
            try
            {
                await foreach (var e in server.Transport.WatchAsync(new() { Method = "GET", Path = path, Query = query, Identity = new("tester", []) }, _stop.Token))
                {
                    lock (Events)
                    {
                        var meta = e.Object.Metadata;
                        long revision = long.Parse(meta.ResourceVersion);
                        if (e.Type != "BOOKMARK") Events.Add((e.Type, meta.Namespace + "/" + meta.Name, revision));
                        else if (meta.Annotations["k8s.io/initial-events-end"] == "true") InitialEnd = revision;
                    }
                    _news.Release();
                }
            }
            catch (ApiException e) when (e.IsExpired) { Expired = true; }
            catch (ApiException e) when (e.Code == 503) { } // the server was restarted before the watch began
            catch (OperationCanceledException) { }
            finally { _news.Release(); }
        }

        /// <summary>Until it has seen all that it is to see, or ended.</summary>
        public async Task ComeToAsync(Func<long> last, CancellationToken ct)
        {
            while (!Running.IsCompleted && Last < last()) await _news.WaitAsync(ct);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task No_event_is_lost_repeated_or_out_of_order(int round)
    {
        int seed = round == 0 ? Environment.TickCount : round;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var store = new MemoryStore(new() { History = 200 });
        var server = Make(store);
        var log = new List<Written>();
        var observers = new List<Observer>();
        long compacted = 0;
        try
        {
            for (int step = 0; step < Steps; step++)
                switch (random.Next(100))
                {
                    case < 70: await WriteAsync(server, log, random); break;
                    case < 88:
                        var observer = Observe(log, random);
                        observers.Add(observer);
                        observer.Start(server);
                        break;
                    case < 94 when observers.Count > 0: await observers[random.Next(observers.Count)].StopAsync(); break;
                    case < 97 when log.Count > 0:
                        compacted = Math.Max(compacted, log[random.Next(log.Count)].Revision);
                        await store.CompactAsync(new(compacted), CancellationToken.None);
                        break;
                    case < 99: foreach (var stored in server.Resources.AllStored) await stored.Cache.BookmarkAsync(CancellationToken.None); break;
                    default:
                        await server.DisposeAsync();
                        server = Make(store);
                        break;
                }
            // Those that are still there must come to the end; the bound is for a machine that is busy with other things.
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            foreach (var observer in observers) await observer.ComeToAsync(() => LastOf(observer, log), patience.Token);
            foreach (var observer in observers) await observer.StopAsync();
            Assert.Contains(observers, o => !o.Expired && o.Events.Count > 10);
            foreach (var observer in observers) Check(observer, log, seed);
        }
        finally
        {
            foreach (var observer in observers) await observer.StopAsync();
            await server.DisposeAsync();
        }
    }

    static ApiServer Make(IStore store) => new(store, new() { Authorizers = [new AlwaysAllow()], CompactEvery = TimeSpan.Zero });

    static Observer Observe(List<Written> log, Random random)
    {
        bool initial = random.Next(3) == 0;
        // A revision that was seen, one in between (of another key's write), or none; most are recent, as clients' are.
        long? from = initial || log.Count == 0 ? null : log[Math.Max(0, log.Count - 1 - random.Next(random.Next(4) == 0 ? log.Count : 20))].Revision;
        return new() { From = from, Initial = initial || from is null, Label = random.Next(3) switch { 0 => null, 1 => "a", _ => "b" }, Namespace = random.Next(3) == 0 ? "n1" : null };
    }

    static async Task WriteAsync(ApiServer server, List<Written> log, Random random)
    {
        string ns = "n" + random.Next(2), name = "m" + random.Next(Names), key = ns + "/" + name, path = $"/api/v1/namespaces/{ns}/configmaps";
        bool exists = log.FindLast(w => w.Key == key)?.Label is not null;
        if (exists && random.Next(4) == 0)
        {
            await SendAsync(server, "DELETE", $"{path}/{name}", null);
            log.Add(new((await server.Resources.Stored(new("", "configmaps"))!.Cache.CurrentAsync(CancellationToken.None)).Revision, key, null));
            return;
        }
        string label = random.Next(2) == 0 ? "a" : "b";
        var map = new ConfigMap { Metadata = new() { Name = name, Namespace = ns, Labels = Map.Of(("l", label)) }, Data = Map.Of(("step", log.Count.ToString())) };
        var written = (ConfigMap)(await SendAsync(server, exists ? "PUT" : "POST", exists ? $"{path}/{name}" : path, map)).Object!;
        log.Add(new(long.Parse(written.Metadata.ResourceVersion), key, label));
    }

    static async Task<ApiResult> SendAsync(ApiServer server, string method, string path, IKind? body)
    {
        var result = await server.Transport.SendAsync(new() { Method = method, Path = path, Object = body, Identity = new("tester", []) }, CancellationToken.None);
        return result.Code < 300 ? result : throw new InvalidOperationException((result.Object as Status)?.Message);
    }

    static bool Selects(Observer o, Written w) => w.Label is not null && (o.Label is null || o.Label == w.Label) && (o.Namespace is null || w.Key.StartsWith(o.Namespace + "/", StringComparison.Ordinal));

    /// <summary>What the observer is to see of the log after a revision.</summary>
    static List<(string, string, long)> Expected(Observer o, List<Written> log, long after)
    {
        var there = new HashSet<string>();
        var expected = new List<(string, string, long)>();
        foreach (var w in log)
        {
            bool before = there.Contains(w.Key), now = Selects(o, w);
            if (now) there.Add(w.Key);
            else there.Remove(w.Key);
            if (w.Revision > after && (before || now)) expected.Add((now ? before ? "MODIFIED" : "ADDED" : "DELETED", w.Key, w.Revision));
        }
        return expected;
    }

    static long LastOf(Observer o, List<Written> log) => o.Initial && o.InitialEnd is null ? long.MaxValue : Expected(o, log, o.InitialEnd ?? o.From ?? 0) is { Count: > 0 } e ? e[^1].Item3 : 0;

    static void Check(Observer o, List<Written> log, int seed)
    {
        var events = o.Events;
        long after = o.From ?? 0;
        if (o.Initial)
        {
            // A watch that was ended before it had told its state says nothing.
            if (o.InitialEnd is not { } end) return;
            after = end;
            var state = new SortedDictionary<string, long>(StringComparer.Ordinal);
            foreach (var w in log.Where(w => w.Revision <= end))
                if (Selects(o, w)) state[w.Key] = w.Revision;
                else state.Remove(w.Key);
            Assert.True(events.Count >= state.Count, $"seed {seed}: {events.Count} initial events of {state.Count}");
            Assert.Equal(state.Select(s => ("ADDED", s.Key, s.Value)), events.Take(state.Count));
            events = events[state.Count..];
        }
        var expected = Expected(o, log, after);
        Assert.True(events.Count <= expected.Count, $"seed {seed}: more events than there were");
        // A watch that ended early has seen a beginning, without a gap.
        Assert.Equal(expected.Take(events.Count), events);
    }

    [Fact]
    public async Task Watches_whose_time_is_over_tell_where_the_next_goes_on()
    {
        const int enough = 500;
        var time = new FakeTime();
        await using var server = await TestServer.StartAsync(o => o with { Time = time, RequestTimeout = TimeSpan.FromDays(30) });
        await server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"a"}}""");
        var map = await server.CreateAsync(new ConfigMap { Metadata = new() { Name = "m", Namespace = "a" } });
        // They make the way of an event to the last watch long, so that its time is over while some are on it.
        using var over = new CancellationTokenSource();
        var others = Enumerable.Range(0, 300).Select(_ => server.WatchAsync(Maps, over.Token, ("labelSelector", "l=none"), ("timeoutSeconds", "1000000000")).GetAsyncEnumerator(over.Token)).ToArray();
        var waiting = others.Select(o => o.MoveNextAsync().AsTask()).ToArray();
        List<long> written = [], seen = [];
        string version = map.Metadata.ResourceVersion;
        int rounds = 0, known = 0;
        long last = long.MaxValue;

        var writing = Task.Run(async () =>
        {
            for (int i = 0; (i < enough || Volatile.Read(ref rounds) < enough) && !over.IsCancellationRequested; i++)
            {
                // Not further ahead than a watch may begin in the past.
                while (i - Volatile.Read(ref known) > 1000 && !over.IsCancellationRequested) await Task.Yield();
                var result = await server.CallAsync("PUT", "/api/v1/namespaces/a/configmaps/m", map with { Metadata = map.Metadata with { ResourceVersion = "" }, Data = Map.Of(("i", i.ToString())) });
                written.Add(long.Parse(((ConfigMap)result.Object!).Metadata.ResourceVersion));
            }
            if (written.Count > 0) Volatile.Write(ref last, written[^1]);
        });
        var watching = Task.Run(async () =>
        {
            try
            {
                for (; long.Parse(version) < Volatile.Read(ref last); Interlocked.Increment(ref rounds))
                    await foreach (var e in server.WatchAsync(Maps, default, ("allowWatchBookmarks", "true"), ("timeoutSeconds", "1"), ("resourceVersion", version)))
                    {
                        var meta = e.Object.Metadata;
                        Assert.True(long.Parse(meta.ResourceVersion) >= long.Parse(version), $"{e.Type} {meta.ResourceVersion} after {version}");
                        version = meta.ResourceVersion;
                        if (e.Type == "BOOKMARK") continue;
                        seen.Add(long.Parse(version));
                        Volatile.Write(ref known, seen.Count);
                    }
            }
            finally { await over.CancelAsync(); }
        });
        while (!watching.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await Task.WhenAll(writing, watching);
        Assert.Equal(written, seen);
        await Task.WhenAll(waiting.Select(w => w.ContinueWith(static _ => { }, TaskScheduler.Default)));
    }
}
