using Hanbae.Machinery.Figures;

namespace Hanbae.Server.FlowControl;

/// <summary>Requests of one sort in all levels together, as a part of what these have room for, over time.</summary>
/// <remarks>A lock of its own, held for some tens of nanoseconds beneath those of the levels.</remarks>
sealed class TrafficGauge(double secondsPerTick, long now)
{
    readonly Lock _gate = new();
    readonly TimedRatio _ratio = new(TimedRatio.Traffic);
    double _room;
    long _last = now;
    int _requests;

    public int Requests { get { lock (_gate) return _requests; } }

    public void Change(int by, long now)
    {
        lock (_gate)
        {
            Advance(now);
            _requests += by;
        }
    }

    /// <param name="room">So many requests there may be from now on.</param>
    public void Limit(double room, long now)
    {
        lock (_gate)
        {
            Advance(now);
            _room = room;
        }
    }

    /// <summary>Levels look at the clock each for themselves: who comes late adds nothing.</summary>
    void Advance(long now)
    {
        if (now <= _last) return;
        _ratio.Add(_requests, _room, (now - _last) * secondsPerTick);
        _last = now;
    }

    public void Render(PrometheusText text, string name, string labels)
    {
        lock (_gate) _ratio.Render(text, name, labels);
    }
}

/// <summary>Requests that wait and that are executed, those that read and those that write.</summary>
sealed class Traffic(double secondsPerTick, long now)
{
    public readonly TrafficGauge WaitingReads = new(secondsPerTick, now), WaitingWrites = new(secondsPerTick, now);
    public readonly TrafficGauge ExecutingReads = new(secondsPerTick, now), ExecutingWrites = new(secondsPerTick, now);

    public TrafficGauge Waiting(Ticket ticket) => ticket.Writes ? WaitingWrites : WaitingReads;
    public TrafficGauge Executing(Ticket ticket) => ticket.Writes ? ExecutingWrites : ExecutingReads;

    /// <summary>Reads and writes have the same room: a level does not tell them apart.</summary>
    public void Limit(double waiting, double executing, long now)
    {
        WaitingReads.Limit(waiting, now);
        WaitingWrites.Limit(waiting, now);
        ExecutingReads.Limit(executing, now);
        ExecutingWrites.Limit(executing, now);
    }
}
