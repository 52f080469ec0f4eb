using Hanbae.Api;
using Hanbae.Api.Rest;
using Microsoft.Extensions.Logging;

namespace Hanbae.Client;

/// <summary>One informer for each resource and selection in a process, whoever asks: an informer runs from when it is first asked for, while the factory runs.</summary>
public sealed class InformerFactory(IApiTransport transport, TimeProvider time, WatchOptions? options = null, ILogger? logger = null)
{
    readonly Lock _lock = new();
    readonly Dictionary<(Type, ListQuery), object> _caches = [];
    readonly Dictionary<Type, Delegate> _transforms = [];
    readonly List<Func<CancellationToken, Task>> _informers = [];
    readonly List<Task> _running = [];
    CancellationToken? _ct;
    TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Has objects of a kind changed before any cache of it keeps them, such as to leave out what nobody here reads (client-go's SetTransform).</summary>
    /// <remarks>To be said before the first cache of the kind is asked for. The rest of the program, controllers included, sees what is left: see <see cref="Lean"/>.</remarks>
    /// <exception cref="InvalidOperationException">There is such a cache already.</exception>
    public void Transform<T>(Func<T, T> transform) where T : class, IObject<T>
    {
        lock (_lock)
        {
            if (_caches.Keys.Any(k => k.Item1 == typeof(T))) throw new InvalidOperationException($"there is a cache of {T.Info.Kind} already: what it keeps cannot be changed any more");
            _transforms[typeof(T)] = transform;
        }
    }

    /// <summary>The cache of all objects of a kind, the same for every caller.</summary>
    public ICache<T> Cache<T>() where T : class, IObject<T> => Cache<T>(ListQuery.All);

    /// <param name="part">Namespace and selectors; the same part is the same cache.</param>
    public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T>
    {
        lock (_lock)
        {
            if (_caches.TryGetValue((typeof(T), part), out object? known)) return (ICache<T>)known;
            var informer = new Informer<T>(transport, part, time, options, logger, (Func<T, T>?)_transforms.GetValueOrDefault(typeof(T)));
            _caches.Add((typeof(T), part), informer.Cache);
            _informers.Add(informer.RunAsync);
            if (_ct is { } ct)
            {
                _running.Add(informer.RunAsync(ct));
                _added.TrySetResult();
            }
            return informer.Cache;
        }
    }

    /// <summary>Runs the informers there are and those to come, until cancelled; one run at a time.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        lock (_lock)
        {
            if (_ct is not null) throw new InvalidOperationException("the informers run already");
            _ct = stop.Token;
            foreach (var run in _informers) _running.Add(run(stop.Token));
        }
        try
        {
            // One that ends before it is told to has failed, and all end with it, to be run again.
            while (!ct.IsCancellationRequested)
            {
                Task[] all;
                lock (_lock) all = [.. _running, _added.Task];
                var ended = await Task.WhenAny(all).WaitAsync(ct);
                if (ended != all[^1]) await ended;
                lock (_lock) if (_added.Task.IsCompleted) _added = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
        finally
        {
            await stop.CancelAsync();
            Task[] left;
            lock (_lock) { left = [.. _running]; _running.Clear(); _ct = null; }
            await Task.WhenAll(left).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
