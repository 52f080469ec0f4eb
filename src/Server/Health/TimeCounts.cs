using Hanbae.Machinery.Figures;

namespace Hanbae.Server.Health;

/// <summary>How often something was done and how long it took: a histogram in stripes, so that processors do not share lines.</summary>
/// <param name="bounds">In seconds, fewer than 30.</param>
sealed class TimeCounts(double[] bounds)
{
    /// <summary>Upstream's bounds of apiserver_request_duration_seconds, of admission's steps, of webhooks, and of who may enter.</summary>
    public static readonly double[] Requests = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60],
        Steps = [0.005, 0.025, 0.1, 0.5, 1, 2.5], Calls = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25],
        Doors = [.. Enumerable.Range(0, 15).Select(i => Math.Round(0.001 * (1 << i), 3))];

    static readonly int s_stripes = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, 16));
    /// <summary>A sum, the buckets, and room up to whole cache lines.</summary>
    const int Width = 32;

    readonly long[] _cells = new long[s_stripes * Width], _bounds = [.. bounds.Select(b => (long)(b * 1e6))];

    public double[] Bounds => bounds;

    public void Add(TimeSpan took)
    {
        long microseconds = took.Ticks / TimeSpan.TicksPerMicrosecond;
        int bucket = 0;
        while (bucket < _bounds.Length && microseconds > _bounds[bucket]) bucket++;
        int at = (Thread.GetCurrentProcessorId() & (s_stripes - 1)) * Width;
        Interlocked.Add(ref _cells[at], microseconds);
        Interlocked.Increment(ref _cells[at + 1 + bucket]);
    }

    public double Seconds => Sum(0) / 1e6;
    public long Count => Enumerable.Range(0, bounds.Length + 1).Sum(Bucket);
    public long Bucket(int index) => Sum(1 + index);

    long Sum(int cell)
    {
        long sum = 0;
        for (int i = cell; i < _cells.Length; i += Width) sum += Volatile.Read(ref _cells[i]);
        return sum;
    }

    /// <summary>Of several together; nothing when nothing was counted.</summary>
    public static void Render(PrometheusText text, string name, string labels, params IReadOnlyCollection<TimeCounts> all)
    {
        double[] bounds = all.First().Bounds;
        long[] counts = [.. Enumerable.Range(0, bounds.Length + 1).Select(i => all.Sum(c => c.Bucket(i)))];
        if (counts.Sum() > 0) text.Distribution(name, labels, bounds, counts, all.Sum(c => c.Seconds));
    }
}
