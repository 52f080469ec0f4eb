using Hanbae.Api;

namespace Hanbae.Controllers.Ownership;

/// <summary>Remembers what was just written, so that a cache that does not show it yet is not taken for the truth.</summary>
/// <remarks>
/// Upstream's ControllerExpectations: an owner is not acted upon until every creation and deletion that was asked for has been seen,
/// or five minutes have passed. Bound: one entry for each owner with something outstanding.
/// </remarks>
sealed class Expectations(TimeProvider time)
{
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    sealed class Outstanding(long since)
    {
        public int Creations;
        public readonly HashSet<string> Deletions = [];
        public long Since = since;
    }

    readonly Lock _lock = new();
    readonly Dictionary<Key, Outstanding> _owners = [];

    /// <summary>How long to wait at most for what is outstanding; null when there is nothing, or no more hope.</summary>
    public TimeSpan? Wait(Key owner)
    {
        lock (_lock)
        {
            if (!_owners.TryGetValue(owner, out var pending)) return null;
            var left = Longest - time.GetElapsedTime(pending.Since);
            if (left > TimeSpan.Zero && (pending.Creations > 0 || pending.Deletions.Count > 0)) return left;
            _owners.Remove(owner);
            return null;
        }
    }

    public void Creations(Key owner, int count) { lock (_lock) Of(owner).Creations += count; }

    /// <summary>One was seen, or was not made after all.</summary>
    public void Created(Key owner) { lock (_lock) if (_owners.TryGetValue(owner, out var pending) && pending.Creations > 0) pending.Creations--; }

    public void Deletions(Key owner, IEnumerable<string> uids) { lock (_lock) Of(owner).Deletions.UnionWith(uids); }

    /// <summary>It was deleted, whatever a cache says.</summary>
    public bool IsGoing(Key owner, string uid) { lock (_lock) return _owners.TryGetValue(owner, out var pending) && pending.Deletions.Contains(uid); }

    /// <summary>It was seen going, or could not be deleted.</summary>
    public void Deleted(Key owner, string uid) { lock (_lock) if (_owners.TryGetValue(owner, out var pending)) pending.Deletions.Remove(uid); }

    public void Forget(Key owner) { lock (_lock) _owners.Remove(owner); }

    Outstanding Of(Key owner)
    {
        if (!_owners.TryGetValue(owner, out var pending)) _owners.Add(owner, pending = new(time.GetTimestamp()));
        pending.Since = time.GetTimestamp();
        return pending;
    }
}
