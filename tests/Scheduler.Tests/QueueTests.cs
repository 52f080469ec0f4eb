using Hanbae.Kit;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Tests;

public sealed class QueueTests
{
    readonly FakeTime _time = new();
    readonly Queue _queue;

    public QueueTests() => _queue = new(_time);

    [Fact]
    public void The_highest_priority_goes_first_and_among_equals_the_oldest()
    {
        foreach (var (name, priority) in new[] { ("old", 1), ("young", 1), ("system", 1000), ("low", -5) }) _queue.Put(Make.Pod(name, priority: priority).Info());
        Assert.Equal(["system", "old", "young", "low"], Drain());
    }

    [Fact]
    public void Backoff_doubles_from_one_second_to_ten()
    {
        _queue.Put(Make.Pod("a").Info());
        List<double> pauses = [];
        for (int i = 0; i < 6; i++)
        {
            var pod = _queue.Next()!;
            _queue.Failed(pod, Change.NodeAdded);
            _queue.On(Change.NodeAdded);
            var pause = _queue.Delay()!.Value;
            pauses.Add(pause.TotalSeconds);
            _time.Advance(pause - TimeSpan.FromTicks(1));
            Assert.Null(_queue.Next());
            _time.Advance(TimeSpan.FromTicks(1));
        }
        Assert.Equal([1, 2, 4, 8, 10, 10], pauses);
    }

    [Fact]
    public void Backoff_counts_from_the_failure_not_from_the_cure()
    {
        Fail("a", Change.NodeAdded);
        _time.Advance(TimeSpan.FromSeconds(3));
        _queue.On(Change.NodeAdded);
        Assert.Equal(["a"], Drain());
    }

    [Fact]
    public void Only_a_cure_wakes()
    {
        Fail("cpu", Change.PodRemoved | Change.NodeAllocatable);
        Fail("label", Change.NodeLabels);
        _time.Advance(TimeSpan.FromSeconds(20));
        _queue.On(Change.NodeTaints | Change.NodeUncordoned);
        Assert.Empty(Drain());
        _queue.On(Change.NodeLabels);
        Assert.Equal(["label"], Drain());
        _queue.On(Change.PodRemoved);
        Assert.Equal(["cpu"], Drain());
    }

    [Fact]
    public void A_cure_that_came_while_the_Pod_was_tried_counts()
    {
        _queue.Put(Make.Pod("a").Info());
        var pod = _queue.Next()!;
        _queue.On(Change.NodeAdded);
        _queue.Failed(pod, Change.NodeAdded);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["a"], Drain());
    }

    [Fact]
    public void However_hopeless_after_five_minutes_it_is_tried_again()
    {
        Fail("a", Change.None);
        Assert.Equal(TimeSpan.FromMinutes(5), _queue.Delay());
        _time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        _queue.Flush();
        Assert.Null(_queue.Next());
        _time.Advance(TimeSpan.FromTicks(1));
        _queue.Flush();
        Assert.Equal(["a"], Drain());
    }

    [Fact]
    public void A_change_of_the_Pod_itself_wakes_it_and_its_status_does_not()
    {
        Fail("a", Change.None);
        _time.Advance(TimeSpan.FromSeconds(20));
        var pod = Make.Pod("a");
        _queue.Put((pod with { Status = pod.Status with { Phase = "Pending" } }).Info());
        Assert.Empty(Drain());
        _queue.Put(pod.With(s => s with { NodeSelector = Api.Map.Of(("a", "b")) }).Info());
        Assert.Equal(["a"], Drain());
    }

    [Fact]
    public void A_removed_Pod_is_tried_no_more_wherever_it_was()
    {
        _queue.Put(Make.Pod("active").Info());
        _queue.Remove(new("default", "active"));
        Fail("aside", Change.NodeAdded);
        _queue.Remove(new("default", "aside"));
        Fail("backoff", Change.NodeAdded);
        _queue.On(Change.NodeAdded);
        _queue.Remove(new("default", "backoff"));
        _time.Advance(TimeSpan.FromMinutes(10));
        _queue.Flush();
        _queue.On(Change.Any);
        Assert.Empty(Drain());
        Assert.Equal(0, _queue.Count);
        Assert.Null(_queue.Delay());
    }

    [Fact]
    public void Another_Pod_of_the_same_name_is_another_Pod()
    {
        _queue.Put(Make.Pod("a").Info());
        var old = _queue.Next()!;
        var made = Make.Pod("a");
        _queue.Put((made with { Metadata = made.Metadata with { Uid = "second" } }).Info());
        _queue.Remove(old.Key, old.Uid);
        Assert.Equal("second", _queue.Next()!.Uid);
        _queue.Failed(old, Change.None);
        Assert.Null(_queue.Delay());
    }

    void Fail(string name, Change curableBy)
    {
        _queue.Put(Make.Pod(name).Info());
        _queue.Failed(_queue.Next()!, curableBy);
    }

    List<string> Drain()
    {
        List<string> names = [];
        while (_queue.Next() is { } pod) { names.Add(pod.Key.Name); _queue.Remove(pod.Key); }
        return names;
    }
}
