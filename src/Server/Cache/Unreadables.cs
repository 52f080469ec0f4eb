using System.Collections.Immutable;
using Hanbae.Server.Errors;
using Hanbae.Store;

namespace Hanbae.Server.Cache;

/// <summary>Stored objects that cannot be decrypted: who asks for one of them, or for a list that it would be in, is told so; everything else is served.</summary>
/// <remarks>As upstream: nothing is left out of a list as if it were not there. What becomes readable again, since its key is back, is read anew.</remarks>
sealed class Unreadables(IStore store, string prefix, Action readAnew)
{
    volatile ImmutableSortedDictionary<string, Revision> _at = ImmutableSortedDictionary.Create<string, Revision>(StringComparer.Ordinal);

    public bool IsEmpty => _at.IsEmpty;

    /// <summary>As the cache reads it from the store; its feed alone calls these.</summary>
    public void Reset(IEnumerable<KeyValuePair<string, Revision>> all) => _at = _at.Clear().AddRange(all);
    public void Add(string key, Revision at) => _at = _at.SetItem(key, at);
    public void Remove(string key)
    {
        if (!_at.IsEmpty) _at = _at.Remove(key);
    }

    /// <summary>The revision of one that was unreadable when it was last looked at.</summary>
    public bool Find(string key, out Revision at) => _at.TryGetValue(key, out at);

    /// <exception cref="StatusException">One of the keys that begin so cannot be read; the message names it.</exception>
    public ValueTask CheckAsync(string keys, CancellationToken ct)
    {
        if (_at.IsEmpty) return default;
        foreach (string key in _at.Keys)
            if (key.StartsWith(keys, StringComparison.Ordinal)) return new(ReadAsync(key, ct).AsTask());
        return default;
    }

    /// <summary>Reads it after all, or says why not.</summary>
    /// <returns>Null when it is gone meanwhile.</returns>
    /// <exception cref="StatusException"/>
    public async ValueTask<Entry?> ReadAsync(string key, CancellationToken ct)
    {
        try
        {
            var entry = await store.GetAsync(new(prefix + key), ct).ConfigureAwait(false);
            readAnew();
            return entry;
        }
        catch (UnavailableException e) when (e.Reason == Unavailable.Unreadable) { throw Statuses.Internal(e.Message); }
    }
}
