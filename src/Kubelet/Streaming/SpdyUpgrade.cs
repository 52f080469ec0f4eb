using Hanbae.Kubelet.Streaming.Spdy;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Turns an HTTP/1.1 request into a SPDY session, choosing the stream protocol the way upstream does.</summary>
internal static class SpdyUpgrade
{
    public const string Protocol = "SPDY/3.1";
    public const string ProtocolVersion = "X-Stream-Protocol-Version";
    const string AcceptedVersions = "X-Accepted-Stream-Protocol-Versions";

    /// <returns>The upgraded transport and the chosen protocol ("" when the client named none), or null once a refusal has been written.</returns>
    public static async Task<(Stream Transport, string Protocol)?> AcceptAsync(HttpContext context, IReadOnlyCollection<string> supported, StreamingTimeouts timeouts)
    {
        if (!UpgradeHeader.Asks(context.Request, Protocol) || context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade)
        {
            await UpgradeHeader.RefuseAsync(context, StatusCodes.Status400BadRequest,
                $"unable to upgrade: missing upgrade headers in request: {context.Request.Protocol} with Upgrade: {context.Request.Headers.Upgrade}").ConfigureAwait(false);
            return null;
        }
        var asked = UpgradeHeader.Listed(context.Request.Headers[ProtocolVersion]);
        // Clients of Kubernetes 1.0 name no protocol and get the first one.
        var chosen = asked.Count == 0 ? "" : asked.FirstOrDefault(supported.Contains);
        if (chosen is null)
        {
            context.Response.Headers[AcceptedVersions] = supported.ToArray();
            await UpgradeHeader.RefuseAsync(context, StatusCodes.Status403Forbidden,
                $"unable to upgrade: unable to negotiate protocol: client supports [{string.Join(' ', asked)}], server accepts [{string.Join(' ', supported)}]").ConfigureAwait(false);
            return null;
        }
        if (chosen.Length > 0) context.Response.Headers[ProtocolVersion] = chosen;
        context.Response.Headers.Upgrade = Protocol;
        return (await UpgradeHeader.SwitchAsync(context, upgrade, timeouts).ConfigureAwait(false), chosen);
    }
}
