using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Controllers;

/// <summary>Makes a resource that the server does not serve look empty, instead of holding up whoever follows many: a custom kind that goes away has no objects until it is back.</summary>
sealed class Unserved(IApiTransport inner) : IApiTransport
{
    public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        var result = await inner.SendAsync(request, ct);
        return result.Code is 404 or 405 ? new() { Code = 200, List = new(new() { ResourceVersion = "0" }, []) } : result;
    }

    public IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, CancellationToken ct) => inner.WatchAsync(request, ct);
    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => inner.StreamAsync(request, ct);
}
