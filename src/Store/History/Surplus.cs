namespace Hanbae.Store.History;

/// <summary>Which deeds of one object are too many.</summary>
/// <remarks>Controllers write status far more often than people change their minds: each has a bound of its own.</remarks>
static class Surplus
{
    const string Status = "status";

    /// <summary>A deed, as far as it matters here.</summary>
    public readonly record struct Trace(long Revision, long Replaced, bool OfStatus);

    public static Trace Of(Deed deed) => new(deed.Revision.Value, deed.Replaced.Value, deed.Subresource == Status);

    /// <param name="deeds">Of one object, the oldest first.</param>
    /// <param name="keep">Of each sort.</param>
    /// <returns>The places of those that go, the highest first.</returns>
    public static List<int> Of(IReadOnlyList<Trace> deeds, int keep)
    {
        List<int> going = [];
        HashSet<long> staying = [];
        for (int i = deeds.Count - 1; i >= 0; i--)
            if (!deeds[i].OfStatus && (staying.Count == keep || !staying.Add(deeds[i].Revision))) going.Add(i);
        int ofStatus = 0;
        for (int i = deeds.Count - 1; i >= 0; i--)
            // What the deed before it made is told by what this one replaced: it goes with that.
            if (deeds[i].OfStatus && !staying.Contains(deeds[i].Replaced) && ofStatus++ >= keep) going.Add(i);
        going.Sort((a, b) => b.CompareTo(a));
        return going;
    }
}
