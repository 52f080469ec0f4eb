using System.Collections.Concurrent;
using Hanbae.Api;

namespace Hanbae.Server.Auth.Webhooks;

/// <summary>What a webhook said, for as long as it may be remembered; the same question is asked once at a time.</summary>
/// <remarks>
/// Bounds: <paramref name="capacity"/> answers, 1,024 questions on their way. A question that asks itself, by a webhook that comes back to this
/// server, waits for its own answer and ends with <paramref name="patience"/>: a loop is two requests, not as many as there is memory for.
/// </remarks>
sealed class Answers<TValue>(int capacity, TimeSpan patience, TimeProvider time) where TValue : class
{
    const int MostOnTheirWay = 1024;

    sealed record Kept(TValue Value, DateTimeOffset Until);

    readonly Recent<Digest, Kept> _known = new(capacity);
    readonly ConcurrentDictionary<Digest, Lazy<Task<TValue>>> _asked = new();

    /// <param name="ask">Throws <see cref="IOException"/> when there is no answer; answers that are kept for no time are not kept.</param>
    public async ValueTask<TValue> GetAsync(Digest question, Func<CancellationToken, Task<(TValue Value, TimeSpan Keep)>> ask, CancellationToken ct)
    {
        if (_known.Find(question) is { } known)
        {
            if (time.GetUtcNow() < known.Until) return known.Value;
            _known.Remove(question);
        }
        if (_asked.Count >= MostOnTheirWay) throw new IOException("too many requests to the webhook are on their way");
        var flight = _asked.GetOrAdd(question, static (q, with) => new(() => with.self.AskAsync(q, with.ask)), (self: this, ask));
        return await flight.Value.WaitAsync(ct).ConfigureAwait(false);
    }

    async Task<TValue> AskAsync(Digest question, Func<CancellationToken, Task<(TValue Value, TimeSpan Keep)>> ask)
    {
        // Not cancelled with whoever asked first: others may wait for it.
        using var limit = new CancellationTokenSource(patience);
        try
        {
            var (value, keep) = await ask(limit.Token).ConfigureAwait(false);
            if (keep > TimeSpan.Zero) _known.Set(question, new(value, time.GetUtcNow() + keep));
            return value;
        }
        catch (OperationCanceledException) { throw new IOException("context deadline exceeded"); }
        finally { _asked.TryRemove(question, out _); }
    }
}
