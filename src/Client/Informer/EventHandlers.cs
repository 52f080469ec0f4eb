using Hanbae.Api;

namespace Hanbae.Client;

/// <summary>Typed handlers over a cache's changes, as client-go's informers have them.</summary>
public static class EventHandlers
{
    /// <summary>Calls handlers for every object there is and every change to come, in order, one at a time. They must not block: put a key in a queue.</summary>
    /// <param name="added">An object is there.</param>
    /// <param name="updated">The old and the new object; the same object twice for a resync.</param>
    /// <param name="deleted">The last known state.</param>
    /// <param name="resync">So often <paramref name="updated"/> is called for everything in the cache; zero for never. The server is not asked.</param>
    /// <param name="time">Tells when a resync is due.</param>
    /// <returns>Ends the calls.</returns>
    public static IDisposable AddEventHandler<T>(
        this ICache<T> cache, Action<T>? added = null, Action<T, T>? updated = null, Action<T>? deleted = null, TimeSpan resync = default, TimeProvider? time = null) where T : class, IObject
    {
        void Handle(CacheEvent<T> e)
        {
            if (e.Old is null) added?.Invoke(e.New!);
            else if (e.New is null) deleted?.Invoke(e.Old);
            else updated?.Invoke(e.Old, e.New);
        }
        var changes = cache.Subscribe(Handle);
        return resync <= TimeSpan.Zero ? changes : new Resyncing(changes, (time ?? TimeProvider.System).CreateTimer(_ => cache.Resync(Handle), null, resync, resync));
    }

    sealed class Resyncing(IDisposable changes, ITimer timer) : IDisposable
    {
        public void Dispose()
        {
            timer.Dispose();
            changes.Dispose();
        }
    }
}
