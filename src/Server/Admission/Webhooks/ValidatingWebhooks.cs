using System.Diagnostics;
using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Server.Auth;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Lets clients' webhooks refuse what is to be stored: all at once, since none changes anything.</summary>
sealed class ValidatingWebhooks(ServedObjects objects, ResourceVersions versions, IAuthorizer authorizer, WebhookClients clients) : IValidates, ICallsWebhooks
{
    public WebhookCounts Counts => clients.Counts;

    readonly Compiled<ValidatingWebhookConfiguration, Webhook[]> _webhooks = new(objects, static c => [.. Webhook.Of(c)]);

    public bool Handles(Operation operation, GroupResource resource, string subresource) => !Selection.IsExempt(resource);

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        var all = await _webhooks.AllAsync(ct).ConfigureAwait(false);
        if (all.Length == 0) return;
        var write = new ReviewedWrite(request, versions);
        var asking = new Expressions.RequestAuthorizer(authorizer, request.User);
        var calls = new List<(Webhook Webhook, Invocation Asked, int Index)>();
        int index = -1;
        foreach (var configuration in all)
            foreach (var webhook in configuration)
            {
                index++;
                if (await webhook.MatchAsync(write, objects, asking, ct).ConfigureAwait(false) is { } asked)
                {
                    // Converted here, one at a time: from then on the calls only read.
                    await write.InAsync(asked.Kind, ct).ConfigureAwait(false);
                    calls.Add((webhook, asked, index));
                }
            }
        if (calls.Count == 0) return;
        var answers = await Task.WhenAll(calls.Select(c => AskAsync(c.Webhook, c.Index, write, c.Asked, ct))).ConfigureAwait(false);
        foreach (var (warnings, _) in answers)
            foreach (string warning in warnings) request.Warnings.Add(warning);
        foreach (var (_, refusal) in answers) if (refusal is not null) throw refusal;
    }

    async Task<(Seq<string> Warnings, StatusException? Refusal)> AskAsync(Webhook webhook, int index, ReviewedWrite write, Invocation asked, CancellationToken ct)
    {
        long began = Stopwatch.GetTimestamp();
        void Count(string? rejected, int code) => clients.Counts.Add(webhook.Name, write.Request.Operation, mutating: false, rejected, code, Stopwatch.GetElapsedTime(began));
        try
        {
            var response = await clients.AskAsync(webhook, write, asked, mutating: false, ct).ConfigureAwait(false);
            var refusal = response.Allowed ? null : WebhookCall.Denied(webhook.Name, response.Status);
            Count(refusal is null ? null : WebhookCall.Refused, refusal?.Code ?? 200);
            return (response.Warnings, refusal);
        }
        catch (WebhookCallException) when (webhook.Ignores)
        {
            Count(null, 500);
            clients.Counts.FailedOpen(webhook.Name, mutating: false);
            write.Request.Audit.Add($"failed-open.validating.webhook.admission.k8s.io/round_0_index_{index}", webhook.Name);
            return default;
        }
        catch (WebhookCallException e)
        {
            Count(WebhookCall.Unreached, 500);
            return (default, Statuses.Internal(e.Message));
        }
        catch (StatusException e)
        {
            Count(WebhookCall.Ours, 0);
            return (default, e);
        }
    }
}
