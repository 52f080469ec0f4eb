namespace Hanbae.Server.Discovery;

/// <summary>Which version of a group clients prefer: v2 before v1 before v1beta2 before v1alpha1 before anything that is no Kubernetes version.</summary>
sealed class VersionOrder : IComparer<string>
{
    public static VersionOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        var (a, b) = (Parse(x!), Parse(y!));
        if (a is null || b is null) return a is null && b is null ? string.CompareOrdinal(x, y) : a is null ? 1 : -1;
        int order = b.Value.Stage.CompareTo(a.Value.Stage);
        if (order == 0) order = b.Value.Major.CompareTo(a.Value.Major);
        return order != 0 ? order : b.Value.Minor.CompareTo(a.Value.Minor);
    }

    /// <summary>Stage 2 is stable, 1 beta, 0 alpha.</summary>
    static (int Stage, int Major, int Minor)? Parse(string version)
    {
        if (version.Length < 2 || version[0] != 'v') return null;
        int at = 1;
        while (at < version.Length && char.IsAsciiDigit(version[at])) at++;
        if (!int.TryParse(version.AsSpan(1, at - 1), out int major) || version[1] == '0') return null;
        var rest = version.AsSpan(at);
        if (rest.IsEmpty) return (2, major, 0);
        int stage = rest.StartsWith("beta") ? 1 : rest.StartsWith("alpha") ? 0 : -1;
        if (stage < 0) return null;
        rest = rest[(stage == 1 ? 4 : 5)..];
        return rest.Length > 0 && rest[0] != '0' && int.TryParse(rest, System.Globalization.NumberStyles.None, null, out int minor) ? (stage, major, minor) : null;
    }
}
