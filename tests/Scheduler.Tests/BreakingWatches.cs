using System.Runtime.CompilerServices;
using Hanbae.Api.Rest;
using Hanbae.Kit;

namespace Hanbae.Scheduler.Tests;

/// <summary>Watches that a server may end as it does when it has forgotten what came between: 410, and none from before is taken up again.</summary>
sealed class BreakingWatches(FakeApi api) : IApiTransport
{
    readonly Lock _lock = new();
    CancellationTokenSource _open = new();
    long _forgotten;
    int _expired;

    /// <summary>Watches that were ended, or refused, so far.</summary>
    public int Expired => Volatile.Read(ref _expired);

    /// <summary>Ends all watches; what has happened so far is only to be had by a list.</summary>
    public void Expire(long forgotten)
    {
        CancellationTokenSource open;
        lock (_lock) { (open, _open, _forgotten) = (_open, new(), forgotten); }
        open.Cancel();
    }

    public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct) => api.SendAsync(request, ct);
    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => api.StreamAsync(request, ct);

    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        CancellationToken ended;
        lock (_lock)
        {
            ended = _open.Token;
            if (request.Parameter("resourceVersion") is { Length: > 0 } from && long.Parse(from, System.Globalization.CultureInfo.InvariantCulture) < _forgotten) throw Gone();
        }
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, ended);
        await using var events = api.WatchAsync(request, both.Token).GetAsyncEnumerator(both.Token);
        while (true)
        {
            try { if (!await events.MoveNextAsync()) yield break; }
            catch (OperationCanceledException) when (ended.IsCancellationRequested && !ct.IsCancellationRequested) { throw Gone(); }
            yield return events.Current;
        }
    }

    ApiException Gone()
    {
        Interlocked.Increment(ref _expired);
        return FakeApi.Error(410, "Expired", "too old resource version");
    }
}
