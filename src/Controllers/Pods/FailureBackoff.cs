namespace Hanbae.Controllers.Pods;

/// <summary>Makes what fails again and again wait longer each time.</summary>
/// <remarks>As client-go's flowcontrol.Backoff. Bound: one entry for each key that failed within twice the longest wait.</remarks>
sealed class FailureBackoff<TKey>(TimeSpan first, TimeSpan longest) where TKey : notnull
{
    readonly Lock _lock = new();
    readonly Dictionary<TKey, (TimeSpan Wait, DateTimeOffset Since)> _entries = [];

    /// <summary>Until when to wait; null when there is nothing to wait for.</summary>
    public DateTimeOffset? Until(TKey key, DateTimeOffset now)
    {
        lock (_lock) return _entries.TryGetValue(key, out var e) && e.Since + e.Wait > now ? e.Since + e.Wait : null;
    }

    /// <summary>It failed once more.</summary>
    public void Failed(TKey key, DateTimeOffset now)
    {
        lock (_lock)
        {
            foreach (var (stale, e) in _entries) if (now - e.Since > 2 * longest) _entries.Remove(stale);
            _entries[key] = _entries.TryGetValue(key, out var known) ? (TimeSpan.FromTicks(Math.Min(known.Wait.Ticks * 2, longest.Ticks)), now) : (first, now);
        }
    }
}
