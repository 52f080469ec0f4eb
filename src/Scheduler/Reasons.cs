namespace Hanbae.Scheduler;

/// <summary>Says of how many nodes which reason was given, in upstream's form and order: <c>0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.</c></summary>
internal static class Reasons
{
    /// <param name="absent">Nodes that nobody asked about, for one reason of their own.</param>
    public static Dictionary<string, int> Of(IEnumerable<string> refusals, int absent, string absentReason)
    {
        Dictionary<string, int> counts = [];
        foreach (string refusal in refusals)
        {
            if (!refusal.Contains('\n')) { Count(refusal, 1); continue; }
            foreach (string reason in refusal.Split('\n')) Count(reason, 1);
        }
        if (absent > 0) Count(absentReason, absent);
        return counts;

        void Count(string reason, int more) => counts[reason] = counts.GetValueOrDefault(reason) + more;
    }

    public static string Say(int nodes, Dictionary<string, int> reasons) =>
        reasons.Count == 0 ? $"0/{nodes} nodes are available:"
        : $"0/{nodes} nodes are available: {string.Join(", ", reasons.Select(r => $"{r.Value} {r.Key}").Order(StringComparer.Ordinal))}.";
}
