using Hanbae.Machinery.Figures;

namespace Hanbae.Server.FlowControl;

/// <summary>For how long a ratio had which values, as a histogram in nanoseconds: upstream's "observations at the end of every nanosecond". Whoever writes holds a lock.</summary>
sealed class TimedRatio(double[] bounds)
{
    /// <summary>Upstream's bounds of parts of a limit in seats, of one in requests, of demand, which may be more than the limit, and of reads and writes.</summary>
    public static readonly double[] Seats = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1],
        Requests = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1], Demand = [0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6],
        Traffic = [0, 0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1];

    readonly double[] _seconds = new double[bounds.Length + 1];
    double _sum;

    /// <param name="of">0 counts as 1: there is no part of nothing.</param>
    public void Add(double value, double of, double seconds)
    {
        double ratio = value / Math.Max(1, of);
        int i = 0;
        while (i < bounds.Length && ratio > bounds[i]) i++;
        _seconds[i] += seconds;
        _sum += ratio * seconds;
    }

    public void Render(PrometheusText text, string name, string labels) =>
        text.Distribution(name, labels, bounds, Array.ConvertAll(_seconds, seconds => (long)Math.Round(seconds * 1e9)), _sum * 1e9);
}
