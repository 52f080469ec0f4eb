using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Webhooks;

/// <summary>One webhook of a configuration, ready to be matched and called.</summary>
/// <param name="Key">Unique among those of all configurations.</param>
sealed record Webhook(string Key, string Name, WebhookClientConfig Client, Selection Selection, MatchConditions Conditions, bool Ignores, bool HasSideEffects, int? Timeout, string? ReviewVersion, bool Reinvokes)
{
    public string Configuration => Key[..Key.IndexOf('/', StringComparison.Ordinal)];

    public static IEnumerable<Webhook> Of(MutatingWebhookConfiguration c) => Numbered(c.Metadata.Name, c.Webhooks, w => w.Name, (w, key) => new(key, w.Name, w.ClientConfig,
        new(ResourceRule.Of(w.Rules), [], w.MatchPolicy, w.NamespaceSelector, w.ObjectSelector), Matching(w.MatchConditions, w.FailurePolicy), w.FailurePolicy == "Ignore",
        Effects(w.SideEffects), w.TimeoutSeconds, Version(w.AdmissionReviewVersions), w.ReinvocationPolicy == "IfNeeded"));

    public static IEnumerable<Webhook> Of(ValidatingWebhookConfiguration c) => Numbered(c.Metadata.Name, c.Webhooks, w => w.Name, (w, key) => new(key, w.Name, w.ClientConfig,
        new(ResourceRule.Of(w.Rules), [], w.MatchPolicy, w.NamespaceSelector, w.ObjectSelector), Matching(w.MatchConditions, w.FailurePolicy), w.FailurePolicy == "Ignore",
        Effects(w.SideEffects), w.TimeoutSeconds, Version(w.AdmissionReviewVersions), false));

    static MatchConditions Matching(Seq<MatchCondition> conditions, string? policy) => new(conditions, RequestVariables.Webhook, policy != "Ignore");

    static bool Effects(string? declared) => declared is not ("None" or "NoneOnDryRun");

    static string? Version(Seq<string> versions) => versions.Find(v => v is "v1" or "v1beta1");

    static IEnumerable<Webhook> Numbered<T>(string configuration, Seq<T> webhooks, Func<T, string> name, Func<T, string, Webhook> make)
    {
        // Names were not always unique.
        var counts = new Dictionary<string, int>();
        foreach (var webhook in webhooks)
        {
            int count = counts.GetValueOrDefault(name(webhook));
            counts[name(webhook)] = count + 1;
            yield return make(webhook, $"{configuration}/{name(webhook)}/{count}");
        }
    }

    /// <summary>As what it is to be shown the request; null when it is none of its business.</summary>
    /// <exception cref="Errors.StatusException">Its conditions cannot be decided, and it fails closed.</exception>
    public async ValueTask<Invocation?> MatchAsync(ReviewedWrite write, ServedObjects objects, RequestAuthorizer asking, CancellationToken ct)
    {
        if (await Selection.MatchAsync(write, objects, ct).ConfigureAwait(false) is not { } asked) return null;
        if (Conditions.IsEmpty) return asked;
        var values = await RequestVariables.ValuesAsync(write, asked, asking, ct).ConfigureAwait(false);
        var (matches, error) = await asking.EvaluateAsync(() => Conditions.Match(values, ct)).ConfigureAwait(false);
        if (error is not null) throw Errors.Statuses.Forbidden(write.Resource.GroupResource, write.Name, error);
        return matches ? asked : null;
    }
}
