using Hanbae.Machinery.Figures;
using Hanbae.Server.FlowControl;
using Hanbae.Server.InProcess;

namespace Hanbae.Server.Tests.FlowControl;

/// <summary>The fair queues without a clock: time is what a test says it is.</summary>
public sealed class QueueSetTests
{
    const long Second = 1_000_000;
    long _now;

    QueueSet Make(int limit, int queues = 8, int hand = 1, int length = 1000) => new("level", new(queues, hand, length), limit, Second, _now);

    Ticket? Start(QueueSet set, string flow, ulong hash, int seats = 1) => Start(set, flow, hash, new WorkEstimate(seats), out _);

    Ticket? Start(QueueSet set, string flow, ulong hash, WorkEstimate estimate, out Refusal refusal) => set.Start(null, flow, hash, estimate, set.CountsOf("schema"), _now, out refusal);

    [Fact]
    public async Task What_finds_a_seat_runs_at_once_and_what_does_not_waits()
    {
        var set = Make(limit: 2);
        var first = Start(set, "a", 1)!;
        var second = Start(set, "a", 1)!;
        var third = Start(set, "a", 1)!;

        Assert.True(first.IsRunning && second.IsRunning);
        Assert.False(third.IsRunning);
        set.Finish(first, _now);

        Assert.True(third.IsRunning);
        Assert.Equal(Refusal.None, await third.Decided);
        Assert.Equal((2, 0), (set.SeatsInUse, set.Waiting));
    }

    [Fact]
    public void What_a_level_uses_is_known_nanosecond_by_nanosecond()
    {
        var set = Make(limit: 4, queues: 2, length: 5);
        set.Nominal = 2;
        var running = Enumerable.Range(0, 5).Select(_ => Start(set, "a", 1)!).ToArray();
        _now += 3 * Second; // four of four seats, one of ten places, five seats wanted of two
        foreach (var ticket in running) set.Finish(ticket, _now);
        _now += Second; // nothing
        set.TakeDemand(_now);
        var text = new PrometheusText();
        set.Look((s, _, _) =>
        {
            s.Use.Seats.Render(text, "seats", "l");
            s.Use.Waiting.Render(text, "waiting", "l");
            s.Use.Demand.Render(text, "demand", "l");
        });
        string printed = text.ToString();
        foreach (string line in (string[])
        [
            "seats_bucket{l,le=\"0.1\"} 1000000000", "seats_bucket{l,le=\"0.99\"} 1000000000", "seats_bucket{l,le=\"1\"} 4000000000", "seats_sum{l} 3000000000", "seats_count{l} 4000000000",
            "waiting_bucket{l,le=\"0.03\"} 1000000000", "waiting_bucket{l,le=\"0.1\"} 4000000000", "demand_bucket{l,le=\"2\"} 1000000000", "demand_bucket{l,le=\"2.8\"} 4000000000", "demand_sum{l} 7500000000",
        ])
            Assert.Contains(line + "\n", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Reads_and_writes_of_all_levels_are_told_apart_waiting_and_executed()
    {
        var traffic = new Traffic(1.0 / Second, _now);
        traffic.Limit(waiting: 10, executing: 4, _now);
        QueueSet one = new("one", new(2, 1, 5), 1, Second, _now, traffic), other = new("other", new(2, 1, 5), 1, Second, _now, traffic);
        Ticket Of(QueueSet set, string method)
        {
            var request = InProcessContext.Of(new() { Method = method, Path = "/api/v1/namespaces/default/configmaps", Identity = FlowRig.User("jane") }, CancellationToken.None);
            return set.Start(request, "jane", 1, WorkEstimate.One, set.CountsOf("schema"), _now, out _)!;
        }
        Ticket read = Of(one, "GET"), second = Of(other, "GET"), write = Of(one, "POST"), leaves = Of(other, "DELETE");
        int[] Now() => [traffic.ExecutingReads.Requests, traffic.ExecutingWrites.Requests, traffic.WaitingReads.Requests, traffic.WaitingWrites.Requests];
        Assert.Equal([2, 0, 0, 2], Now());
        _now += Second; // two of four run, two of ten wait
        Assert.True(other.Withdraw(leaves, Refusal.Cancelled, _now));
        one.Finish(read, _now);
        Assert.Equal([1, 1, 0, 0], Now());
        one.Finish(read, _now); // a second time counts for nothing
        _now += Second; // one of four each
        one.Finish(write, _now);
        other.Finish(second, _now);
        Assert.Equal([0, 0, 0, 0], Now());
        traffic.Limit(waiting: 10, executing: 4, _now); // as every ten seconds, which brings all up to now

        var text = new PrometheusText();
        traffic.ExecutingReads.Render(text, "reads", "l");
        traffic.ExecutingWrites.Render(text, "writes", "l");
        traffic.WaitingWrites.Render(text, "waiting", "l");
        string printed = text.ToString();
        foreach (string line in (string[])
        [
            "reads_bucket{l,le=\"0.2\"} 0", "reads_bucket{l,le=\"0.3\"} 1000000000", "reads_bucket{l,le=\"0.5\"} 2000000000", "reads_sum{l} 750000000", "reads_count{l} 2000000000",
            "writes_bucket{l,le=\"0\"} 1000000000", "writes_bucket{l,le=\"0.3\"} 2000000000", "waiting_bucket{l,le=\"0.1\"} 1000000000", "waiting_bucket{l,le=\"0.2\"} 2000000000",
        ])
            Assert.Contains(line + "\n", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_request_to_leave_a_queue_shows_how_far_the_queues_are_apart()
    {
        var set = Make(limit: 2, queues: 2);
        LastDispatch? Last()
        {
            LastDispatch? last = null;
            set.Look((s, _, _) => last = s.LastDispatch);
            return last is { } d ? new(Math.Round(d.Progress, 6), Math.Round(d.Start, 6), Math.Round(d.Least, 6), Math.Round(d.Most, 6), Math.Round(d.LeastDiscounted, 6), Math.Round(d.MostDiscounted, 6)) : null;
        }
        Assert.Null(Last());
        Start(set, "a", 0);
        Assert.Equal(new(0, 0, 0, 0, 0, 0), Last());
        // The first is guessed to take three milliseconds, and is under way.
        var second = Start(set, "a", 0)!;
        Assert.Equal(new(0, 0.003, 0.003, 0.003, 0, 0), Last());
        Start(set, "a", 0);
        var other = Start(set, "b", 1)!;
        Assert.Equal(new(0, 0.003, 0.003, 0.003, 0, 0), Last());
        _now += Second;
        set.Finish(second, _now);
        // What it took is the first queue's, which has one more under way; the other queue has had nothing.
        Assert.True(other.IsRunning);
        Assert.Equal(new(1, 0, 0, 1.003, 0, 1), Last());
    }

    [Fact]
    public void A_flow_that_floods_its_queue_leaves_every_other_flow_its_equal_part()
    {
        var set = Make(limit: 1, queues: 2);
        var running = Start(set, "storm", 0)!;
        var storm = Enumerable.Range(0, 500).Select(_ => Start(set, "storm", 0)!).ToList();
        var calm = Enumerable.Range(0, 20).Select(_ => Start(set, "calm", 1)!).ToList();
        int ended = 0;
        while (calm.Any(t => !t.IsRunning && t.State == TicketState.Waiting))
        {
            _now += Second / 100;
            set.Finish(running, _now);
            running = storm.Concat(calm).Single(t => t.IsRunning);
            ended++;
        }

        // Turn by turn: the calm flow's twenty are through after about as many of the storm's, not after its five hundred.
        Assert.InRange(ended, 20, 45);
    }

    [Fact]
    public void A_wide_request_counts_as_many_as_its_seats()
    {
        var set = Make(limit: 10, queues: 3);
        var blocker = Start(set, "x", 2, seats: 10)!;
        var wide = Enumerable.Range(0, 20).Select(_ => Start(set, "wide", 0, seats: 5)!).ToList();
        var narrow = Enumerable.Range(0, 100).Select(_ => Start(set, "narrow", 1)!).ToList();
        _now += Second;
        set.Finish(blocker, _now);
        int wideSeats = 0, narrowSeats = 0;
        for (int round = 0; round < 8; round++)
        {
            var running = wide.Concat(narrow).Where(t => t.IsRunning).ToList();
            wideSeats += running.Where(t => t.Flow == "wide").Sum(t => t.Estimate.MaxSeats);
            narrowSeats += running.Count(t => t.Flow == "narrow");
            _now += Second / 10;
            foreach (var t in running) set.Finish(t, _now);
        }

        Assert.InRange(wideSeats, 20, 60);
        Assert.InRange(narrowSeats, 20, 60);
    }

    [Fact]
    public void A_full_queue_refuses_and_a_level_without_queues_refuses_what_finds_no_seat()
    {
        var set = Make(limit: 1, length: 2);
        Start(set, "a", 1);
        Start(set, "a", 1);
        Start(set, "a", 1);
        Assert.Null(Start(set, "a", 1, WorkEstimate.One, out var full));
        Assert.Equal(Refusal.QueueFull, full);
        // Another queue is not full.
        Assert.NotNull(Start(set, "b", 2));

        var reject = new QueueSet("reject", QueueShape.Reject, 1, Second, _now);
        Assert.NotNull(Start(reject, "a", 1));
        Assert.Null(Start(reject, "a", 1, WorkEstimate.One, out var none));
        Assert.Equal(Refusal.ConcurrencyLimit, none);
        Assert.Equal(1, reject.CountsOf("schema").Rejected[(int)Refusal.ConcurrencyLimit]);
    }

    [Fact]
    public void Exempt_requests_are_counted_and_never_held_up()
    {
        var set = new QueueSet("exempt", QueueShape.Exempt, 0, Second, _now);
        for (int i = 0; i < 1000; i++) Assert.True(Start(set, "", 0)!.IsRunning);
        Assert.Equal(1000, set.SeatsInUse);
    }

    [Fact]
    public void A_request_larger_than_its_level_runs_alone()
    {
        var set = Make(limit: 2);
        var small = Start(set, "a", 1)!;
        var large = Start(set, "b", 2, seats: 5)!;
        Assert.False(large.IsRunning);
        set.Finish(small, ++_now);
        Assert.True(large.IsRunning);
        var after = Start(set, "a", 1)!;
        Assert.False(after.IsRunning);
        set.Finish(large, ++_now);
        Assert.True(after.IsRunning);
    }

    [Fact]
    public void Final_seats_stay_taken_after_the_answer_for_as_long_as_the_watchers_take()
    {
        var set = Make(limit: 10);
        Assert.True(Start(set, "a", 1, new WorkEstimate(1, 8, TimeSpan.FromMilliseconds(5)), out _) is { IsRunning: true });
        var write = Start(set, "b", 2, new WorkEstimate(1, 2, TimeSpan.FromMilliseconds(5)), out _)!;
        var next = Start(set, "a", 1)!;
        Assert.False(next.IsRunning);

        Assert.Equal(TimeSpan.FromMilliseconds(5), set.Finish(write, ++_now));
        Assert.False(next.IsRunning);
        set.Release(write, ++_now);
        Assert.True(next.IsRunning);
        // Twice changes nothing.
        Assert.Null(set.Finish(write, ++_now));
        set.Release(write, ++_now);
        Assert.Equal(9, set.SeatsInUse);
    }

    [Fact]
    public async Task What_is_withdrawn_leaves_its_place_to_the_next()
    {
        var set = Make(limit: 1);
        var running = Start(set, "a", 1)!;
        var gone = Start(set, "a", 1)!;
        var next = Start(set, "a", 1)!;
        Assert.True(set.Withdraw(gone, Refusal.TimeOut, ++_now));
        Assert.False(set.Withdraw(gone, Refusal.Cancelled, ++_now));
        Assert.False(set.Withdraw(running, Refusal.Cancelled, ++_now));
        Assert.Equal(Refusal.TimeOut, await gone.Decided);
        set.Finish(running, ++_now);
        Assert.True(next.IsRunning);
        set.Finish(next, ++_now);
        Assert.True(set.IsIdle);
    }

    [Fact]
    public void Fewer_queues_drain_and_more_seats_are_used_at_once()
    {
        var set = Make(limit: 0, queues: 8);
        var waiting = Enumerable.Range(0, 8).Select(i => Start(set, "f" + i, (ulong)i)!).ToList();
        Assert.All(waiting, t => Assert.False(t.IsRunning));
        set.Configure(new(2, 1, 10), 3, ++_now);
        Assert.Equal(3, waiting.Count(t => t.IsRunning));
        while (waiting.FirstOrDefault(t => t.IsRunning) is { } one) set.Finish(one, ++_now);
        Assert.True(set.IsIdle);
    }

    /// <summary>Whatever happens in whatever order: seats and counts come back to nothing, and the limit is never passed.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Nothing_is_lost_in_any_order_of_events(int seed)
    {
        var random = new Random(seed);
        var set = Make(limit: 7, queues: 16, hand: 4, length: 5);
        List<Ticket> all = [], lingering = [];
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            _now += random.Next(2000);
            switch (random.Next(5))
            {
                case 0 or 1:
                    var estimate = new WorkEstimate(random.Next(1, 4), random.Next(4) == 0 ? random.Next(1, 9) : 0, TimeSpan.FromMilliseconds(random.Next(3)));
                    string flow = "f" + random.Next(12);
                    if (Start(set, flow, ShuffleSharding.Hash(1, flow), estimate, out _) is { } ticket) all.Add(ticket);
                    else refused++;
                    break;
                case 2 when all.Count > 0: set.Withdraw(all[random.Next(all.Count)], Refusal.Cancelled, _now); break;
                case 3 when all.FirstOrDefault(t => t.IsRunning) is { } running:
                    if (set.Finish(running, _now) is not null) lingering.Add(running);
                    break;
                case 4 when lingering.Count > 0:
                    set.Release(lingering[0], _now);
                    lingering.RemoveAt(0);
                    break;
            }
            all.RemoveAll(t => t.State is TicketState.Over or TicketState.Lingering);
            // A single one may be larger than the level.
            Assert.True(set.SeatsInUse <= 7 || set.Running + lingering.Count == 1 || set.Running <= 1, $"step {i}: {set.SeatsInUse} seats, {set.Running} running");
        }
        while (all.Count + lingering.Count > 0)
        {
            foreach (var t in lingering) set.Release(t, ++_now);
            lingering.Clear();
            foreach (var t in all.Where(t => t.IsRunning).ToList())
                if (set.Finish(t, ++_now) is not null) lingering.Add(t);
            all.RemoveAll(t => t.State is TicketState.Over or TicketState.Lingering);
        }
        var counts = set.CountsOf("schema");
        Assert.True(set.IsIdle);
        Assert.Equal((0, 0, 0, 0), (counts.Executing, counts.ExecutingSeats, counts.Waiting, counts.WaitingSeats));
        Assert.Equal(refused, counts.Rejected[(int)Refusal.QueueFull]);
        set.Look((_, queues, _) => Assert.Empty(queues));
    }

    [Fact]
    public void A_request_that_finds_a_seat_costs_one_ticket_and_no_more()
    {
        var set = Make(limit: 100, queues: 128, hand: 6);
        var counts = set.CountsOf("schema");
        ulong hash = ShuffleSharding.Hash(1, "user");
        void Many(int n)
        {
            for (int i = 0; i < n; i++) set.Finish(set.Start(null, "user", hash, WorkEstimate.One, counts, ++_now, out _)!, ++_now);
        }
        Many(1000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Many(1000);
        long each = (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;

        Assert.InRange(each, 1, 160);
    }
}
