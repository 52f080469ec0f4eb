using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of admission webhooks and policies.</summary>
static class WebhookDefaults
{
    public static ValidatingWebhook Validating(ValidatingWebhook w) => w with
    {
        FailurePolicy = w.FailurePolicy ?? "Fail",
        MatchPolicy = w.MatchPolicy ?? "Equivalent",
        NamespaceSelector = w.NamespaceSelector ?? LabelSelector.Empty,
        ObjectSelector = w.ObjectSelector ?? LabelSelector.Empty,
        TimeoutSeconds = w.TimeoutSeconds ?? 10,
        Rules = w.Rules.Each(r => r.Scope is null ? r with { Scope = "*" } : r),
        ClientConfig = Client(w.ClientConfig),
    };

    public static MutatingWebhook Mutating(MutatingWebhook w) => w with
    {
        FailurePolicy = w.FailurePolicy ?? "Fail",
        MatchPolicy = w.MatchPolicy ?? "Equivalent",
        NamespaceSelector = w.NamespaceSelector ?? LabelSelector.Empty,
        ObjectSelector = w.ObjectSelector ?? LabelSelector.Empty,
        TimeoutSeconds = w.TimeoutSeconds ?? 10,
        ReinvocationPolicy = w.ReinvocationPolicy ?? "Never",
        Rules = w.Rules.Each(r => r.Scope is null ? r with { Scope = "*" } : r),
        ClientConfig = Client(w.ClientConfig),
    };

    static WebhookClientConfig Client(WebhookClientConfig config) =>
        config.Service is { Port: null } service ? config with { Service = service with { Port = 443 } } : config;

    public static ValidatingAdmissionPolicySpec Policy(ValidatingAdmissionPolicySpec s) =>
        s with { FailurePolicy = s.FailurePolicy ?? "Fail", MatchConstraints = s.MatchConstraints is { } match ? Match(match) : null };

    public static MutatingAdmissionPolicySpec Policy(MutatingAdmissionPolicySpec s) =>
        s with { FailurePolicy = s.FailurePolicy ?? "Fail", MatchConstraints = s.MatchConstraints is { } match ? Match(match) : null };

    public static MatchResources Match(MatchResources m) => m with
    {
        MatchPolicy = m.MatchPolicy ?? "Equivalent",
        NamespaceSelector = m.NamespaceSelector ?? LabelSelector.Empty,
        ObjectSelector = m.ObjectSelector ?? LabelSelector.Empty,
        ResourceRules = m.ResourceRules.Each(r => r.Scope is null ? r with { Scope = "*" } : r),
        ExcludeResourceRules = m.ExcludeResourceRules.Each(r => r.Scope is null ? r with { Scope = "*" } : r),
    };
}
