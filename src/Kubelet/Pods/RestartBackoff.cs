namespace Hanbae.Kubelet.Pods;

/// <summary>Lets what keeps failing wait longer each time: 10 s, 20 s, … up to a bound; forgotten after ten minutes without failure, or two bounds where that is more, as upstream.</summary>
/// <remarks>One for each Pod (or for each puller); entries are as many as its containers.</remarks>
sealed class RestartBackoff(TimeSpan initial, TimeSpan max)
{
    readonly Dictionary<string, (TimeSpan Delay, DateTimeOffset Last)> _entries = [];
    readonly TimeSpan _forgotten = max * 2 > TimeSpan.FromMinutes(10) ? max * 2 : TimeSpan.FromMinutes(10);

    /// <param name="since">When it failed.</param>
    /// <returns>When it may be tried again, and the delay that leads to it; null when that is now.</returns>
    public (DateTimeOffset Until, TimeSpan Delay)? Waits(string key, DateTimeOffset since, DateTimeOffset now)
    {
        if (!_entries.TryGetValue(key, out var entry) || now - entry.Last > _forgotten) return null;
        return now - since < entry.Delay ? (since + entry.Delay, entry.Delay) : null;
    }

    /// <summary>Counts a try after a failure.</summary>
    public void Next(string key, DateTimeOffset since, DateTimeOffset now)
    {
        var delay = !_entries.TryGetValue(key, out var entry) || since - entry.Last > _forgotten ? initial : entry.Delay * 2 is var twice && twice < max ? twice : max;
        _entries[key] = (delay, now);
    }

    public void Reset(string key) => _entries.Remove(key);

    /// <summary>As Go prints it: <c>10s</c>, <c>2m40s</c>, <c>5m0s</c>.</summary>
    public static string Go(TimeSpan time)
    {
        long s = (long)time.TotalSeconds;
        return s < 60 ? $"{s}s" : s < 3600 ? $"{s / 60}m{s % 60}s" : $"{s / 3600}h{s / 60 % 60}m{s % 60}s";
    }
}
