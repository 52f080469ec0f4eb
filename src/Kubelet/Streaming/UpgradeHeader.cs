using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Reads what protocol a request wants to switch to, and says no in upstream's way.</summary>
internal static class UpgradeHeader
{
    public static bool Asks(HttpRequest request, string protocol) =>
        request.Headers.Connection.Any(v => v?.Contains("upgrade", StringComparison.OrdinalIgnoreCase) == true)
        && request.Headers.Upgrade.Any(v => v?.Contains(protocol, StringComparison.OrdinalIgnoreCase) == true);

    public static Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsync(message + "\n", context.RequestAborted);
    }
}
