using System.Diagnostics;
using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Machinery.Patch;
using Hanbae.Server.Auth;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Review = Hanbae.Api.Admission.V1;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Lets clients' webhooks change what is written: one after the other, by the names of their configurations, each seeing what those before it made.</summary>
sealed class MutatingWebhooks(ServedObjects objects, ResourceVersions versions, IAuthorizer authorizer, WebhookClients clients) : IMutates, ICallsWebhooks
{
    public WebhookCounts Counts => clients.Counts;

    readonly Compiled<MutatingWebhookConfiguration, Webhook[]> _webhooks = new(objects, static c => [.. Webhook.Of(c)]);

    public bool Handles(Operation operation, GroupResource resource, string subresource) => !Selection.IsExempt(resource);

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        var all = await _webhooks.AllAsync(ct).ConfigureAwait(false);
        if (all.Length == 0) return request.Object;
        var rerun = request.Reinvocation.Of(nameof(MutatingWebhooks));
        bool again = request.Reinvocation.IsSecond;
        // Plugins of the server's own changed what webhooks had seen.
        if (again && !Equals(rerun.Output, request.Object)) rerun.All();
        var write = new ReviewedWrite(request, versions);
        var asking = new Expressions.RequestAuthorizer(authorizer, request.User);
        int index = -1;
        foreach (var configuration in all)
            foreach (var webhook in configuration)
            {
                index++;
                if (again && !rerun.IsDue(webhook.Key)) continue;
                if (await webhook.MatchAsync(write, objects, asking, ct).ConfigureAwait(false) is not { } asked) continue;
                bool changed;
                string place = $"round_{(again ? 1 : 0)}_index_{index}";
                long began = Stopwatch.GetTimestamp();
                void Count(string? rejected, int code) => clients.Counts.Add(webhook.Name, request.Operation, mutating: true, rejected, code, Stopwatch.GetElapsedTime(began));
                try
                {
                    changed = await AskAsync(webhook, write, asked, place, Count, ct).ConfigureAwait(false);
                    Count(null, 200);
                }
                catch (WebhookCallException) when (webhook.Ignores)
                {
                    Count(null, 500);
                    clients.Counts.FailedOpen(webhook.Name, mutating: true);
                    request.Audit.Add("failed-open.mutation.webhook.admission.k8s.io/" + place, webhook.Name);
                    continue;
                }
                catch (WebhookCallException e)
                {
                    Count(WebhookCall.Unreached, 500);
                    throw Statuses.Internal(e.Message);
                }
                request.Audit.Add("mutation.webhook.admission.k8s.io/" + place,
                    JsonObject.Of(("configuration", webhook.Configuration), ("webhook", webhook.Name), ("mutated", changed)).ToString()!);
                if (changed)
                {
                    rerun.All();
                    request.Reinvocation.IsDue = true;
                }
                if (webhook.Reinvokes) rerun.Asked(webhook.Key);
            }
        rerun.Output = write.Object;
        return write.Object;
    }

    async ValueTask<bool> AskAsync(Webhook webhook, ReviewedWrite write, Invocation asked, string place, Action<string?, int> count, CancellationToken ct)
    {
        Review.AdmissionResponse response;
        try { response = await clients.AskAsync(webhook, write, asked, mutating: true, ct).ConfigureAwait(false); }
        catch (StatusException)
        {
            count(WebhookCall.Ours, 0);
            throw;
        }
        foreach (string warning in response.Warnings) write.Request.Warnings.Add(warning);
        if (!response.Allowed)
        {
            var refusal = WebhookCall.Denied(webhook.Name, response.Status);
            count(WebhookCall.Refused, refusal.Code);
            throw refusal;
        }
        if (response.Patch.Length == 0) return false;
        try
        {
            var operations = JsonValue.Parse(response.Patch.Span);
            var patch = JsonPatch.Parse(operations);
            if (patch.Operations.IsEmpty) return false;
            write.Request.Audit.Add("patch.webhook.admission.k8s.io/" + place,
                JsonObject.Of(("configuration", webhook.Configuration), ("webhook", webhook.Name), ("patch", operations), ("patchType", "JSONPatch")).ToString()!, Audit.AuditLevel.Request);
            var view = await write.InAsync(asked.Kind, ct).ConfigureAwait(false);
            if (view.Object is null) throw Statuses.Internal($"admission webhook {GoQuote.Text(webhook.Name)} attempted to modify the object, which is not supported for this operation");
            var tree = patch.Apply(view.Tree);
            if (tree.Equals(view.Tree)) return false;
            // As upstream, the answer may make of it whatever it likes that is still of the kind.
            await write.ChangeAsync(view.Object.Kind().Decode(tree.ToUtf8()), ct).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is PatchException or FormatException or DecodeException)
        {
            count(WebhookCall.Ours, 0);
            throw Statuses.Internal(e.Message);
        }
    }
}
