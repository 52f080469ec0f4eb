using Hanbae.Api;

namespace Hanbae.Controllers.ResourceQuotas;

/// <summary>What was charged to quotas a moment ago: the objects are not there yet, or not in the caches, and not to be taken for gone.</summary>
/// <remarks>Bound: what is charged in that moment, and as much for quotas that nobody charges any more.</remarks>
sealed class Lately(TimeSpan moment)
{
    readonly Lock _lock = new();
    readonly Dictionary<Key, Queue<(DateTimeOffset At, Map<Quantity> More)>> _charged = [];

    /// <summary>What is used of a quota was written anew.</summary>
    public void Note(Key quota, Map<Quantity> before, Map<Quantity> after, DateTimeOffset now)
    {
        // What was not known before was counted, not charged.
        var more = after.Where(a => before.TryGet(a.Key, out var had) && a.Value > had).Select(a => KeyValuePair.Create(a.Key, a.Value - before[a.Key])).ToMap();
        if (more.IsEmpty) return;
        lock (_lock)
        {
            if (!_charged.TryGetValue(quota, out var charges)) _charged.Add(quota, charges = []);
            Trim(charges, now);
            charges.Enqueue((now, more));
        }
    }

    public void Forget(Key quota) { lock (_lock) _charged.Remove(quota); }

    /// <summary>Takes back no more than what can be gone.</summary>
    /// <returns>What is to be written, and when that may be too much.</returns>
    public (Map<Quantity> Used, DateTimeOffset? Until) Hold(Key quota, Map<Quantity> before, Map<Quantity> counted, DateTimeOffset now)
    {
        lock (_lock)
        {
            if (!_charged.TryGetValue(quota, out var charges)) return (counted, null);
            Trim(charges, now);
            var used = counted;
            foreach (var (name, less) in counted)
            {
                if (!before.TryGet(name, out var had) || less >= had) continue;
                var held = charges.Aggregate(less, (sum, c) => c.More.TryGet(name, out var more) ? sum + more : sum);
                if (held > less) used = used.Set(name, held < had ? held : had);
            }
            return (used, used == counted ? null : charges.Last().At + moment);
        }
    }

    void Trim(Queue<(DateTimeOffset At, Map<Quantity> More)> charges, DateTimeOffset now)
    {
        while (charges.TryPeek(out var oldest) && oldest.At + moment <= now) charges.Dequeue();
    }
}
