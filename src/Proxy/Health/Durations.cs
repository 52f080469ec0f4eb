using System.Globalization;
using System.Text;

namespace Hanbae.Proxy.Health;

/// <summary>Counts durations by upper bounds, as Prometheus wants them. Whoever writes holds a lock.</summary>
internal sealed class Durations(double[] bounds)
{
    readonly long[] _counts = new long[bounds.Length + 1];
    double _sum;

    public void Add(TimeSpan time)
    {
        int i = 0;
        while (i < bounds.Length && time.TotalSeconds > bounds[i]) i++;
        _counts[i]++;
        _sum += time.TotalSeconds;
    }

    public void Print(StringBuilder text, string name, string labels)
    {
        long count = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            count += _counts[i];
            string bound = i < bounds.Length ? bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels},le=\"{bound}\"}} {count}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {_sum}\n{name}_count{{{labels}}} {count}\n");
    }
}
