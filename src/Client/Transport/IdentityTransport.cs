using Hanbae.Api.Rest;

namespace Hanbae.Client;

/// <summary>Says who asks: puts a component's identity and name on every request that starts in this process.</summary>
public sealed class IdentityTransport(IApiTransport inner, Identity identity, string userAgent) : IApiTransport
{
    /// <inheritdoc/>
    public ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct) => inner.SendAsync(Stamp(request), ct);
    /// <inheritdoc/>
    public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct) => inner.WatchAsync(Stamp(request), ct);
    /// <inheritdoc/>
    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => inner.StreamAsync(Stamp(request), ct);

    ApiRequest Stamp(ApiRequest request) => request with
    {
        Identity = request.Identity ?? identity,
        UserAgent = request.UserAgent.Length > 0 ? request.UserAgent : userAgent,
    };
}
