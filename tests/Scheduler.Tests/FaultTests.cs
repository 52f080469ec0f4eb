using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Bench.Scheduler;
using Hanbae.Client;
using Hanbae.Kit;

namespace Hanbae.Scheduler.Tests;

/// <summary>What may go wrong around a scheduler, and that it gets over it.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    readonly Rig _rig = new();
    FakeApi Api => _rig.Api;

    public Task InitializeAsync() => Task.CompletedTask;
    public Task DisposeAsync() => _rig.DisposeAsync().AsTask();

    [Fact]
    public async Task Two_schedulers_at_once_never_bind_a_Pod_twice()
    {
        for (int i = 0; i < 6; i++) Api.Put(Make.Node("n" + i, cpu: "64"));
        for (int i = 0; i < 60; i++) Api.Put(Make.Pod("early-" + i, "100m"));
        _rig.Start();
        _rig.Start();
        for (int i = 0; i < 60; i++) Api.Put(Make.Pod("late-" + i, "100m"));
        for (int i = 0; i < 60; i++) foreach (string when in new[] { "early-", "late-" }) await _rig.BoundAsync(when + i);
        Assert.Equal(120, _rig.Bound.Count);
        Assert.Equal(120, _rig.Bound.Select(b => b.Pod).Distinct().Count());
    }

    [Fact]
    public async Task A_Pod_that_somebody_else_has_bound_takes_up_nothing_where_it_was_to_go()
    {
        Api.Put(Make.Node("n1", cpu: "1"));
        Api.Put(Make.Pod("a", "1"));
        _rig.Meddle = r =>
        {
            if (r.Method != "POST" || !r.Path.EndsWith("/pods/a/binding", StringComparison.Ordinal)) return null;
            Api.Change<Pod>("a", p => p with { Spec = p.Spec with { NodeName = "elsewhere" } });
            return new() { Code = 409, Object = FakeApi.Error(409, "Conflict", "pod a is already assigned to node \"elsewhere\"").Status };
        };
        _rig.Start();
        await _rig.BoundAsync("a");
        Api.Put(Make.Pod("b", "1"));
        await _rig.BoundAsync("b");
        Assert.Equal([("b", "n1")], _rig.Bound);
    }

    [Fact]
    public async Task Changes_that_are_seen_late_count_all_the_same()
    {
        Api.Put(Make.Node("n1", cpu: "1"));
        Api.Put(Make.Node("n2", cpu: "1"));
        Api.Put(Make.Pod("first", "1"));
        _rig.Start();
        await _rig.BoundAsync("first");
        string taken = _rig.Bound.Single().Node;
        Api.HoldWatches();
        // The scheduler sees neither that this one goes nor that the others come.
        Api.Remove<Pod>("first");
        Api.Put(Make.Pod("second", "1"));
        Api.Put(Make.Pod("third", "1"));
        Api.ReleaseWatches();
        await _rig.BoundAsync("second");
        await _rig.BoundAsync("third");
        Assert.Equal(2, _rig.Bound.Skip(1).Select(b => b.Node).Distinct().Count());
        Assert.Contains(_rig.Bound.Skip(1), b => b.Node == taken);
    }

    [Fact]
    public async Task A_watch_that_expires_midway_loses_nobody_and_nothing_that_went_meanwhile()
    {
        foreach (string node in new[] { "n1", "n2" }) Api.Put(Make.Node(node, cpu: "1"));
        Api.Put(Make.Pod("first", "1"));
        Api.Put(Make.Pod("second", "1"));
        Api.Put(Make.Pod("waits", "2"));
        _rig.Start();
        await _rig.BoundAsync("first");
        await _rig.BoundAsync("second");
        for (int round = 0; round < 5; round++)
        {
            Api.HoldWatches();
            // None of this is ever told: only a list shows it.
            string gone = round == 0 ? "first" : "more-" + (round - 1), node = Api.Find<Pod>(gone)!.Spec.NodeName;
            Api.Remove<Pod>(gone);
            Expire(Make.Pod("more-" + round, "1"));
            await _rig.BoundAsync("more-" + round);
            Assert.Equal(node, Api.Find<Pod>("more-" + round)!.Spec.NodeName);
        }
        // Who waited all the time is still known of.
        Api.HoldWatches();
        Expire(Make.Node("large", cpu: "2"));
        await _rig.BoundAsync("waits");

        void Expire<T>(T last) where T : class, IObject<T>
        {
            _rig.Watches.Expire(long.Parse(Api.Put(last).Metadata.ResourceVersion));
            Api.ReleaseWatches();
        }

        Assert.Equal(_rig.Bound.Count, _rig.Bound.Select(b => b.Pod).Distinct().Count());
        Assert.True(_rig.Watches.Expired > 0);
    }

    [Fact]
    public async Task Nodes_that_flap_while_a_hundred_thousand_Pods_wait_are_filled_to_the_last_place_and_no_further()
    {
        const int Pods = 100_000, Nodes = 10, Each = 100, Turns = 20;
        await using var cluster = new Bare();
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously), seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ConcurrentDictionary<string, string> placed = [];
        int there = 0, decided = 0;
        using var watched = cluster.CacheOf<Pod>().Subscribe(e =>
        {
            if (e.Old is null && ++there == Pods) all.TrySetResult();
            if (e.New?.Spec.NodeName is { Length: > 0 } node && placed.TryAdd(e.New.Metadata.Name, node) && placed.Count == (Nodes + 1) * Each) seen.TrySetResult();
        });
        Node Node(int i) => Make.Node("n" + i, cpu: "10", memory: "64Gi", pods: 110);
        await cluster.AddAsync(new Namespace { Metadata = new() { Name = "default" } });
        for (int i = 0; i < Nodes; i++) await cluster.AddAsync(Node(i));
        for (int i = 0; i < Pods; i++) await cluster.AddAsync(Make.Pod("p" + i, "100m"));
        await all.Task.WaitAsync(TimeSpan.FromMinutes(3));
        var full = cluster.ExpectAsync(Nodes * Each);
        // Each Pod is decided about once at least: so much happens between two turns.
        TaskCompletionSource[] turns = [.. Enumerable.Range(0, Turns).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        await cluster.StartAsync(_ => { if (++decided % (Pods / Turns) == 0 && decided <= Pods) turns[decided / (Pods / Turns) - 1].TrySetResult(); });
        for (int turn = 0; turn < Turns; turn += 2)
        {
            var node = Node(turn / 2 % Nodes);
            await turns[turn].Task.WaitAsync(TimeSpan.FromMinutes(3));
            await cluster.AddAsync(node.Taint("node.kubernetes.io/not-ready", effect: "NoExecute"));
            await cluster.AddAsync(node.Cordoned());
            await cluster.RemoveAsync(node);
            await turns[turn + 1].Task.WaitAsync(TimeSpan.FromMinutes(3));
            await cluster.AddAsync(node);
        }
        await full.WaitAsync(TimeSpan.FromMinutes(3));
        await cluster.AddAsync(Node(Nodes));
        await seen.Task.WaitAsync(TimeSpan.FromMinutes(3));
        var counts = placed.Values.CountBy(n => n).ToDictionary();
        Assert.Equal(Nodes + 1, counts.Count);
        Assert.All(counts.Values, count => Assert.Equal(Each, count));
    }

    [Fact]
    public async Task Nodes_that_come_and_go_leave_no_Pod_behind()
    {
        Api.Put(Make.Node("steady", cpu: "8"));
        for (int i = 0; i < 40; i++) Api.Put(Make.Pod("p" + i, "200m"));
        _rig.Start();
        for (int round = 0; round < 20; round++)
        {
            Api.Put(Make.Node("flaps", cpu: "8").Taint("node.kubernetes.io/not-ready"));
            Api.Put(Make.Node("flaps", cpu: "8"));
            Api.Put(Make.Node("flaps", cpu: "8").Cordoned());
            Api.Remove<Node>("flaps", ns: "");
        }
        for (int i = 0; i < 40; i++) await _rig.BoundAsync("p" + i);
        Assert.Equal(40, _rig.Bound.Count);
    }

    [Fact]
    public async Task Nobody_starves_behind_Pods_that_fit_nowhere()
    {
        Api.Put(Make.Node("n1", cpu: "4"));
        for (int i = 0; i < 500; i++) Api.Put(Make.Pod("huge-" + i, "64", priority: 100));
        Api.Put(Make.Pod("small", "1"));
        _rig.Start();
        await _rig.BoundAsync("small");
        Assert.Equal([("small", "n1")], _rig.Bound);
    }

    [Fact]
    public async Task A_server_that_fails_for_a_while_costs_time_only()
    {
        Api.Put(Make.Node("n1", cpu: "64"));
        for (int i = 0; i < 10; i++) Api.Put(Make.Pod("p" + i, "1"));
        _rig.Failures = 25;
        _rig.Start();
        for (int i = 0; i < 10; i++) await _rig.BoundAsync("p" + i);
        Assert.Equal(10, _rig.Bound.Select(b => b.Pod).Distinct().Count());
    }

    [Fact]
    public async Task A_Pod_deleted_between_decision_and_binding_frees_its_place()
    {
        Api.Put(Make.Node("n1", cpu: "1"));
        Api.Put(Make.Pod("a", "1"));
        _rig.Meddle = r =>
        {
            if (r.Method == "POST" && r.Path.EndsWith("/pods/a/binding", StringComparison.Ordinal)) Api.Remove<Pod>("a");
            return null;
        };
        _rig.Start();
        await Api.UntilAsync(a => a.Find<Pod>("a") is null, "a is gone", TimeSpan.FromSeconds(60));
        Api.Put(Make.Pod("b", "1"));
        await _rig.BoundAsync("b");
    }

    [Fact]
    public async Task A_server_that_knows_no_devices_is_not_waited_for()
    {
        _rig.Meddle = r => r.Path.StartsWith("/apis/resource.k8s.io/", StringComparison.Ordinal) ? new() { Code = 404, Object = FakeApi.Error(404, "NotFound", "the server could not find the requested resource").Status } : null;
        Api.Put(Make.Node("n1"));
        Api.Put(Make.Pod("a"));
        _rig.Start();
        await _rig.BoundAsync("a");
        Assert.Single(Api.Requests, r => r.Path.StartsWith("/apis/resource.k8s.io/v1/", StringComparison.Ordinal));
    }

    [Fact]
    public void A_hundred_thousand_Pods_wait_and_each_has_its_turn_once()
    {
        var time = new FakeTime();
        var profile = new Profile(new());
        var queue = new Queue(time, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), _ => profile, new());
        for (int i = 0; i < 100_000; i++) queue.Put(new(Make.Pod("p" + i, priority: i % 3)));
        int last = int.MaxValue;
        HashSet<Key> seen = [];
        for (int i = 0; i < 100_000; i++)
        {
            var pod = queue.Next()!;
            Assert.True(pod.Priority <= last && seen.Add(pod.Key));
            last = pod.Priority;
            queue.Failed(pod, 1);
        }
        Assert.Equal(100_000, queue.Counts.Aside);
        // Those that nothing helps are looked at again after five minutes, all of them.
        time.Advance(TimeSpan.FromMinutes(6));
        queue.Flush();
        Assert.Equal(100_000, queue.Counts.Active);
        foreach (var key in seen) queue.Remove(key);
        Assert.Equal(0, queue.Count);
    }

    /// <summary>Upstream's TestAsyncPreemption_PartialDeletionFailureRollback.</summary>
    [Fact]
    public async Task The_last_victim_goes_only_when_the_others_go()
    {
        Api.Put(Make.Node("n1", cpu: "3"));
        for (int i = 0; i < 3; i++) Api.Put(Make.Pod("v" + i, "1", priority: 10 - i).With(s => s with { NodeName = "n1" }));
        Api.Put(Make.Pod("high", "3", priority: 100));
        int asked = 0;
        bool early = false;
        _rig.Meddle = r =>
        {
            if (r.Method != "DELETE") return null;
            if (r.Path.EndsWith("/pods/v2", StringComparison.Ordinal)) early |= Volatile.Read(ref asked) <= 3;
            if (!r.Path.EndsWith("/pods/v0", StringComparison.Ordinal) || Interlocked.Increment(ref asked) > 3) return null;
            return new() { Code = 403, Object = FakeApi.Error(403, "Forbidden", "pods \"v0\" is forbidden: no").Status };
        };
        _rig.Start();
        await _rig.BoundAsync("high");
        Assert.False(early, "v2 was asked to go while v0 stayed");
        Assert.Equal(["high"], Api.All<Pod>().Select(p => p.Metadata.Name));
    }

    [Fact]
    public async Task What_is_said_of_a_Pod_is_not_said_of_another_of_its_name()
    {
        var (time, api) = (_rig.Time, _rig.Api);
        var next = Make.Pod("a");
        api.Put(next with { Metadata = next.Metadata with { Uid = "uid-of-the-next" } });
        var writer = new Writer(new ClusterAccess(api, new InformerFactory(api, time), "tests", time));
        await writer.RefuseAsync(Make.Pod("a").Info(), "default-scheduler", new(null, "no room", 0), [], CancellationToken.None);
        await writer.NominateAsync(Make.Pod("a").Info(), "n1", CancellationToken.None);
        Assert.Equal(new(), api.Find<Pod>("a")!.Status);
    }
}
