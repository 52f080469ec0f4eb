namespace Hanbae.Machinery.Figures;

/// <summary>Counts values by upper bounds, as Prometheus wants them.</summary>
public sealed class Histogram(double[] bounds)
{
    /// <summary>The bounds of times whose metric upstream gives none: Prometheus' own.</summary>
    public static readonly double[] Common = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10];

    readonly Lock _gate = new();
    readonly long[] _counts = new long[bounds.Length + 1];
    double _sum;

    public bool IsEmpty { get { lock (_gate) return _counts.AsSpan().IndexOfAnyExcept(0L) < 0; } }

    public void Add(double value)
    {
        int at = 0;
        while (at < bounds.Length && value > bounds[at]) at++;
        lock (_gate)
        {
            _counts[at]++;
            _sum += value;
        }
    }

    public void Render(PrometheusText text, string name, string labels)
    {
        lock (_gate) text.Distribution(name, labels, bounds, _counts, _sum);
    }
}
