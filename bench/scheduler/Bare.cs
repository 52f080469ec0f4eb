using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Scheduler;

namespace Hanbae.Bench.Scheduler;

/// <summary>As much of an API as a scheduler talks to, without its costs: caches are real, writes come back to them as events, in order, from another thread.</summary>
sealed class Bare : IClusterAccess, IClient, IRecorder, IBackend
{
    readonly Dictionary<Type, object> _caches = [];
    readonly Channel<Action> _events = Channel.CreateUnbounded<Action>(new() { SingleReader = true });
    readonly Lock _lock = new();
    readonly Dictionary<Key, Pod> _pods = [];
    readonly Progress _progress = new();
    readonly CancellationTokenSource _stop = new();
    readonly Task _pump;
    Task _running = Task.CompletedTask;
    long _version;
    int _deleted, _refusals;

    public Bare() => _pump = Task.Run(() => PumpAsync(_stop.Token));

    public IClient Client => this;
    public IRecorder Recorder => this;
    public TimeProvider Time => TimeProvider.System;
    public IApiTransport Transport => throw new NotSupportedException("no requests here");
    public int Bound => _progress.Bound;
    public int Deleted => Volatile.Read(ref _deleted);
    public int Refusals => Volatile.Read(ref _refusals);

    public Task StartAsync(Action<TimeSpan> decided)
    {
        _running = Task.Run(() => new Hanbae.Scheduler.Scheduler(this, new SchedulerOptions { Decided = decided }).RunAsync(_stop.Token));
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_pump, _running).ContinueWith(_ => { }, TaskScheduler.Default);
        _stop.Dispose();
    }

    async Task PumpAsync(CancellationToken ct)
    {
        await foreach (var apply in _events.Reader.ReadAllAsync(ct)) apply();
    }

    public SharedCache<T> CacheOf<T>() where T : class, IObject<T>
    {
        lock (_lock)
        {
            if (_caches.TryGetValue(typeof(T), out object? known)) return (SharedCache<T>)known;
            var cache = new SharedCache<T>();
            cache.Apply(new(SyncKind.Init));
            cache.Apply(new(SyncKind.InitDone));
            _caches[typeof(T)] = cache;
            return cache;
        }
    }

    public ICache<T> Cache<T>() where T : class, IObject<T> => CacheOf<T>();
    public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => CacheOf<T>();
    public void Event(IObject about, string type, string reason, string message, string fieldPath = "") { if (reason == "FailedScheduling") Interlocked.Increment(ref _refusals); }

    public Task ExpectAsync(int pods) => _progress.ExpectAsync(pods);

    public Task AddAsync<T>(T obj) where T : class, IObject<T> { Add(obj); return Task.CompletedTask; }

    public Task RemoveAsync<T>(T obj) where T : class, IObject<T>
    {
        if (obj is Pod) return DeleteAsync<T>(Key.Of(obj), new(), CancellationToken.None);
        _events.Writer.TryWrite(() => { if (CacheOf<T>().Find(Key.Of(obj)) is { } there) CacheOf<T>().Apply(new(SyncKind.Deleted, there)); });
        return Task.CompletedTask;
    }

    void Add<T>(T obj) where T : class, IObject<T>
    {
        var stored = (T)obj.WithMetadata(obj.Metadata with { ResourceVersion = Interlocked.Increment(ref _version).ToString(), Uid = "uid-" + obj.Metadata.Name });
        if (stored is Pod pod) lock (_lock) _pods[Key.Of(pod)] = pod;
        _events.Writer.TryWrite(() => CacheOf<T>().Apply(new(SyncKind.Applied, stored)));
    }

    void Store(Key key, Func<Pod, Pod> change)
    {
        Pod now;
        lock (_lock)
        {
            if (!_pods.TryGetValue(key, out var pod)) throw new ApiException(new Status { Code = 404, Reason = "NotFound" });
            now = change(pod);
            _pods[key] = now = now with { Metadata = now.Metadata with { ResourceVersion = Interlocked.Increment(ref _version).ToString() } };
        }
        _events.Writer.TryWrite(() => CacheOf<Pod>().Apply(new(SyncKind.Applied, now)));
    }

    public Task<IKind?> CreateAsync<T>(Key of, string subresource, IKind body, CancellationToken ct) where T : class, IObject<T>
    {
        Store(of, p => p with { Spec = p.Spec with { NodeName = ((Binding)body).Target.Name } });
        _progress.One();
        return Task.FromResult<IKind?>(null);
    }

    // What a refusal writes is not read back by anybody here; its event costs what events cost.
    public Task<T> PatchAsync<T>(Key key, Patch patch, CancellationToken ct, string subresource = "") where T : class, IObject<T>
    {
        Store(key, p => p with { Status = p.Status with { Message = "" } });
        return Task.FromResult<T>(null!);
    }

    public Task DeleteAsync<T>(Key key, DeleteOptions options, CancellationToken ct) where T : class, IObject<T>
    {
        Pod? gone;
        lock (_lock) if (!_pods.Remove(key, out gone)) return Task.CompletedTask;
        Interlocked.Increment(ref _deleted);
        _events.Writer.TryWrite(() => CacheOf<Pod>().Apply(new(SyncKind.Deleted, gone)));
        return Task.CompletedTask;
    }

    public Task<T?> FindAsync<T>(Key key, CancellationToken ct) where T : class, IObject<T> => Task.FromResult(CacheOf<T>().Find(key));
    public Task<T> GetAsync<T>(Key key, CancellationToken ct) where T : class, IObject<T> => Task.FromResult(CacheOf<T>().Find(key)!);
    public Task<ListOf<T>> ListAsync<T>(ListQuery query, CancellationToken ct) where T : class, IObject<T> => throw new ApiException(new Status { Code = 404, Reason = "NotFound" });
    public Task<T> CreateAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T> { Add(obj); return Task.FromResult(obj); }
    public Task<T> UpdateAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T> => throw new NotSupportedException("nothing is updated");
    public Task<T> UpdateStatusAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T> => throw new NotSupportedException("nothing is updated");
}
