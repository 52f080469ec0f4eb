namespace Hanbae.Server.FlowControl;

/// <summary>How many seats a level could have used over a time.</summary>
readonly record struct Demand(double HighWatermark, double Average, double Deviation);

/// <summary>Keeps account of how many seats a level could use: what runs and what waits.</summary>
sealed class DemandStats
{
    double _from, _at, _sum, _squares, _high;
    double _now;

    public void Begin(double at) => (_from, _at) = (at, at);

    /// <summary>Says what has been so since the last call.</summary>
    public void Advance(double at, double seats)
    {
        double seconds = Math.Max(0, at - _at);
        _at = Math.Max(at, _at);
        _now = seats;
        _high = Math.Max(_high, seats);
        _sum += seats * seconds;
        _squares += seats * seats * seconds;
    }

    public Demand Take()
    {
        double seconds = _at - _from;
        double average = seconds > 0 ? _sum / seconds : _now;
        double deviation = seconds > 0 ? Math.Sqrt(Math.Max(0, _squares / seconds - average * average)) : 0;
        var demand = new Demand(_high, average, deviation);
        (_from, _sum, _squares, _high) = (_at, 0, 0, _now);
        return demand;
    }
}
