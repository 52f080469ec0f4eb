using System.Runtime.CompilerServices;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Keeps a client from asking more than so much a second: requests wait their turn here instead of burdening the server.</summary>
/// <remarks>client-go's client-side throttling. A watch takes one turn when it is opened. Bound: as many wait as the caller starts.</remarks>
/// <param name="perSecond">What <c>QPS</c> is in client-go.</param>
/// <param name="burst">So many pass at once after a quiet while.</param>
public sealed class ThrottledTransport(IApiTransport inner, double perSecond, int burst, TimeProvider time) : IApiTransport
{
    readonly Lock _lock = new();
    readonly TokenBucket _turns = new(time, perSecond, burst);

    /// <inheritdoc/>
    public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        await TurnAsync(ct);
        return await inner.SendAsync(request, ct);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        await TurnAsync(ct);
        await foreach (var e in inner.WatchAsync(request, ct)) yield return e;
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct)
    {
        await TurnAsync(ct);
        return await inner.StreamAsync(request, ct);
    }

    Task TurnAsync(CancellationToken ct)
    {
        TimeSpan wait;
        lock (_lock) wait = _turns.Reserve();
        return wait > TimeSpan.Zero ? Task.Delay(wait, time, ct) : Task.CompletedTask;
    }
}
