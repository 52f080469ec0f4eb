using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Keeps a reconciler from deciding on a view that is older than its own last writes: they are noted by key, and a key rests until the caches show them.</summary>
/// <remarks>
/// Upstream's KEP-5647, for every reconciler and every write; revisions of one resource can be compared (KEP-5504). A write that got no answer
/// may have been done all the same: what became of it is asked before the key is worked on again. After what does not show within thirty
/// seconds the server is asked, too: what is gone is not waited for, a cache that is behind is, however long its watch is away. It is the cache
/// that asks: who writes may do so without a right to read. Bound: the objects last written that caches do not show, and as many again.
/// </remarks>
sealed class OwnWrites(TimeProvider time)
{
    static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(5), LongestWait = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(30);
    const int LeastSwept = 64;
    static readonly AsyncLocal<Work?> s_current = new();

    /// <summary>Shown when the cache has come as far as <see cref="Version"/>; without one, when it does not show the object of that uid any more.</summary>
    readonly record struct Note(string Version, string Uid, bool Made);

    sealed class Notes(long since)
    {
        public readonly Dictionary<(Type Kind, Key Key), Note> Written = [];
        public readonly HashSet<(Type Kind, Key Key)> Unanswered = [];
        public long Since = since;
        public int Waits;
    }

    /// <summary>What one looks at of a cache.</summary>
    sealed record View(Func<string> Version, Func<Key, IObject?> Find, Func<Task> Current, Func<Key, CancellationToken, Task<IObject?>> Live)
    {
        /// <summary>What was waited for in vain.</summary>
        public volatile Task? GivenUp;
    }

    readonly Lock _lock = new();
    volatile ImmutableDictionary<Type, View> _views = ImmutableDictionary<Type, View>.Empty;
    readonly Dictionary<Key, Notes> _keys = [];
    int _sweepAt = LeastSwept;

    /// <summary>The work in which the caller is, if any: whoever writes in it is to say so there.</summary>
    public static Work? Current => s_current.Value;

    /// <summary>Keys that wait for caches.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                Sweep();
                return _keys.Count;
            }
        }
    }

    /// <summary>Work rests on this cache. One that shows a part of a resource cannot tell what it lacks, and trees do not tell of which resource they are.</summary>
    public void Follow<T>(ICache<T> cache) where T : class, IObject
    {
        if (!cache.IsWhole || typeof(T) == typeof(Unstructured)) return;
        lock (_lock) _views = _views.SetItem(typeof(T), new(() => cache.ResourceVersion, cache.Find, cache.WhenCurrentAsync, async (key, ct) => await cache.LiveAsync(key, ct)));
    }

    /// <summary>From here on, to the end of the calling method, writes are the key's.</summary>
    public void Begin(Key key) => s_current.Value = new(this, key);

    /// <summary>The writes for one key.</summary>
    internal sealed class Work(OwnWrites own, Key key)
    {
        /// <summary>Whether what becomes of such objects matters here.</summary>
        public bool Follows<T>() => own._views.ContainsKey(typeof(T));

        public void Wrote<T>(T obj, bool made = false) where T : class, IObject<T> =>
            own.Add(key, typeof(T), Key.Of(obj), new(obj.Metadata.ResourceVersion, obj.Metadata.Uid, made));

        /// <param name="uid">Null: that which the cache shows.</param>
        public void Deleted<T>(Key obj, string? uid)
        {
            if ((uid ?? own.Shown(typeof(T), obj)?.Metadata.Uid) is { } gone) own.Add(key, typeof(T), obj, new("", gone, false));
        }

        public void Unanswered<T>(Key obj) => own.AddUnanswered(key, typeof(T), obj);
    }

    /// <summary>Waits while a watch is away, thirty seconds at most: what is known to be old is no ground for decisions, but better than none for ever.</summary>
    public async ValueTask WhenCurrentAsync(CancellationToken ct)
    {
        foreach (var (_, view) in _views)
            if (view.Current() is { IsCompleted: false } current && current != view.GivenUp)
                try { await current.WaitAsync(Longest, time, ct); }
                catch (TimeoutException) { view.GivenUp = current; }
    }

    /// <summary>Settles what is open.</summary>
    /// <returns>Null when the key may be worked on; otherwise when to ask again, unless a change of what it watches comes first.</returns>
    /// <exception cref="ApiException">What became of a write cannot be told yet.</exception>
    public async ValueTask<TimeSpan?> WaitAsync(Key key, CancellationToken ct)
    {
        (Type Kind, Key Key)[] asked;
        lock (_lock)
        {
            if (!_keys.TryGetValue(key, out var notes)) return null;
            asked = [.. notes.Unanswered];
            if (asked.Length == 0 && IsShown(key, notes)) return null;
            if (asked.Length == 0 && time.GetElapsedTime(notes.Since) >= Longest)
            {
                notes.Since = time.GetTimestamp();
                asked = [.. notes.Written.Keys];
            }
        }
        foreach (var what in asked) Settle(key, what, await _views[what.Kind].Live(what.Key, ct));
        lock (_lock)
        {
            if (!_keys.TryGetValue(key, out var notes) || IsShown(key, notes)) return null;
            var wait = FirstWait * Math.Pow(2, Math.Min(notes.Waits++, 16));
            return wait < LongestWait ? wait : LongestWait;
        }
    }

    /// <summary>The server told how the object is.</summary>
    void Settle(Key key, (Type Kind, Key Key) what, IObject? live)
    {
        lock (_lock)
        {
            if (!_keys.TryGetValue(key, out var notes)) return;
            notes.Unanswered.Remove(what);
            if (live is not null) notes.Written[what] = new(live.Metadata.ResourceVersion, live.Metadata.Uid, Made: true);
            // Gone: waited for only as long as the cache shows it.
            else if (Shown(what.Kind, what.Key) is { } shown) notes.Written[what] = new("", shown.Metadata.Uid, Made: false);
            else notes.Written.Remove(what);
        }
    }

    void Add(Key key, Type kind, Key obj, Note note)
    {
        lock (_lock)
        {
            if (!_views.ContainsKey(kind)) return;
            var notes = Of(key);
            // What was made here and is not seen yet is not gone because a cache does not show it.
            if (notes.Written.TryGetValue((kind, obj), out var before)) note = note with { Made = note.Made || before.Made };
            notes.Written[(kind, obj)] = note;
            notes.Since = time.GetTimestamp();
        }
    }

    void AddUnanswered(Key key, Type kind, Key obj)
    {
        lock (_lock) if (_views.ContainsKey(kind)) Of(key).Unanswered.Add((kind, obj));
    }

    Notes Of(Key key)
    {
        if (_keys.TryGetValue(key, out var notes)) return notes;
        if (_keys.Count >= _sweepAt)
        {
            Sweep();
            _sweepAt = Math.Max(LeastSwept, 2 * _keys.Count);
        }
        _keys.Add(key, notes = new(time.GetTimestamp()));
        return notes;
    }

    /// <summary>Not every write wakes its key again: what is shown by now is forgotten all the same.</summary>
    void Sweep()
    {
        foreach (var (key, notes) in _keys) IsShown(key, notes);
    }

    IObject? Shown(Type kind, Key obj) => _views.GetValueOrDefault(kind)?.Find(obj);

    /// <summary>In the lock. What is shown is forgotten.</summary>
    bool IsShown(Key key, Notes notes)
    {
        foreach (var (what, note) in notes.Written)
            if (IsShown(_views[what.Kind], what.Key, note)) notes.Written.Remove(what);
        if (notes.Written.Count + notes.Unanswered.Count > 0) return false;
        _keys.Remove(key);
        return true;
    }

    static bool IsShown(View view, Key key, Note note)
    {
        // The version first: what it speaks for is then among what is found.
        string version = view.Version();
        var seen = view.Find(key);
        if (note.Version.Length == 0) return seen is null || seen.Metadata.Uid != note.Uid;
        if (SyncEvent.Number(note.Version) is not { } wanted) return true;
        if (SyncEvent.Number(version) >= wanted) return true;
        return seen is null ? !note.Made : SyncEvent.Number(seen.Metadata.ResourceVersion) >= wanted;
    }
}
