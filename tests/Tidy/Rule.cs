namespace Hanbae.Tidy;

/// <summary>Compares what breaks a rule with the list of what may: a new breach fails, and so does an exception that nothing needs any more.</summary>
static class Rule
{
    public static void Holds(string rule, IEnumerable<string> broken, params string[] exceptions)
    {
        var found = broken.ToHashSet(StringComparer.Ordinal);
        string[] breaches = [.. found.Except(exceptions).Order(StringComparer.Ordinal)];
        string[] idle = [.. exceptions.Except(found)];
        Assert.True(breaches.Length == 0, $"{rule}:\n  {string.Join("\n  ", breaches)}");
        Assert.True(idle.Length == 0, $"{rule}: these exceptions are needed no longer, strike them off the list:\n  {string.Join("\n  ", idle)}");
    }
}
