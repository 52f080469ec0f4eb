using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Hanbae.Controllers.Jobs;

/// <summary>A set of completion indexes in the compact form of a Job's status: <c>1,3-5,7</c>.</summary>
readonly struct Intervals(ImmutableArray<(int First, int Last)> ranges) : IEquatable<Intervals>
{
    readonly ImmutableArray<(int First, int Last)> _ranges = ranges;

    ImmutableArray<(int First, int Last)> Ranges => _ranges.IsDefault ? [] : _ranges;

    /// <summary>How many indexes there are.</summary>
    public int Count => Ranges.Sum(r => r.Last - r.First + 1);

    public bool Contains(int index)
    {
        foreach (var (first, last) in Ranges) if (index >= first && index <= last) return true;
        return false;
    }

    /// <summary>How many of the indexes are in <paramref name="others"/>, too.</summary>
    public int CountIn(Intervals others)
    {
        int count = 0;
        foreach (var (first, last) in Ranges)
            foreach (var (otherFirst, otherLast) in others.Ranges)
                count += Math.Max(0, Math.Min(last, otherLast) - Math.Max(first, otherFirst) + 1);
        return count;
    }

    /// <summary>Reads the compact form; what is not below <paramref name="limit"/> is left out, as is what cannot be read.</summary>
    public static Intervals Parse(string? text, int limit)
    {
        var ranges = new List<(int, int)>();
        foreach (string part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = part.Split('-');
            if (!int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first) || first >= limit) continue;
            if (!int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last) || last < first) continue;
            ranges.Add((first, Math.Min(last, limit - 1)));
        }
        return Of(ranges);
    }

    public Intervals With(IEnumerable<int> indexes) => Of(Ranges.Concat(indexes.Select(i => (i, i))));

    static Intervals Of(IEnumerable<(int First, int Last)> ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach (var range in ranges.OrderBy(r => r.First))
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1) merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            else merged.Add(range);
        return new([.. merged]);
    }

    /// <summary>Two neighbours are written as two, more as a range.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (first, last) in Ranges)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{first}");
            if (last > first) text.Append(last == first + 1 ? ',' : '-').Append(CultureInfo.InvariantCulture, $"{last}");
        }
        return text.ToString();
    }

    public bool Equals(Intervals other) => Ranges.SequenceEqual(other.Ranges);
    public override bool Equals(object? obj) => obj is Intervals other && Equals(other);
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);
}
