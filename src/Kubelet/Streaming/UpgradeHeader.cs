using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Reads what protocol a request wants to switch to, and says yes or no in upstream's way.</summary>
internal static class UpgradeHeader
{
    public static bool Asks(HttpRequest request, string protocol) =>
        request.Headers.Connection.Any(v => v?.Contains("upgrade", StringComparison.OrdinalIgnoreCase) == true)
        && request.Headers.Upgrade.Any(v => v?.Contains(protocol, StringComparison.OrdinalIgnoreCase) == true);

    /// <summary>The protocols a client lists, in its order, whether in one header or several.</summary>
    public static List<string> Listed(IEnumerable<string?> values) =>
        [.. values.SelectMany(v => (v ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    public static async Task<Stream> SwitchAsync(HttpContext context, IHttpUpgradeFeature upgrade, StreamingTimeouts timeouts)
    {
        // Kestrel would end the connection of a user who pauses the output for some seconds.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        return new IdleStream(await upgrade.UpgradeAsync().ConfigureAwait(false), timeouts.Idle, timeouts.Time);
    }

    public static Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsync(message + "\n", context.RequestAborted);
    }
}
