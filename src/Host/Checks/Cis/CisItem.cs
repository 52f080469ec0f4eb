namespace Hanbae.Host.Checks.Cis;

/// <summary>One thing that the CIS Kubernetes Benchmark (1.12) asks for, in our words, and how to see whether it is so on a running cluster.</summary>
/// <param name="Id">The benchmark's number; several where it asks the same of several files.</param>
/// <param name="Asks">What should be so.</param>
sealed record CisItem(string Id, string Asks, Func<CisSight, CancellationToken, Task<CisFinding>> Look)
{
    /// <summary>What the benchmark itself leaves to people; only of these may a finding be <see cref="CisResult.Manual"/>.</summary>
    static readonly HashSet<string> s_manual =
    [
        "1.1.9", "1.1.10", "1.1.20", "1.1.21", "1.2.1", "1.2.3", "1.2.9", "1.2.11", "1.2.20", "1.2.27", "1.2.28", "1.2.29", "1.3.1", "2.7", "3.1.1", "3.1.2", "3.1.3", "3.2.1", "3.2.2",
        "4.1.3", "4.1.4", "4.1.7", "4.1.8", "4.2.4", "4.2.5", "4.2.7", "4.2.8", "4.2.9", "4.2.11", "4.2.12", "4.2.13", "4.2.14",
    ];

    public bool IsManual => Id.StartsWith("5.", StringComparison.Ordinal) || s_manual.Contains(Id.Split(',', '-')[0]);
}

enum CisResult
{
    Pass,
    Fail,
    /// <summary>Only who runs the cluster can say, as the benchmark has it; what was seen is told.</summary>
    Manual,
    /// <summary>There is no such thing in this cluster.</summary>
    None,
}

/// <param name="Found">What was seen.</param>
/// <param name="Mend">What to do about it; empty when nothing.</param>
sealed record CisFinding(CisResult Result, string Found, string Mend = "")
{
    public static CisFinding Pass(string found) => new(CisResult.Pass, found);
    public static CisFinding Fail(string found, string mend) => new(CisResult.Fail, found, mend);
    public static CisFinding Manual(string found, string mend) => new(CisResult.Manual, found, mend);
    public static CisFinding None(string why) => new(CisResult.None, why);
    public static CisFinding Of(bool holds, string found, string mend) => holds ? Pass(found) : Fail(found, mend);
}
