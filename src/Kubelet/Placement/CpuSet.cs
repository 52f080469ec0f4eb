using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Hanbae.Kubelet.Placement;

/// <summary>Logical CPUs by number, in the form in which kernel and runtimes read and write them: <c>0-3,8</c>.</summary>
sealed class CpuSet : IEquatable<CpuSet>, IReadOnlyCollection<int>
{
    readonly ImmutableSortedSet<int> _ids;

    CpuSet(ImmutableSortedSet<int> ids) => _ids = ids;

    public static CpuSet Empty { get; } = new([]);
    public static CpuSet Of(params IEnumerable<int> ids) => new([.. ids]);

    public int Count => _ids.Count;
    public bool IsEmpty => _ids.IsEmpty;

    public bool Contains(int id) => _ids.Contains(id);
    public CpuSet Union(CpuSet other) => new(_ids.Union(other._ids));
    public CpuSet Except(CpuSet other) => new(_ids.Except(other._ids));
    public CpuSet Intersect(CpuSet other) => new(_ids.Intersect(other._ids));
    public bool IsSubsetOf(CpuSet other) => _ids.IsSubsetOf(other._ids);

    /// <exception cref="FormatException">It is no such list; the message is Go's.</exception>
    public static CpuSet Parse(string text)
    {
        var ids = ImmutableSortedSet.CreateBuilder<int>();
        if (text.Trim().Length == 0) return Empty;
        foreach (string range in text.Trim().Split(','))
        {
            string[] ends = range.Split('-', 2);
            int first = Number(ends[0]), last = ends.Length == 2 ? Number(ends[1]) : first;
            if (first > last) throw new FormatException($"invalid range \"{range}\" ({first} > {last})");
            for (int id = first; id <= last; id++) ids.Add(id);
        }
        return new(ids.ToImmutable());
    }

    static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : throw new FormatException($"strconv.Atoi: parsing \"{text}\": invalid syntax");

    public override string ToString()
    {
        var text = new StringBuilder();
        for (int at = 0; at < _ids.Count;)
        {
            int last = at;
            while (last + 1 < _ids.Count && _ids[last + 1] == _ids[last] + 1) last++;
            if (text.Length > 0) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{_ids[at]}");
            if (last > at) text.Append(CultureInfo.InvariantCulture, $"-{_ids[last]}");
            at = last + 1;
        }
        return text.ToString();
    }

    public bool Equals(CpuSet? other) => other is not null && _ids.SetEquals(other._ids);
    public override bool Equals(object? obj) => Equals(obj as CpuSet);
    public override int GetHashCode() => _ids.Aggregate(17, HashCode.Combine);
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)_ids).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
