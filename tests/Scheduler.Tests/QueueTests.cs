using Hanbae.Kit;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler.Tests;

public sealed class QueueTests
{
    readonly FakeTime _time = new();
    readonly Queue _queue;

    readonly Profile _profile = new(new());
    readonly Snapshot _snapshot = Make.Snapshot(Make.Node("n", cpu: "2"));

    public QueueTests() => _queue = new(_time, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), _ => _profile, _snapshot);

    /// <summary>The bit of a plugin.</summary>
    ulong Of(string plugin) => 1UL << _profile.Plugins.Index().First(p => p.Item.Name == plugin).Index;

    [Fact]
    public void The_highest_priority_goes_first_and_among_equals_the_oldest()
    {
        foreach (var (name, priority) in new[] { ("old", 1), ("young", 1), ("system", 1000), ("low", -5) }) _queue.Put(Make.Pod(name, priority: priority).Info());
        Assert.Equal(["system", "old", "young", "low"], Drain());
    }

    [Fact]
    public void Backoff_after_an_error_doubles_from_one_second_to_ten()
    {
        _queue.Put(Make.Pod("a").Info());
        List<double> pauses = [];
        for (int i = 0; i < 6; i++)
        {
            _queue.Errored(_queue.Next()!);
            var pause = _queue.Delay()!.Value;
            pauses.Add(pause.TotalSeconds);
            _time.Advance(pause - TimeSpan.FromTicks(1));
            Assert.Null(_queue.Next());
            _time.Advance(TimeSpan.FromTicks(1));
        }
        Assert.Equal([1, 2, 4, 8, 10, 10], pauses);
    }

    [Fact]
    public void Who_backs_off_lets_everybody_else_go_first_and_has_idle_time()
    {
        Fail("again", "NodeUnschedulable");
        _queue.On(Uncordoned);
        _queue.Put(Make.Pod("fresh", priority: -1).Info());
        Assert.Equal(["fresh", "again"], Drain());
    }

    [Fact]
    public void Backoff_counts_from_the_failure_not_from_the_cure()
    {
        Fail("a", "NodeUnschedulable");
        _time.Advance(TimeSpan.FromSeconds(3));
        _queue.On(Uncordoned);
        _queue.Put(Make.Pod("b").Info());
        Assert.Equal(["a", "b"], Drain());
    }

    [Fact]
    public void Only_a_cure_wakes()
    {
        Fail("cpu", "NodeResourcesFit");
        Fail("label", "NodeAffinity");
        _queue.On(new(Change.NodeTaints | Change.NodeUncordoned, null, Make.Node("n")));
        Assert.Empty(Drain());
        _queue.On(new(Change.NodeLabels, null, Make.Node("n")));
        Assert.Equal(["label"], Drain());
        _queue.On(new(Change.PodRemoved, Make.Pod("other")));
        Assert.Equal(["cpu"], Drain());
    }

    [Fact]
    public void A_change_that_cannot_help_this_Pod_wakes_it_not()
    {
        _queue.Put(Make.Pod("big", "8").Info());
        _queue.Failed(_queue.Next()!, Of("NodeResourcesFit"));
        _queue.On(new(Change.NodeAdded, null, Make.Node("small", cpu: "2")));
        Assert.Empty(Drain());
        _queue.On(new(Change.NodeAdded, null, Make.Node("large", cpu: "16")));
        Assert.Equal(["big"], Drain());
    }

    [Fact]
    public void Who_has_others_go_is_tried_when_the_last_of_them_has_gone()
    {
        PodInfo[] victims = [Make.Pod("one", "1").Info(), Make.Pod("two", "1").Info()];
        foreach (var victim in victims) _snapshot.Place(victim, "n");
        _queue.Put(Make.Pod("high", "2", priority: 10).Info());
        var pod = _queue.Next()!;
        _profile.Open(pod, _snapshot);
        _snapshot.Nominate(pod, "n");
        _queue.Failed(pod, Of("NodeResourcesFit"), victims);
        Assert.Empty(Gone(victims[0]));
        Assert.Equal(["high"], Gone(victims[1]));

        List<string> Gone(PodInfo victim)
        {
            _snapshot.Forget(victim.Uid);
            _queue.On(new(Change.PodRemoved, victim.Pod, Where: "n"));
            return Drain();
        }
    }

    [Fact]
    public void A_gated_Pod_waits_until_its_gates_are_gone()
    {
        var gated = Make.Pod("a").With(s => s with { SchedulingGates = [new() { Name = "quota" }] });
        _queue.Put(gated.Info());
        Assert.Empty(Drain());
        _queue.Put(gated.With(s => s with { SchedulingGates = default }).Info());
        Assert.Equal(["a"], Drain());
    }

    [Fact]
    public void A_change_of_the_Pod_while_it_was_tried_counts()
    {
        _queue.Put(Make.Pod("a").Info());
        var pod = _queue.Next()!;
        _queue.Put(Make.Pod("a").With(s => s with { NodeSelector = Api.Map.Of(("a", "b")) }).Info());
        _queue.Failed(pod, Of("NodeAffinity"));
        Assert.Equal(["a"], Drain());
    }

    static ClusterChange Uncordoned => new(Change.NodeUncordoned, Make.Node("n").Cordoned(), Make.Node("n"));

    [Fact]
    public void However_hopeless_after_five_minutes_it_is_tried_again()
    {
        Fail("a", "NodeName");
        // Looked for twice a minute.
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromMinutes(5); passed += TimeSpan.FromSeconds(30))
        {
            _queue.Flush();
            Assert.Null(_queue.Next());
            Assert.Equal(TimeSpan.FromSeconds(30), _queue.Delay());
            _time.Advance(TimeSpan.FromSeconds(30));
        }
        _queue.Flush();
        Assert.Equal(["a"], Drain());
    }

    [Fact]
    public void A_change_of_the_Pod_itself_wakes_it_and_its_status_does_not()
    {
        Fail("a", "NodeName");
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
        Fail("aside", "NodeUnschedulable");
        _queue.Remove(new("default", "aside"));
        Fail("backoff", "NodeUnschedulable");
        _queue.On(Uncordoned);
        _queue.Remove(new("default", "backoff"));
        _time.Advance(TimeSpan.FromMinutes(10));
        _queue.Flush();
        _queue.On(new(Change.Any));
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
        _queue.Failed(old, 0);
        Assert.Null(_queue.Delay());
    }

    void Fail(string name, string plugin)
    {
        _queue.Put(Make.Pod(name).Info());
        _queue.Failed(_queue.Next()!, Of(plugin));
    }

    List<string> Drain()
    {
        List<string> names = [];
        while (_queue.Next() is { } pod) { names.Add(pod.Key.Name); _queue.Remove(pod.Key); }
        return names;
    }
}
