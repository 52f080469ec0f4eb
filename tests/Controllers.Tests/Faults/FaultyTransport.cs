using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>What the controllers speak through: counts their writes, and lets something go wrong at one of them.</summary>
/// <param name="live">The server that is there just now; it throws when there is none.</param>
/// <param name="onFault">Does what concerns more than the one request.</param>
sealed class FaultyTransport(Func<IApiTransport> live, Func<Fault, Task> onFault) : IApiTransport
{
    ConcurrentDictionary<string, int> _made = new();
    volatile CancellationTokenSource _cut = new();
    volatile bool _expire;
    readonly ConcurrentQueue<string> _log = new();
    int _writes;
    volatile int _torn;

    /// <summary>At which write, counted from 0; negative for none. All after it, too, at every <see cref="Every"/>th.</summary>
    public int At { get; init; } = -1;
    public int Every { get; init; }
    public Fault Fault { get; init; }
    /// <summary>How much more of each watch comes before it is torn.</summary>
    public int Bytes { get; init; }
    /// <summary>Answers instead of the server, when it returns something.</summary>
    public Func<ApiRequest, ApiResult?>? Intercept { get; init; }

    public int Writes => Volatile.Read(ref _writes);
    /// <summary>How often objects were made since the last time, by what their names have in common.</summary>
    public IReadOnlyDictionary<string, int> TakeMade() => Interlocked.Exchange(ref _made, new());

    /// <summary>What was written, for those who look for the reason of something.</summary>
    public string Log => string.Join('\n', _log);

    public void TearWatches() => Interlocked.Increment(ref _torn);

    public void EndWatches(bool expired)
    {
        _expire = expired;
        Interlocked.Exchange(ref _cut, new()).Cancel();
    }

    public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        if (Intercept?.Invoke(request) is { } instead) return instead;
        if (request.Method == "GET" || request.Path.Contains("/events", StringComparison.Ordinal)) return await live().SendAsync(request, ct);
        int n = Interlocked.Increment(ref _writes) - 1;
        bool hit = At >= 0 && (n == At || Every > 0 && n > At && (n - At) % Every == 0);
        if (hit && Fault == Fault.Conflict) return Failed(409, "Conflict");
        if (hit && Fault == Fault.Refused) return Failed(503, "ServiceUnavailable");
        // A server that is asked to do it does it, whether or not somebody still waits for the answer.
        var result = await live().SendAsync(request, CancellationToken.None);
        // A question is answered, not kept: it may be asked again.
        if (result is { Code: 201, Object: IObject { Metadata.Uid.Length: > 0 } made } && request.Method == "POST" && !request.Path.EndsWith("/binding", StringComparison.Ordinal))
            _made.AddOrUpdate($"{made.Kind().Kind} {made.Metadata.Namespace}/{Picture.NameOf(made)}", 1, (_, count) => count + 1);
        _log.Enqueue($"{n} {request.Method} {request.Path} {result.Code} {(result.Object as IObject)?.Metadata.Name}{(hit ? " " + Fault : "")}");
        if (!hit) return result;
        await onFault(Fault);
        return Fault is Fault.AnswerLost or Fault.ControllersRestart or Fault.ServerRestart ? throw new IOException("the answer was lost") : result;
    }

    static ApiResult Failed(int code, string reason) =>
        new() { Code = code, Object = new Api.Meta.V1.Status { StatusValue = "Failure", Code = code, Reason = reason, Message = "injected: " + reason } };

    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        if (Fault == Fault.WatchTorn)
        {
            await using var line = new TornStream(live().WatchAsync(request, ct), Bytes, () => _torn, ct);
            using var frames = new WatchFrames(line, lengths: false);
            while (await frames.NextAsync(ct) is { } frame) yield return Decoding.Event(frame.Span, proto: false, request.Kind);
            yield break;
        }
        var cut = _cut.Token;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, cut);
        await using var events = live().WatchAsync(request, both.Token).GetAsyncEnumerator(both.Token);
        while (true)
        {
            bool more;
            try { more = await events.MoveNextAsync(); }
            catch (OperationCanceledException) when (cut.IsCancellationRequested && !ct.IsCancellationRequested)
            {
                if (_expire) throw new ApiException(new() { StatusValue = "Failure", Code = 410, Reason = "Expired", Message = "injected: too old resource version" });
                throw new IOException("the watch broke off");
            }
            if (!more) yield break;
            yield return events.Current;
        }
    }

    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => live().StreamAsync(request, ct);
}
