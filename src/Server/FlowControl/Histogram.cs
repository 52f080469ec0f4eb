using System.Globalization;
using System.Text;

namespace Hanbae.Server.FlowControl;

/// <summary>Counts values by upper bounds, as Prometheus wants them. Whoever writes holds a lock.</summary>
sealed class Histogram(double[] bounds)
{
    /// <summary>Upstream's bounds of waiting and execution times, of queue lengths, of seats, and of watchers.</summary>
    public static readonly double[] Seconds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30], Lengths = [0, 10, 25, 50, 100, 250, 500, 1000], Seats = [1, 2, 4, 10], Watchers = [0, 1, 10, 100, 1000, 10000];

    readonly long[] _counts = new long[bounds.Length + 1];
    double _sum;
    long _count;

    public long Count => _count;

    public void Add(double value)
    {
        int i = 0;
        while (i < bounds.Length && value > bounds[i]) i++;
        _counts[i]++;
        _count++;
        _sum += value;
    }

    public void Print(StringBuilder text, string name, string labels)
    {
        if (_count == 0) return;
        long count = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            count += _counts[i];
            string bound = i < bounds.Length ? bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels},le=\"{bound}\"}} {count}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {_sum}\n{name}_count{{{labels}}} {_count}\n");
    }
}
