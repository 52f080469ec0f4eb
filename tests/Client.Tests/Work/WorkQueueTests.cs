using Hanbae.Kit;

namespace Hanbae.Client.Tests.Work;

public sealed class WorkQueueTests : IDisposable
{
    readonly FakeTime _time = new();
    readonly WorkQueue<string> _queue;

    public WorkQueueTests() => _queue = new("test", _time);

    public void Dispose() => _queue.Dispose();

    string[] Drain()
    {
        List<string> all = [];
        while (_queue.TryTake(out string? item)) { all.Add(item); _queue.Done(item); }
        return [.. all];
    }

    [Fact]
    public void Items_come_in_order_and_once()
    {
        foreach (string item in (string[])["b", "a", "b", "c"]) _queue.Add(item);
        Assert.Equal(["b", "a", "c"], Drain());
    }

    [Fact]
    public void An_item_in_work_waits_until_it_is_done()
    {
        _queue.Add("a");
        Assert.True(_queue.TryTake(out _));
        _queue.Add("a");
        Assert.False(_queue.TryTake(out _));
        _queue.Done("a");
        Assert.Equal(["a"], Drain());
    }

    [Fact]
    public void Of_two_delays_the_earlier_counts()
    {
        _queue.AddAfter("a", TimeSpan.FromSeconds(10));
        _queue.AddAfter("a", TimeSpan.FromSeconds(5));
        _queue.AddAfter("a", TimeSpan.FromSeconds(20));
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Empty(Drain());
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(["a"], Drain());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(Drain());
    }

    [Fact]
    public void Delayed_items_come_in_the_order_of_their_times()
    {
        _queue.AddAfter("late", TimeSpan.FromSeconds(3));
        _queue.AddAfter("early", TimeSpan.FromSeconds(1));
        _queue.AddAfter("middle", TimeSpan.FromSeconds(2));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(["early", "middle", "late"], Drain());
    }

    [Fact]
    public void A_delay_longer_than_any_timer_is_kept()
    {
        _queue.AddAfter("a", TimeSpan.FromDays(100));
        _time.Advance(TimeSpan.FromDays(99));
        Assert.Empty(Drain());
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(["a"], Drain());
    }

    [Fact]
    public void An_item_that_fails_for_ever_waits_a_thousand_seconds()
    {
        double[] waits = new double[20];
        for (int i = 0; i < waits.Length; i++)
        {
            _queue.AddRateLimited("a");
            waits[i] = _time.AdvanceToNext().TotalSeconds;
            Assert.Equal(["a"], Drain());
        }
        Assert.Equal([0.005, 0.01, 0.02], waits[..3]);
        Assert.Equal(1000, waits[^1]);
    }

    [Fact]
    public void All_together_come_ten_a_second_after_a_burst_of_a_hundred()
    {
        for (int i = 0; i < 120; i++) _queue.AddRateLimited("item" + i);
        _time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(100, Drain().Length);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(10, Drain().Length);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(10, Drain().Length);
    }

    [Fact]
    public async Task A_shut_queue_ends_when_it_is_empty()
    {
        _queue.Add("a");
        _queue.AddAfter("b", TimeSpan.FromSeconds(1));
        _queue.Shut();
        _queue.Add("c");
        Assert.True(await _queue.WaitAsync(CancellationToken.None));
        Assert.Equal(["a"], Drain());
        Assert.False(await _queue.WaitAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Many_adders_and_workers_lose_nothing_and_never_share_an_item()
    {
        using var queue = new WorkQueue<int>("race", TimeProvider.System);
        int[] working = new int[50], added = new int[50], seen = new int[50];
        int shared = 0;
        var workers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (await queue.WaitAsync(CancellationToken.None))
                while (queue.TryTake(out int item))
                {
                    if (Interlocked.Increment(ref working[item]) != 1) Interlocked.Increment(ref shared);
                    // Whatever was added before now is seen by this run.
                    Volatile.Write(ref seen[item], Volatile.Read(ref added[item]));
                    Interlocked.Decrement(ref working[item]);
                    queue.Done(item);
                }
        })).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Task.Run(() =>
        {
            var random = new Random(n);
            for (int i = 0; i < 20_000; i++)
            {
                int item = random.Next(50);
                Interlocked.Increment(ref added[item]);
                queue.Add(item);
            }
        })));
        queue.Shut();
        await Task.WhenAll(workers);
        Assert.Equal(0, shared);
        Assert.Equal(added, seen);
    }
}
