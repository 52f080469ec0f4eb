using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Kit;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Tests.Cache;

/// <summary>When watchers are told: at once, or with those that hear of the same.</summary>
public sealed class CrowdTests
{
    readonly FakeTime _clock = new();
    readonly List<Watcher> _watchers = [];
    readonly Crowd _crowd;
    long _revision;

    public CrowdTests() => _crowd = new(_clock);

    void Watch(int count)
    {
        for (int i = 0; i < count; i++)
        {
            var watcher = new Watcher(new Filter(new Registry.Strategy(ConfigMap.Info), "", "", Selector.Everything, FieldSelector.Everything), bookmarks: false, static _ => { }) { Crowd = _crowd };
            _crowd.Add(watcher);
            _watchers.Add(watcher);
        }
    }

    void Change()
    {
        long revision = ++_revision;
        byte[] json = Encoding.ASCII.GetBytes("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default","uid":"u"}}""");
        _crowd.Offer(new(EventType.Added, Item.FromStored(ConfigMap.Info, "default/a", revision, json), null));
    }

    /// <summary>As the transport does: an empty list says that it was woken, and is asked again.</summary>
    static async Task<long[]> TakeAsync(Watcher watcher)
    {
        var events = new List<ItemEvent>();
        do
            if (!await watcher.TakeAsync(ref events)) return [];
        while (events.Count == 0);
        return [.. events.Select(e => e.Revision)];
    }

    [Fact]
    public async Task A_few_are_told_of_every_change_at_once()
    {
        Watch(Crowd.Few);
        for (int i = 1; i <= 3; i++)
        {
            var taken = _watchers.Select(TakeAsync).ToArray();
            Assert.DoesNotContain(taken, t => t.IsCompleted);
            Change();
            Assert.All(await Task.WhenAll(taken), t => Assert.Equal([i], t));
        }
        Assert.Equal(0, _clock.Set);
    }

    [Fact]
    public async Task Many_are_told_at_once_after_a_quiet_moment_and_in_rounds_while_much_changes()
    {
        Watch(Crowd.Few + 1);
        var first = _watchers.Select(TakeAsync).ToArray();
        Change();
        Assert.All(await Task.WhenAll(first), t => Assert.Equal([1L], t));

        var second = _watchers.Select(TakeAsync).ToArray();
        Change();
        Change();
        Assert.DoesNotContain(second, t => t.IsCompleted);
        Assert.Equal(1, _clock.Set);
        _clock.Advance(Crowd.Round);
        Assert.All(await Task.WhenAll(second), t => Assert.Equal([2L, 3L], t));

        // The next round has begun with that.
        var third = _watchers.Select(TakeAsync).ToArray();
        Change();
        Assert.DoesNotContain(third, t => t.IsCompleted);
        _clock.Advance(Crowd.Round);
        Assert.All(await Task.WhenAll(third), t => Assert.Equal([4L], t));

        _clock.Advance(Crowd.Round);
        var fourth = _watchers.Select(TakeAsync).ToArray();
        Change();
        Assert.All(await Task.WhenAll(fourth), t => Assert.Equal([5L], t));
    }

    [Fact]
    public async Task Whoever_comes_late_takes_what_its_round_brings_and_an_end_waits_for_no_round()
    {
        Watch(Crowd.Few + 1);
        var first = _watchers.Skip(2).Select(TakeAsync).ToArray();
        Change();
        await Task.WhenAll(first);
        var late = TakeAsync(_watchers[0]);
        Change();
        Assert.False(late.IsCompleted);
        _clock.Advance(Crowd.Round);
        Assert.Equal([1L, 2L], (await late).AsEnumerable());

        var ended = TakeAsync(_watchers[1]);
        Assert.False(ended.IsCompleted);
        _watchers[1].End();
        Assert.Equal([1L, 2L], (await ended).AsEnumerable());
        Assert.Empty(await TakeAsync(_watchers[1]));
    }

    [Fact]
    public async Task When_the_others_leave_nobody_waits()
    {
        Watch(Crowd.Few + 1);
        Change();
        Assert.Equal([1L], (await TakeFirstAsync()).AsEnumerable());
        _crowd.Remove(_watchers[^1]);
        var next = TakeAsync(_watchers[0]);
        Change();
        Assert.Equal([2L], (await next).AsEnumerable());

        async Task<long[]> TakeFirstAsync()
        {
            _clock.Advance(Crowd.Round);
            return await TakeAsync(_watchers[0]);
        }
    }
}
