namespace Hanbae.Server.Aggregation;

/// <summary>Orders versions as Kubernetes prefers them: v2, v1, v1beta2, v1beta1, v1alpha1, and what is no such name last.</summary>
static class VersionOrder
{
    public static IComparer<string> PreferredFirst { get; } = Comparer<string>.Create(Compare);

    static int Compare(string a, string b)
    {
        var (x, y) = (Parse(a), Parse(b));
        if (x is null || y is null) return x is null && y is null ? string.CompareOrdinal(a, b) : x is null ? 1 : -1;
        return y.Value.CompareTo(x.Value);
    }

    /// <summary>Stability (2 for GA), major, minor.</summary>
    static (int Stability, int Major, int Minor)? Parse(string version)
    {
        if (version.Length < 2 || version[0] != 'v') return null;
        var rest = version.AsSpan(1);
        int letters = rest.IndexOfAnyExceptInRange('0', '9');
        if (letters < 0) return int.TryParse(rest, out int ga) ? (2, ga, 0) : null;
        if (letters == 0 || !int.TryParse(rest[..letters], out int major)) return null;
        rest = rest[letters..];
        foreach (var (word, stability) in (ReadOnlySpan<(string, int)>)[("alpha", 0), ("beta", 1)])
            if (rest.StartsWith(word, StringComparison.Ordinal) && int.TryParse(rest[word.Length..], out int minor)) return (stability, major, minor);
        return null;
    }
}
