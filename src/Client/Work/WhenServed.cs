using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Follows a resource that a server may well not serve, such as one of a beta version: where it is not there is nothing to wait for.</summary>
/// <remarks>Whether it is served is asked until there is an answer, and again every five minutes while that is no: servers come back with other flags.</remarks>
public sealed class WhenServed<T>(IClusterAccess cluster) where T : class, IObject<T>
{
    static readonly TimeSpan UntilAnswered = TimeSpan.FromSeconds(1), WhileNot = TimeSpan.FromMinutes(5);

    readonly TaskCompletionSource _known = new(TaskCreationOptions.RunContinuationsAsynchronously);
    volatile ICache<T>? _cache;

    /// <summary>The server has it, as far as is known.</summary>
    public bool IsServed => _cache is not null;

    /// <summary>Once subscribed to: done when the server has said that it does not have it, or all that there is has been told.</summary>
    public Task WhenKnownAsync(CancellationToken ct) => _known.Task.WaitAsync(ct);

    /// <summary>What there is, as far as it is known.</summary>
    public IReadOnlyCollection<T> All => _cache?.All ?? [];

    /// <inheritdoc cref="ICache{T}.Find"/>
    public T? Find(Key key) => _cache?.Find(key);

    /// <summary>Calls for every object there is and every change to come, once the resource is known to be served.</summary>
    public IDisposable Subscribe(Action<CacheEvent<T>> handler)
    {
        var following = new Following();
        _ = Task.Run(() => FollowAsync(following, handler));
        return following;
    }

    async Task FollowAsync(Following following, Action<CacheEvent<T>> handler)
    {
        var ct = following.Token;
        try
        {
            while (await IsServedAsync(ct) is not true and var served)
            {
                if (served is false) _known.TrySetResult();
                await Task.Delay(served is null ? UntilAnswered : WhileNot, cluster.Time, ct);
            }
            var cache = cluster.Cache<T>();
            _cache = cache;
            following.Holds(cache.Subscribe(handler));
            await cache.WhenSyncedAsync(ct);
            _known.TrySetResult();
        }
        catch (OperationCanceledException) { }
    }

    /// <returns>Null when the server could not say.</returns>
    async Task<bool?> IsServedAsync(CancellationToken ct)
    {
        try
        {
            await cluster.Client.ListAsync<T>(new() { Limit = 1 }, ct);
            return true;
        }
        // Who may not read what does not exist is told so, and no more.
        catch (ApiException e) when (e.IsNotFound || e.Code == 403) { return false; }
        catch (Exception) when (!ct.IsCancellationRequested) { return null; }
    }

    sealed class Following : IDisposable
    {
        readonly CancellationTokenSource _stop = new();
        readonly Lock _lock = new();
        IDisposable? _held;

        public CancellationToken Token => _stop.Token;

        public void Holds(IDisposable subscription)
        {
            lock (_lock)
                if (!_stop.IsCancellationRequested) { _held = subscription; return; }
            subscription.Dispose();
        }

        public void Dispose()
        {
            lock (_lock) _stop.Cancel();
            _held?.Dispose();
        }
    }
}
