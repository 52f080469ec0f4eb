using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>The typed client over whatever carries requests.</summary>
/// <remarks>
/// As client-go: an answer of 429 or 5xx that says when to come back (<c>retryAfterSeconds</c>) is waited for, at most ten times;
/// nothing else is retried here. What a reconciler writes is noted for it (<see cref="ReconcileLoop"/>).
/// </remarks>
public sealed class ApiClient(IApiTransport transport, TimeProvider? time = null) : IClient
{
    const int MostRetries = 10;
    readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public IApiTransport Transport => transport;

    /// <inheritdoc/>
    public async Task<T?> FindAsync<T>(Key key, CancellationToken ct) where T : class, IObject<T>
    {
        try { return await GetAsync<T>(key, ct); }
        catch (ApiException e) when (e.IsNotFound) { return null; }
    }

    /// <inheritdoc/>
    public async Task<T> GetAsync<T>(Key key, CancellationToken ct) where T : class, IObject<T> =>
        (await SendAsync(Requests.Get<T>(key), ct)).As<T>();

    /// <inheritdoc/>
    public async Task<ListOf<T>> ListAsync<T>(ListQuery query, CancellationToken ct) where T : class, IObject<T> =>
        (await SendAsync(Requests.List<T>(query), ct)).AsList<T>();

    /// <inheritdoc/>
    public Task<T> CreateAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T> =>
        NotedWrites.CreateAsync(obj, async o => (await SendAsync(Requests.Create(o), ct)).As<T>());

    /// <inheritdoc/>
    public async Task<IKind?> CreateAsync<T>(Key of, string subresource, IKind body, CancellationToken ct) where T : class, IObject<T> =>
        (await SendAsync(Requests.Create<T>(of, subresource, body), ct)).Object;

    /// <inheritdoc/>
    public Task<T> UpdateAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T> =>
        NotedWrites.WriteAsync(Key.Of(obj), async () => (await SendAsync(Requests.Update(obj), ct)).As<T>());

    /// <inheritdoc/>
    public Task<T> UpdateStatusAsync<T>(T obj, CancellationToken ct) where T : class, IObject<T> =>
        NotedWrites.WriteAsync(Key.Of(obj), async () => (await SendAsync(Requests.Update(obj, "status"), ct)).As<T>());

    /// <inheritdoc/>
    public Task<T> PatchAsync<T>(Key key, Patch patch, CancellationToken ct, string subresource = "") where T : class, IObject<T> =>
        NotedWrites.WriteAsync(key, async () => (await SendAsync(Requests.Patch<T>(key, patch, subresource), ct)).As<T>());

    /// <inheritdoc/>
    public Task DeleteAsync<T>(Key key, DeleteOptions options, CancellationToken ct) where T : class, IObject<T> =>
        NotedWrites.DeleteAsync<T>(key, options, () => SendAsync(Requests.Delete<T>(key, options), ct));

    /// <summary>Any request, with the client's manners: waits where told to, throws for errors.</summary>
    /// <exception cref="ApiException"/>
    public async Task<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        for (int retry = 0; ; retry++)
        {
            var result = await transport.SendAsync(request, ct);
            if (result.Code < 400) return result;
            var status = Answers.StatusOf(result);
            int wait = status.Details?.RetryAfterSeconds ?? 0;
            if (wait <= 0 || retry == MostRetries || result.Code is not (429 or >= 500)) throw new ApiException(status);
            await Task.Delay(TimeSpan.FromSeconds(wait), _time, ct);
        }
    }
}
