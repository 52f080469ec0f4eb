using System.Collections.Immutable;
using Hanbae.Api;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Client;

/// <summary>Keeps what a <see cref="Reflector"/> tells: one writer, any number of readers and subscribers.</summary>
/// <remarks>
/// A list is gathered aside and takes the place of the old state at once; what it lacks is reported deleted, with the last known state.
/// An object that was deleted and made again between two looks is reported as a deletion and an addition. Subscribers are called by the
/// writer, after the change can be read: a slow one holds up all, so it must only put keys in queues.
/// </remarks>
/// <param name="transform">Makes objects smaller before they are kept.</param>
public sealed partial class SharedCache<T>(ILogger? logger = null, Func<T, T>? transform = null) : ICache<T> where T : class, IObject
{
    readonly ILogger _logger = logger ?? NullLogger.Instance;
    /// <summary>Held while a change is made and told. Taken before <see cref="_state"/>.</summary>
    readonly Lock _writing = new();
    /// <summary>Held for each look at, and each change of, the state.</summary>
    readonly Lock _reading = new();
    readonly Dictionary<string, Func<T, IEnumerable<string>>> _indexers = [];
    readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    ImmutableArray<Action<CacheEvent<T>>> _handlers = [];
    CacheState<T> _state = new(ImmutableDictionary<string, Func<T, IEnumerable<string>>>.Empty);
    CacheState<T>? _incoming;
    string _version = "";
    volatile TaskCompletionSource? _away;

    /// <inheritdoc/>
    public bool Synced => _synced.Task.IsCompletedSuccessfully;
    /// <inheritdoc/>
    public Task WhenSyncedAsync(CancellationToken ct) => _synced.Task.WaitAsync(ct);
    /// <inheritdoc/>
    public string ResourceVersion { get { lock (_reading) return _version; } }
    /// <inheritdoc/>
    public Task WhenCurrentAsync() => _away?.Task ?? Task.CompletedTask;
    /// <inheritdoc/>
    public bool IsWhole { get; init; } = true;
    /// <summary>Asks the server that the cache is of; without one, what it shows is all there is.</summary>
    public Func<Key, CancellationToken, Task<T?>>? Live { get; init; }
    /// <summary>How many objects there are.</summary>
    public int Count { get { lock (_reading) return _state.Count; } }
    /// <inheritdoc/>
    public T? Find(Key key) { lock (_reading) return _state.Find(key); }
    /// <inheritdoc/>
    public Task<T?> LiveAsync(Key key, CancellationToken ct) => Live is { } ask ? ask(key, ct) : Task.FromResult(Find(key));
    /// <inheritdoc/>
    public IReadOnlyCollection<T> All { get { lock (_reading) return _state.All(); } }
    /// <inheritdoc/>
    public IReadOnlyCollection<T> In(string ns) { lock (_reading) return _state.In(ns); }
    /// <inheritdoc/>
    public IReadOnlyCollection<T> ByIndex(string index, string value) { lock (_reading) return _state.ByIndex(index, value); }

    /// <inheritdoc/>
    public IEnumerable<T> Matching(string ns, Selector selector)
    {
        var among = ns.Length == 0 ? All : In(ns);
        return selector.IsEmpty ? among : among.Where(o => selector.Matches(o.Metadata.Labels));
    }

    /// <inheritdoc/>
    public void AddIndex(string name, Func<T, IEnumerable<string>> values)
    {
        lock (_writing)
        {
            if (!_indexers.TryAdd(name, values)) return;
            _incoming?.AddIndex(name, values);
            lock (_reading) _state.AddIndex(name, values);
        }
    }

    /// <inheritdoc/>
    public IDisposable Subscribe(Action<CacheEvent<T>> handler)
    {
        lock (_writing)
        {
            foreach (var obj in All) Tell(handler, new(null, obj));
            _handlers = _handlers.Add(handler);
        }
        return new Subscription(this, handler);
    }

    /// <inheritdoc/>
    public void Resync(Action<CacheEvent<T>> handler)
    {
        lock (_writing)
            foreach (var obj in All) Tell(handler, new(obj, obj));
    }

    sealed class Subscription(SharedCache<T> cache, Action<CacheEvent<T>> handler) : IDisposable
    {
        public void Dispose()
        {
            lock (cache._writing) cache._handlers = cache._handlers.Remove(handler);
        }
    }

    /// <summary>Takes in what a reflector, or a test, has to tell.</summary>
    public void Apply(SyncEvent e)
    {
        lock (_writing)
            switch (e.Kind)
            {
                case SyncKind.Init: _incoming = new(_indexers); break;
                case SyncKind.InitItem or SyncKind.Applied when _incoming is not null: _incoming.Set(Kept(e)); break;
                case SyncKind.Deleted when _incoming is not null: _incoming.Remove(Key.Of(e.Object!)); break;
                case SyncKind.InitDone: Replace(_incoming ?? new(_indexers), e.ResourceVersion); break;
                case SyncKind.Progress: Reach(e.ResourceVersion); break;
                case SyncKind.Interrupted: _away ??= new(TaskCreationOptions.RunContinuationsAsynchronously); break;
                case SyncKind.Resumed: Resume(); break;
                case SyncKind.InitItem or SyncKind.Applied: Set(Kept(e)); break;
                case SyncKind.Deleted: Remove((T)e.Object!); break;
            }
    }

    /// <summary>The object to keep: the instance that is there already when it is the same version.</summary>
    T Kept(SyncEvent e)
    {
        var obj = (T)e.Object!;
        return Find(Key.Of(obj)) is { } known && SameVersion(known, obj) ? known : transform is null ? obj : transform(obj);
    }

    static bool SameVersion(T a, T b) =>
        a.Metadata.ResourceVersion.Length > 0 && a.Metadata.ResourceVersion == b.Metadata.ResourceVersion && a.Metadata.Uid == b.Metadata.Uid;

    void Set(T obj)
    {
        T? old;
        lock (_reading)
        {
            Reached(obj.Metadata.ResourceVersion);
            if (ReferenceEquals(_state.Find(Key.Of(obj)), obj)) return;
            old = _state.Set(obj);
        }
        TellChange(old, obj);
    }

    void Remove(T last)
    {
        lock (_reading)
        {
            var key = Key.Of(last);
            Reached(last.Metadata.ResourceVersion);
            // The end of what was there before this: it came late, or twice.
            if (_state.Find(key) is not { } known || SyncEvent.IsNewer(known.Metadata.ResourceVersion, last.Metadata.ResourceVersion) && IsNumber(last) && IsNumber(known)) return;
            _state.Remove(key);
        }
        Tell(new(transform is null ? last : transform(last), null));
    }

    static bool IsNumber(T obj) => obj.Metadata.ResourceVersion is [>= '0' and <= '9', ..];

    void Reach(string version)
    {
        lock (_reading) Reached(version);
    }

    /// <summary>In the lock, together with what the revision speaks for.</summary>
    void Reached(string version)
    {
        if (version.Length > 0 && SyncEvent.IsNewer(version, _version)) _version = version;
    }

    void Resume() => Interlocked.Exchange(ref _away, null)?.TrySetResult();

    void Replace(CacheState<T> next, string version)
    {
        var before = _state;
        // A list says what is so, also when a server that lost its data says less than before.
        lock (_reading) (_state, _version) = (next, version);
        _incoming = null;
        foreach (var old in before.All())
            if (next.Find(Key.Of(old)) is null) Tell(new(old, null));
        foreach (var obj in next.All())
            if (before.Find(Key.Of(obj)) is var old && !ReferenceEquals(old, obj)) TellChange(old, obj);
        _synced.TrySetResult();
        Resume();
    }

    void TellChange(T? old, T obj)
    {
        if (old is not null && old.Metadata.Uid != obj.Metadata.Uid)
        {
            Tell(new(old, null));
            old = null;
        }
        Tell(new(old, obj));
    }

    void Tell(CacheEvent<T> e)
    {
        foreach (var handler in _handlers) Tell(handler, e);
    }

    void Tell(Action<CacheEvent<T>> handler, CacheEvent<T> e)
    {
        // One subscriber's fault must not end the informer of all the others.
        try { handler(e); }
        catch (Exception error) { Log.HandlerFailed(_logger, error, e.Object.Kind().Kind, Key.Of(e.Object).ToString()); }
    }

    static partial class Log
    {
        [LoggerMessage(3011, LogLevel.Error, "a subscriber failed on {Kind} {Key}")]
        public static partial void HandlerFailed(ILogger logger, Exception e, string kind, string key);
    }
}
