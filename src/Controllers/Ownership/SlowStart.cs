namespace Hanbae.Controllers.Ownership;

/// <summary>Makes many things at once, but a few first: a broken template then costs few failures.</summary>
static class SlowStart
{
    /// <summary>One, two, four, … at a time; the batch after one with a failure is not begun.</summary>
    /// <returns>The first failure.</returns>
    public static async Task<Exception?> RunAsync<T>(IReadOnlyList<T> items, Func<T, Task> each)
    {
        int begun = 0;
        for (int batch = 1; begun < items.Count; batch *= 2)
        {
            var all = items.Skip(begun).Take(batch).Select(each).ToArray();
            begun += all.Length;
            if (await FirstErrorAsync(all) is { } error) return error;
        }
        return null;
    }

    /// <summary>All at once.</summary>
    public static Task<Exception?> AllAsync<T>(IEnumerable<T> items, Func<T, Task> each) => FirstErrorAsync([.. items.Select(each)]);

    static async Task<Exception?> FirstErrorAsync(Task[] all)
    {
        Exception? first = null;
        foreach (var task in all)
            try { await task; }
            catch (Exception e) { first ??= e; }
        return first;
    }
}
