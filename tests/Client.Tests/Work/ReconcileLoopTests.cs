using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.Work;

public sealed class ReconcileLoopTests : IAsyncDisposable
{
    readonly FakeTime _time = new();
    readonly SharedCache<ConfigMap> _maps = new();
    readonly CancellationTokenSource _stop = new();
    Task _run = Task.CompletedTask;

    sealed class Recording(SharedCache<ConfigMap> maps, Func<Key, int, Again> answer) : IReconciler
    {
        readonly Dictionary<Key, int> _times = [];
        public Channel<Key> Seen { get; } = Channel.CreateBounded<Key>(100);

        public void Watch(Triggers on) => on.Each(maps);

        public Task<Again> ReconcileAsync(Key key, CancellationToken ct)
        {
            int nth;
            lock (_times) nth = _times[key] = _times.GetValueOrDefault(key) + 1;
            Seen.Writer.TryWrite(key);
            return Task.FromResult(answer(key, nth));
        }

        public async Task<Key> NextAsync() => await Seen.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
    }

    Recording Start(Func<Key, int, Again> answer)
    {
        var reconciler = new Recording(_maps, answer);
        _run = new ReconcileLoop("test", reconciler, _time, new ReconcileOptions { Workers = 2 }).RunAsync(_stop.Token);
        return reconciler;
    }

    void Fill(params ConfigMap[] maps)
    {
        _maps.Apply(new(SyncKind.Init));
        foreach (var map in maps) _maps.Apply(new(SyncKind.InitItem, map));
        _maps.Apply(new(SyncKind.InitDone));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    [Fact]
    public async Task Work_begins_when_the_caches_are_filled()
    {
        var reconciler = Start((_, _) => Again.OnChange);
        Assert.Equal(0, reconciler.Seen.Reader.Count);
        Fill(Make.Map("a", "1"));
        Assert.Equal(new Key("default", "a"), await reconciler.NextAsync());
    }

    [Fact]
    public async Task A_change_brings_the_key_back()
    {
        Fill(Make.Map("a", "1"));
        var reconciler = Start((_, _) => Again.OnChange);
        await reconciler.NextAsync();
        _maps.Apply(new(SyncKind.Applied, Make.Map("a", "2")));
        await reconciler.NextAsync();
        _maps.Apply(new(SyncKind.Deleted, Make.Map("a", "3")));
        Assert.Equal("a", (await reconciler.NextAsync()).Name);
    }

    [Fact]
    public async Task A_reconciler_that_asks_for_a_time_is_called_then()
    {
        Fill(Make.Map("a", "1"));
        var at = _time.GetUtcNow().AddMinutes(3);
        var reconciler = Start((_, nth) => nth == 1 ? Again.At(at) : Again.OnChange);
        await reconciler.NextAsync();
        await _time.WhenSetAsync();
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(0, reconciler.Seen.Reader.Count);
        _time.Advance(TimeSpan.FromMinutes(1));
        await reconciler.NextAsync();
    }

    [Fact]
    public async Task Failures_come_back_after_doubling_delays_and_success_forgets_them()
    {
        Fill(Make.Map("a", "1"));
        var reconciler = Start((_, nth) => nth is < 4 or 5 ? throw new InvalidOperationException("told so") : Again.In(TimeSpan.FromHours(1)));
        foreach (int milliseconds in (int[])[5, 10, 20])
        {
            await reconciler.NextAsync();
            await _time.WhenSetAsync();
            Assert.Equal(milliseconds, _time.AdvanceToNext().TotalMilliseconds);
        }
        await reconciler.NextAsync();
        await _time.WhenSetAsync();
        Assert.Equal(1, _time.AdvanceToNext().TotalHours);
        await reconciler.NextAsync();
        await _time.WhenSetAsync();
        Assert.Equal(5, _time.AdvanceToNext().TotalMilliseconds);
        await reconciler.NextAsync();
    }
}
