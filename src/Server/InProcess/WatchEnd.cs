namespace Hanbae.Server.InProcess;

/// <summary>Ends a watch when its time is over, its client left or the server stops; a bookmark goes out first if the client wants them.</summary>
sealed class WatchEnd : IDisposable
{
    readonly CancellationTokenSource _time;
    readonly CancellationTokenRegistration _over, _left, _stops;

    public WatchEnd(WatchReply watch, TimeProvider time, CancellationToken stopping, CancellationToken left)
    {
        var watcher = watch.Watcher;
        var cache = watch.Resource.Stored.Cache;
        _time = new(watch.Terms.Time, time);
        _over = _time.Token.Register(() => cache.End(watcher));
        _left = left.Register(() => watcher.End());
        _stops = stopping.Register(() => watcher.End());
    }

    public void Dispose()
    {
        _over.Dispose();
        _left.Dispose();
        _stops.Dispose();
        _time.Dispose();
    }
}
