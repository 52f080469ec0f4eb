using System.Diagnostics;

namespace Hanbae.EndToEnd.Rig;

/// <summary>Waits for what a cluster does in its own time, by looking again and again; the deadline is far beyond any machine's slowness.</summary>
public static class Until
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120), Glance = TimeSpan.FromMilliseconds(150);

    public static async Task<T> Async<T>(string what, Func<Task<T>> look, Func<T, bool> enough, Func<Task<string>>? otherwise = null)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            var seen = await look();
            if (enough(seen)) return seen;
            if (Stopwatch.GetElapsedTime(began) > Deadline)
                throw new Xunit.Sdk.XunitException($"waited in vain for: {what}\nlast seen: {seen}\n{(otherwise is null ? "" : await otherwise())}");
            await Task.Delay(Glance);
        }
    }

    public static Task TrueAsync(string what, Func<Task<bool>> look) => Async(what, look, seen => seen);
}
