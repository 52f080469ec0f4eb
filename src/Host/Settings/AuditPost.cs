using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Server.Audit;

namespace Hanbae.Host.Settings;

/// <summary>Posts audit events to the server that a kubeconfig names, path and all.</summary>
sealed class AuditPost(ClusterConfig config, TimeProvider time)
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly HttpTransport _http = new(config, time, new() { Protobuf = false });

    public async Task<WebhookAnswer> SendAsync(ReadOnlyMemory<byte> events, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, ct);
        int code;
        try { code = (await _http.SendAsync(new() { Method = "POST", Path = "", Body = events, ContentType = "application/json" }, either.Token)).Code; }
        catch (ApiException e) { code = e.Status.Code; }
        return code switch { >= 200 and < 300 => WebhookAnswer.Taken, 429 or >= 500 => WebhookAnswer.TryAgain, _ => WebhookAnswer.Refused };
    }
}
