using System.Diagnostics.CodeAnalysis;

namespace Hanbae.Server.Health;

/// <summary>What requests are counted by.</summary>
readonly record struct RequestLabels(string Verb, string Group, string Version, string Resource, string Subresource, string Scope, int Code)
{
    /// <summary>Looks at a few letters only: there are some hundred combinations, and every request asks.</summary>
    internal sealed class Comparer : IEqualityComparer<RequestLabels>
    {
        public bool Equals(RequestLabels a, RequestLabels b) => a.Code == b.Code && a.Resource == b.Resource && a.Verb == b.Verb && a.Subresource == b.Subresource
            && a.Scope == b.Scope && a.Group == b.Group && a.Version == b.Version;

        public int GetHashCode([DisallowNull] RequestLabels l)
        {
            int resource = l.Resource.Length == 0 ? 0 : l.Resource[0] | l.Resource[^1] << 8 | l.Resource[l.Resource.Length / 2] << 16 | l.Resource.Length << 24;
            int verb = l.Verb.Length == 0 ? 0 : l.Verb[0] | l.Verb[^1] << 5;
            return resource * 31 + verb + (l.Code << 10) + l.Subresource.Length * 7919 + l.Scope.Length * 104729;
        }
    }
}

/// <summary>How many requests of one sort there were and how long they took: a histogram in stripes, so that processors do not share lines.</summary>
sealed class RequestCounts
{
    /// <summary>Upstream's bounds of apiserver_request_duration_seconds.</summary>
    internal static readonly double[] Bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
    static readonly long[] s_bounds = [.. Bounds.Select(b => (long)(b * 1e6))];
    static readonly int s_stripes = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, 16));
    /// <summary>A sum, the buckets, and room up to whole cache lines.</summary>
    const int Width = 32;

    readonly long[] _cells = new long[s_stripes * Width];

    public void Add(TimeSpan took)
    {
        long microseconds = took.Ticks / TimeSpan.TicksPerMicrosecond;
        int bucket = 0;
        while (bucket < s_bounds.Length && microseconds > s_bounds[bucket]) bucket++;
        int at = (Thread.GetCurrentProcessorId() & (s_stripes - 1)) * Width;
        Interlocked.Add(ref _cells[at], microseconds);
        Interlocked.Increment(ref _cells[at + 1 + bucket]);
    }

    public double Seconds => Sum(0) / 1e6;
    public long Count => Enumerable.Range(0, Bounds.Length + 1).Sum(Bucket);
    public long Bucket(int index) => Sum(1 + index);

    long Sum(int cell)
    {
        long sum = 0;
        for (int i = cell; i < _cells.Length; i += Width) sum += Volatile.Read(ref _cells[i]);
        return sum;
    }
}
