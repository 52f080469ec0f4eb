using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers;

/// <summary>Follows a resource that a server may well not serve, such as one of a beta version: where it is not there is nothing to wait for.</summary>
/// <remarks>Whether it is served is asked until there is an answer, and again every five minutes while that is no: servers come back with other flags.</remarks>
sealed class WhenServed<T>(IClusterAccess cluster) where T : class, IObject<T>
{
    static readonly TimeSpan UntilAnswered = TimeSpan.FromSeconds(1), WhileNot = TimeSpan.FromMinutes(5);

    volatile ICache<T>? _cache;

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
                await Task.Delay(served is null ? UntilAnswered : WhileNot, cluster.Time, ct);
            _cache = cluster.Cache<T>();
            following.Holds(_cache.Subscribe(handler));
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
        catch (ApiException e) when (e.IsNotFound) { return false; }
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
