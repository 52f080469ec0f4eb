namespace Hanbae.Scheduler;

/// <summary>Says of how many nodes which reason was given, in upstream's form and order: <c>0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.</c></summary>
internal static class Reasons
{
    /// <param name="absent">Nodes that nobody asked about, for one reason of their own.</param>
    public static Dictionary<string, int> Of(IEnumerable<string> refusals, int absent, string absentReason)
    {
        Dictionary<string, int> whole = [];
        foreach (string refusal in refusals) whole[refusal] = whole.GetValueOrDefault(refusal) + 1;
        return Of(whole, absent, absentReason);
    }

    /// <param name="refusals">How often each was given.</param>
    public static Dictionary<string, int> Of(IEnumerable<KeyValuePair<string, int>> refusals, int absent, string absentReason)
    {
        Dictionary<string, int> counts = [];
        foreach (var (refusal, times) in refusals)
            if (!refusal.Contains('\n')) Count(refusal, times);
            else foreach (string reason in refusal.Split('\n')) Count(reason, times);
        if (absent > 0) Count(absentReason, absent);
        return counts;

        void Count(string reason, int more) => counts[reason] = counts.GetValueOrDefault(reason) + more;
    }

    public static string Say(int nodes, Dictionary<string, int> reasons) =>
        reasons.Count == 0 ? $"0/{nodes} nodes are available:"
        : $"0/{nodes} nodes are available: {string.Join(", ", reasons.Select(r => $"{r.Value} {r.Key}").Order(StringComparer.Ordinal))}.";
}
