using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Errors;
using Review = Hanbae.Api.Admission.V1;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>Nobody can tell what a webhook would have said.</summary>
sealed class WebhookCallException(string webhook, string why) : Exception($"failed calling webhook {GoQuote.Text(webhook)}: {why}");

/// <summary>Asks a webhook and reads its answer: AdmissionReview in the version it takes.</summary>
static class WebhookCall
{
    /// <summary>Why a request was refused, in upstream's words: the webhook would not have it, it could not be asked, or its answer could not be made use of.</summary>
    public const string Refused = "no_error", Unreached = "calling_webhook_error", Ours = "apiserver_internal_error";

    /// <exception cref="WebhookCallException">It did not answer, or not as it must.</exception>
    /// <exception cref="StatusException">The request is a dry run, which it cannot do.</exception>
    public static async Task<Review.AdmissionResponse> AskAsync(this WebhookClients clients, Webhook webhook, ReviewedWrite write, Invocation asked, bool mutating, CancellationToken ct)
    {
        if (write.Request.DryRun && webhook.HasSideEffects) throw Statuses.BadRequest($"admission webhook {GoQuote.Text(webhook.Name)} does not support dry run");
        string uid = Guid.NewGuid().ToString();
        var view = await write.InAsync(asked.Kind, ct).ConfigureAwait(false);
        var request = write.Told(asked, uid) with { Object = new(view.Json ?? Null), OldObject = new(view.OldJson ?? Null) };
        byte[] answer;
        var version = new GroupVersion("admission.k8s.io", webhook.ReviewVersion ?? throw new WebhookCallException(webhook.Name, "could not get REST client: no supported admission review versions"));
        byte[] body = Review.AdmissionReview.Info.WriteFor(new Review.AdmissionReview { Request = request }, version);
        try { answer = await clients.PostAsync(webhook.Client, webhook.Timeout, write.Request.Left?.Invoke(), body, ct).ConfigureAwait(false); }
        catch (IOException e) { throw new WebhookCallException(webhook.Name, "failed to call webhook: " + e.Message); }

        var response = Read(webhook.Name, answer, version, uid, mutating);
        foreach (var (key, value) in response.AuditAnnotations) write.Request.Audit.Add(webhook.Name + "/" + key, value);
        return response;
    }

    static readonly byte[] Null = "null"u8.ToArray();

    static Review.AdmissionResponse Read(string webhook, byte[] answer, GroupVersion version, string uid, bool mutating)
    {
        WebhookCallException Wrong(string why) => new(webhook, "received invalid webhook response: " + why);
        Review.AdmissionReview review;
        try
        {
            var tree = JsonValue.Parse(answer) as JsonObject ?? throw new FormatException("couldn't get version/kind; json parse error");
            static string Text(JsonValue? v) => (v as JsonString)?.Value ?? "";
            var (apiVersion, kind) = (Text(tree["apiVersion"]), Text(tree["kind"]));
            // The first version's answers did not have to say what they are.
            if ((apiVersion != version.ToString() || kind != "AdmissionReview") && (version.Version == "v1" || (apiVersion + kind).Length > 0))
                throw Wrong($"expected webhook response of {version}, Kind=AdmissionReview, got {(apiVersion.Length == 0 ? "/" : apiVersion)}, Kind={kind}");
            review = (Review.AdmissionReview)Review.AdmissionReview.Info.Decode(answer);
        }
        catch (Exception e) when (e is FormatException or Api.Codec.DecodeException) { throw new WebhookCallException(webhook, "failed to call webhook: " + e.Message); }
        if (review.Response is not { } response) throw new WebhookCallException(webhook, "webhook response was absent");
        // The first version did not echo uids.
        if (version.Version == "v1" && response.Uid != uid) throw Wrong($"expected response.uid={GoQuote.Text(uid)}, got {GoQuote.Text(response.Uid)}");
        if (version.Version != "v1") return response;
        if (!response.Patch.IsNil && response.Patch.Length > 0 && response.PatchType is null) throw Wrong("webhook returned response.patch but not response.patchType");
        if (response.PatchType is { } type)
        {
            if (response.Patch.Length == 0) throw Wrong("webhook returned response.patchType but not response.patch");
            if (!mutating) throw Wrong("webhook returned response.patch but not expected to"); // upstream refuses it of validating ones
            if (type != "JSONPatch") throw Wrong($"invalid response.patchType: {GoQuote.Text(type)} not supported");
        }
        return response;
    }

    /// <summary>The webhook's own status, which is never one of success.</summary>
    public static StatusException Denied(string webhook, Status? given)
    {
        var status = given ?? new();
        string by = $"admission webhook {GoQuote.Text(webhook)} denied the request";
        return new(status with
        {
            Code = status.Code < 400 ? 400 : status.Code, StatusValue = status.StatusValue is "" or "Success" ? "Failure" : status.StatusValue,
            Message = status.Message.Length > 0 ? $"{by}: {status.Message}" : status.Reason.Length > 0 ? $"{by}: {status.Reason}" : by + " without explanation",
        });
    }
}
