using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Counts what a component asks of the API server, as client-go does for <c>rest_client_requests_total</c>.</summary>
/// <remarks>Bound: a number per answer's code and method.</remarks>
/// <param name="host">Whom it asks, as metrics name it.</param>
public sealed class CountingTransport(IApiTransport inner, string host) : IApiTransport
{
    readonly ConcurrentDictionary<(string Code, string Method), long> _counts = new();

    /// <summary>Whom it asks.</summary>
    public string Host => host;

    /// <summary>How often there was which answer; the code is <c>&lt;error&gt;</c> where none came.</summary>
    public IEnumerable<(string Code, string Method, long Count)> Counts => _counts.Select(c => (c.Key.Code, c.Key.Method, c.Value)).OrderBy(c => c, Comparer<(string, string, long)>.Default);

    /// <inheritdoc/>
    public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        string code = "<error>";
        try
        {
            var result = await inner.SendAsync(request, ct).ConfigureAwait(false);
            code = Text(result.Code);
            return result;
        }
        catch (ApiException e)
        {
            code = Text(e.Code);
            throw;
        }
        finally { Count(code, request.Method); }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var events = inner.WatchAsync(request, ct).GetAsyncEnumerator(ct);
        string code = "<error>";
        bool any;
        // A watch is one request, answered when it is taken on: that shows with its first event, or its end.
        try
        {
            any = await events.MoveNextAsync().ConfigureAwait(false);
            code = "200";
        }
        catch (ApiException e)
        {
            code = Text(e.Code);
            throw;
        }
        finally { Count(code, request.Method); }
        for (; any; any = await events.MoveNextAsync().ConfigureAwait(false)) yield return events.Current;
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct)
    {
        string code = "<error>";
        try
        {
            var stream = await inner.StreamAsync(request, ct).ConfigureAwait(false);
            code = "200";
            return stream;
        }
        catch (ApiException e)
        {
            code = Text(e.Code);
            throw;
        }
        finally { Count(code, request.Method); }
    }

    static string Text(int code) => code.ToString(CultureInfo.InvariantCulture);

    void Count(string code, string method) => _counts.AddOrUpdate((code, method), 1, (_, n) => n + 1);
}
