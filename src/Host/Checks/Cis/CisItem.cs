namespace Hanbae.Host.Checks.Cis;

/// <summary>One thing that the CIS Kubernetes Benchmark (1.12) asks for, in our words, and how to see whether it is so on a running cluster.</summary>
/// <param name="Id">The benchmark's number; several where it asks the same of several files.</param>
/// <param name="Asks">What should be so.</param>
sealed record CisItem(string Id, string Asks, Func<CisSight, CancellationToken, Task<CisFinding>> Look);

enum CisResult
{
    Pass,
    Fail,
    /// <summary>Only who runs the cluster can say; what was seen is told.</summary>
    Advice,
    /// <summary>There is no such thing in this cluster.</summary>
    None,
}

/// <param name="Found">What was seen.</param>
/// <param name="Mend">What to do about it; empty when nothing.</param>
sealed record CisFinding(CisResult Result, string Found, string Mend = "")
{
    public static CisFinding Pass(string found) => new(CisResult.Pass, found);
    public static CisFinding Fail(string found, string mend) => new(CisResult.Fail, found, mend);
    public static CisFinding Advice(string found, string mend) => new(CisResult.Advice, found, mend);
    public static CisFinding None(string why) => new(CisResult.None, why);
    public static CisFinding Of(bool holds, string found, string mend) => holds ? Pass(found) : Fail(found, mend);
}
