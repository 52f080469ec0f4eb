namespace Hanbae.Server.FlowControl;

/// <summary>How requests of a level wait.</summary>
/// <param name="Queues">0 to refuse what finds no seat, -1 to have no limit.</param>
readonly record struct QueueShape(int Queues, int HandSize, int Length)
{
    public static QueueShape Exempt { get; } = new(-1, 0, 0);
    public static QueueShape Reject { get; } = new(0, 0, 0);
}

/// <summary>Shares the seats of one priority level fairly among flows: fair queueing for requests whose length is known only afterwards (KEP-1040).</summary>
/// <remarks>
/// It knows no clock and no I/O: every call says what time it is. "Progress" is the seat-seconds that every busy queue would have had by now if all
/// had equal parts; a queue is charged what its requests are guessed to take, and what they really took once they end. The request whose queue
/// would be done with it first runs next. Bound: <see cref="QueueShape.Length"/> waiting requests a queue; what is not busy takes no memory.
/// One lock a level, held for some tens of nanoseconds when nobody waits.
/// </remarks>
sealed class QueueSet
{
    /// <summary>How long a request is guessed to take before it is known, in seconds: upstream's.</summary>
    const double Guess = 0.003;
    const int SpareQueues = 256;

    readonly Lock _gate = new();
    readonly double _secondsPerTick;
    readonly Dictionary<int, FlowQueue> _busy = [];
    readonly Stack<FlowQueue> _spare = new();
    readonly List<FlowQueue> _lining = [];
    readonly SortedDictionary<string, FlowCounts> _counts = new(StringComparer.Ordinal);
    readonly DemandStats _demand = new();
    readonly LevelUse _use = new();
    readonly Traffic _traffic;
    LastDispatch? _lastDispatch;
    QueueShape _shape;
    int _limit;
    double _progress;
    long _last, _dispatches;
    uint _deals;
    int _waiting, _waitingSeats, _running, _seatsInUse, _queueSeatsInUse, _queueSeatsWaiting;

    /// <param name="traffic">Of all levels together.</param>
    public QueueSet(string name, QueueShape shape, int limit, long ticksPerSecond, long now, Traffic? traffic = null)
    {
        (Name, _shape, _limit, _secondsPerTick, _last) = (name, shape, limit, 1.0 / ticksPerSecond, now);
        _traffic = traffic ?? new(_secondsPerTick, now);
        _demand.Begin(now * _secondsPerTick);
    }

    public string Name { get; }
    /// <summary>Seats that the level has by its shares, whatever it has lent or borrowed.</summary>
    public int Nominal { get; set; }
    public bool IsIdle { get { lock (_gate) return _running == 0 && _waiting == 0 && _seatsInUse == 0; } }
    public int SeatsInUse { get { lock (_gate) return _seatsInUse; } }
    public int Running { get { lock (_gate) return _running; } }
    public int Waiting { get { lock (_gate) return _waiting; } }
    public int Limit { get { lock (_gate) return _limit; } }

    /// <summary>Queues that are no longer wanted drain: nothing new is put into them.</summary>
    public void Configure(QueueShape shape, int limit, long now)
    {
        lock (_gate)
        {
            Advance(now);
            (_shape, _limit) = (shape, limit);
            DispatchAll(now);
        }
    }

    public FlowCounts CountsOf(string schema)
    {
        lock (_gate) return _counts.TryGetValue(schema, out var counts) ? counts : _counts[schema] = new(schema);
    }

    /// <summary>Takes a request in: it runs at once, waits (see <see cref="Ticket.Decided"/>), or is refused.</summary>
    /// <returns>Null when it is refused.</returns>
    public Ticket? Start(RequestContext? request, string flow, ulong hash, WorkEstimate estimate, FlowCounts counts, long now, out Refusal refusal)
    {
        lock (_gate)
        {
            Advance(now);
            counts.Seats.Add(estimate.MaxSeats);
            if (estimate.Watchers is { } watchers) counts.Watchers.Add(watchers);
            refusal = Refusal.None;
            if (_shape.Queues <= 0)
            {
                if (!Accommodates(estimate.MaxSeats)) return Refuse(counts, refusal = Refusal.ConcurrencyLimit);
                var sole = new Ticket(this, counts, request, flow, estimate) { Arrived = now };
                Run(sole, now);
                return sole;
            }
            var queue = Choose(hash);
            if (queue.Waiting.Count >= _shape.Length && _seatsInUse >= _limit)
            {
                counts.WaitedInVain.Add(0);
                return Refuse(counts, refusal = Refusal.QueueFull);
            }
            var ticket = new Ticket(this, counts, request, flow, estimate) { Arrived = now, ArrivedAt = _progress, Queue = queue };
            if (queue.IsIdle)
            {
                queue.NextDispatch = _progress;
                _busy[queue.Index] = queue;
            }
            // Nobody waits and there is room: what follows would come to the same.
            if (_waiting == 0 && Accommodates(estimate.MaxSeats))
            {
                counts.QueueLength.Add(1);
                Bound(queue, ticket);
                double discounted = queue.NextDispatch - queue.SeatsInUse * Guess;
                _lastDispatch = new(_progress, queue.NextDispatch, queue.NextDispatch, queue.NextDispatch, discounted, discounted);
                Dispatch(ticket, now);
                return ticket;
            }
            Enqueue(ticket, now);
            _ = ticket.Decided;
            DispatchAll(now);
            return ticket;
        }
    }

    /// <summary>Takes a waiting request out of its queue. False when it runs, or is decided on otherwise.</summary>
    public bool Withdraw(Ticket ticket, Refusal why, long now)
    {
        lock (_gate)
        {
            if (ticket.State != TicketState.Waiting) return false;
            Advance(now);
            Dequeue(ticket, now);
            ticket.State = TicketState.Over;
            ticket.Counts.WaitedInVain.Add((now - ticket.Arrived) * _secondsPerTick);
            Refuse(ticket.Counts, why);
            Retire(ticket.Queue!);
            ticket.Decide(why);
            // Whom it stood before may fit.
            DispatchAll(now);
            return true;
        }
    }

    /// <summary>The request is answered.</summary>
    /// <param name="began">Only the beginning of a watch was counted.</param>
    /// <returns>How long its last seats stay taken: call <see cref="Release"/> then. Null when there is nothing more to do.</returns>
    public TimeSpan? Finish(Ticket ticket, long now, bool began = false)
    {
        lock (_gate)
        {
            if (ticket.State != TicketState.Running) return null;
            Advance(now);
            double took = (now - ticket.Started) * _secondsPerTick;
            (began ? ticket.Counts.Began : ticket.Counts.Ran).Add(took);
            _running--;
            ticket.Counts.Executing--;
            _traffic.Executing(ticket).Change(-1, now);
            if (ticket.Queue is { } queue)
            {
                queue.Running--;
                // It was charged what was guessed: now it is charged what it took.
                queue.NextDispatch -= ticket.Estimate.InitialSeats * (Guess - took);
                if (queue.Waiting.First is { } first) Bound(queue, first.Value);
            }
            if (ticket.Estimate.Lingers > TimeSpan.Zero)
            {
                ticket.State = TicketState.Lingering;
                return ticket.Estimate.Lingers;
            }
            GiveBack(ticket, now);
            return null;
        }
    }

    public void Release(Ticket ticket, long now)
    {
        lock (_gate)
        {
            if (ticket.State != TicketState.Lingering) return;
            Advance(now);
            GiveBack(ticket, now);
        }
    }

    void GiveBack(Ticket ticket, long now)
    {
        int seats = ticket.Estimate.MaxSeats;
        ticket.State = TicketState.Over;
        _seatsInUse -= seats;
        ticket.Counts.ExecutingSeats -= seats;
        if (ticket.Queue is { } queue)
        {
            queue.SeatsInUse -= seats;
            _queueSeatsInUse -= seats;
            Retire(queue);
        }
        if (_waiting > 0) DispatchAll(now);
    }

    Ticket? Refuse(FlowCounts counts, Refusal why)
    {
        counts.Rejected[(int)why]++;
        return null;
    }

    /// <summary>Lets progress go on as fast as it did since the last change.</summary>
    void Advance(long now)
    {
        double seconds = (now - _last) * _secondsPerTick;
        _last = now;
        if (_busy.Count > 0 && seconds > 0) _progress += Math.Min(_queueSeatsInUse + _queueSeatsWaiting, _limit) / (double)_busy.Count * seconds;
        _demand.Advance(now * _secondsPerTick, _seatsInUse + _waitingSeats);
        if (seconds <= 0) return;
        _use.Seats.Add(_seatsInUse, _limit, seconds);
        _use.Executing.Add(_running, _limit, seconds);
        _use.Waiting.Add(_waiting, (double)_shape.Queues * _shape.Length, seconds);
        _use.Demand.Add(_seatsInUse + _waitingSeats, Nominal, seconds);
    }

    /// <summary>The queue of the flow's hand with the least work before it.</summary>
    FlowQueue Choose(ulong hash)
    {
        Span<int> hand = _shape.HandSize <= 64 ? stackalloc int[_shape.HandSize] : new int[_shape.HandSize];
        ShuffleSharding.Deal(hash, _shape.Queues, hand);
        // Equals take turns, or hands that overlap would prefer the same queue.
        int from = (int)(_deals++ % (uint)hand.Length), chosen = hand[from];
        if (_waiting > 0)
        {
            double least = double.MaxValue;
            for (int i = 0; i < hand.Length; i++)
            {
                int index = hand[(from + i) % hand.Length];
                double work = _busy.TryGetValue(index, out var busy) ? busy.WaitingWork : 0;
                if (work < least) (least, chosen) = (work, index);
            }
        }
        if (_busy.TryGetValue(chosen, out var queue)) return queue;
        queue = _spare.TryPop(out var spare) ? spare : new();
        queue.Index = chosen;
        return queue;
    }

    void Enqueue(Ticket ticket, long now)
    {
        var (queue, estimate) = (ticket.Queue!, ticket.Estimate);
        if (queue.Waiting.Count == 0) _lining.Add(queue);
        queue.Waiting.AddLast(ticket);
        queue.WaitingSeats += estimate.MaxSeats;
        queue.InitialSeats += estimate.InitialSeats;
        queue.WaitingWork += estimate.Work(Guess);
        _waiting++;
        _waitingSeats += estimate.MaxSeats;
        _queueSeatsWaiting += estimate.MaxSeats;
        ticket.Counts.Waiting++;
        ticket.Counts.WaitingSeats += estimate.MaxSeats;
        ticket.Counts.QueueLength.Add(queue.Waiting.Count);
        _traffic.Waiting(ticket).Change(1, now);
    }

    void Dequeue(Ticket ticket, long now)
    {
        var (queue, estimate) = (ticket.Queue!, ticket.Estimate);
        queue.Waiting.Remove(ticket);
        queue.WaitingSeats -= estimate.MaxSeats;
        queue.InitialSeats -= estimate.InitialSeats;
        queue.WaitingWork -= estimate.Work(Guess);
        _waiting--;
        _waitingSeats -= estimate.MaxSeats;
        _queueSeatsWaiting -= estimate.MaxSeats;
        ticket.Counts.Waiting--;
        ticket.Counts.WaitingSeats -= estimate.MaxSeats;
        _traffic.Waiting(ticket).Change(-1, now);
        if (queue.Waiting.First is { } first) Bound(queue, first.Value);
        else
        {
            // Sums of many parts leave dust.
            queue.WaitingWork = 0;
            _lining.Remove(queue);
        }
    }

    void DispatchAll(long now)
    {
        while (_waiting > 0 && _seatsInUse < _limit && Next() is { } ticket)
        {
            Dequeue(ticket, now);
            Dispatch(ticket, now);
            ticket.Decide(Refusal.None);
        }
    }

    /// <summary>The oldest request of the queue that would be done first; null when that does not fit, and nobody overtakes it.</summary>
    Ticket? Next()
    {
        FlowQueue? best = null;
        double soonest = double.MaxValue;
        double least = double.MaxValue, most = double.MinValue, leastDiscounted = double.MaxValue, mostDiscounted = double.MinValue;
        foreach (var queue in _lining)
        {
            double done = queue.NextDispatch + queue.Waiting.First!.Value.Estimate.Work(Guess);
            double discounted = queue.NextDispatch - queue.SeatsInUse * Guess;
            (least, most) = (Math.Min(least, queue.NextDispatch), Math.Max(most, queue.NextDispatch));
            (leastDiscounted, mostDiscounted) = (Math.Min(leastDiscounted, discounted), Math.Max(mostDiscounted, discounted));
            if (done < soonest || done == soonest && queue.LastDispatch < best!.LastDispatch) (soonest, best) = (done, queue);
        }
        var ticket = best!.Waiting.First!.Value;
        if (!Accommodates(ticket.Estimate.MaxSeats))
        {
            ticket.Counts.NotAccommodated++;
            return null;
        }
        _lastDispatch = new(_progress, best.NextDispatch, least, most, leastDiscounted, mostDiscounted);
        return ticket;
    }

    /// <summary>What wants more seats than there are runs alone.</summary>
    bool Accommodates(int seats) => _shape.Queues < 0 || (seats > _limit ? _running == 0 && _limit > 0 : _seatsInUse + seats <= _limit);

    void Dispatch(Ticket ticket, long now)
    {
        var queue = ticket.Queue!;
        // The level may be smaller than the request takes it to be.
        if (ticket.Estimate.FinalSeats > _limit && _limit > 0) ticket.Estimate = ticket.Estimate.Within(_limit);
        Run(ticket, now);
        queue.Running++;
        queue.SeatsInUse += ticket.Estimate.MaxSeats;
        _queueSeatsInUse += ticket.Estimate.MaxSeats;
        queue.NextDispatch += ticket.Estimate.Work(Guess);
        queue.LastDispatch = ++_dispatches;
        ticket.Counts.WaitedToRun.Add((now - ticket.Arrived) * _secondsPerTick);
    }

    void Run(Ticket ticket, long now)
    {
        int seats = ticket.Estimate.MaxSeats;
        ticket.State = TicketState.Running;
        ticket.Started = now;
        _running++;
        _seatsInUse += seats;
        ticket.Counts.Executing++;
        ticket.Counts.ExecutingSeats += seats;
        ticket.Counts.Dispatched++;
        _traffic.Executing(ticket).Change(1, now);
    }

    /// <summary>A queue that could not use its part for a while must not save it up: what waits does not begin before it came.</summary>
    static void Bound(FlowQueue queue, Ticket oldest)
    {
        if (queue.NextDispatch < oldest.ArrivedAt) queue.NextDispatch = oldest.ArrivedAt;
    }

    void Retire(FlowQueue queue)
    {
        if (!queue.IsIdle || !_busy.Remove(queue.Index)) return;
        if (_spare.Count < SpareQueues) _spare.Push(queue);
    }

    /// <summary>Demand since the last time it was asked.</summary>
    public Demand TakeDemand(long now)
    {
        lock (_gate)
        {
            Advance(now);
            return _demand.Take();
        }
    }

    /// <summary>Looks at the set while nothing changes; the queues in order of their numbers.</summary>
    public void Look(Action<QueueSet, IReadOnlyList<FlowQueue>, IReadOnlyCollection<FlowCounts>> look)
    {
        lock (_gate) look(this, [.. _busy.Values.OrderBy(q => q.Index)], _counts.Values);
    }

    /// <summary>For <see cref="Look"/>.</summary>
    internal double Progress => _progress;
    /// <summary>For <see cref="Look"/>.</summary>
    internal LevelUse Use => _use;
    /// <summary>For <see cref="Look"/>; null until a request left a queue.</summary>
    internal LastDispatch? LastDispatch => _lastDispatch;
}
