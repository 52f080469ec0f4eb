using Hanbae.Server.Encode;
using Hanbae.Server.Errors;
using Hanbae.Server.Streaming;

namespace Hanbae.Server.Subresources.Kubelet;

/// <summary>An upgrade as an answer of the chain.</summary>
static class Tunnel
{
    public static Reply To(UpgradeTarget target) => new RawReply(async http =>
    {
        if (await UpgradeTunnel.RunAsync(http, target).ConfigureAwait(false) is not { } failure) return;
        var status = failure.Code == 400 ? Statuses.BadRequest(failure.Message).Status : Statuses.Failure(failure.Code, "InternalError", failure.Message);
        byte[] body = Encoder.Object(Output.Json, status);
        http.Response.StatusCode = failure.Code;
        http.Response.ContentType = MediaTypes.Json;
        http.Response.ContentLength = body.Length;
        await http.Response.BodyWriter.WriteAsync(body, http.RequestAborted).ConfigureAwait(false);
    });
}
