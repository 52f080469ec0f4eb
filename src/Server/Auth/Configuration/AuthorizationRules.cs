using Hanbae.Api;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Auth.Webhooks;

namespace Hanbae.Server.Auth.Configuration;

/// <summary>Says what is wrong with an AuthorizationConfiguration, in upstream's words.</summary>
static class AuthorizationRules
{
    const string Webhook = "Webhook", File = "KubeConfigFile";
    static readonly string[] s_types = ["AlwaysAllow", "AlwaysDeny", "Node", "RBAC", Webhook];
    static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);

    public static List<FieldError> Check(AuthorizationConfiguration config)
    {
        var errors = new List<FieldError>();
        if (config.Authorizers.IsEmpty) errors.Add(FieldError.Required("authorizers", "at least one authorization mode must be defined"));
        HashSet<string> types = [], names = [];
        foreach (var (i, authorizer) in config.Authorizers.Index())
        {
            string at = $"authorizers[{i}]";
            if (authorizer.Type.Length == 0) errors.Add(FieldError.Required(at + ".type", ""));
            else if (!s_types.Contains(authorizer.Type)) errors.Add(FieldError.NotSupported(at + ".type", authorizer.Type, s_types));
            else if (!types.Add(authorizer.Type) && authorizer.Type != Webhook) errors.Add(FieldError.Duplicate(at + ".type", authorizer.Type));
            else
            {
                if (authorizer.Name.Length == 0) errors.Add(FieldError.Required(at + ".name", ""));
                else if (!names.Add(authorizer.Name)) errors.Add(FieldError.Duplicate(at + ".name", authorizer.Name));
                else if (Names.Subdomain(authorizer.Name) is { Count: > 0 } wrong) errors.Add(FieldError.Invalid(at + ".name", authorizer.Name, "authorizer name is invalid: " + string.Join(", ", wrong)));
                if (authorizer.Type == Webhook && authorizer.Webhook is null) errors.Add(FieldError.Required(at + ".webhook", "required when type=Webhook"));
                else if (authorizer.Type == Webhook) Check(authorizer.Webhook!, at + ".webhook", errors);
                else if (authorizer.Webhook is not null) errors.Add(FieldError.Invalid(at + ".webhook", "non-null", "may only be specified when type=Webhook"));
            }
        }
        return errors;
    }

    static void Check(WebhookSettings webhook, string at, List<FieldError> errors)
    {
        if (webhook.Timeout == TimeSpan.Zero) errors.Add(FieldError.Required(at + ".timeout", ""));
        else if (webhook.Timeout > s_longest || webhook.Timeout < TimeSpan.Zero) errors.Add(FieldError.Invalid(at + ".timeout", Duration.From(webhook.Timeout).ToString(), "must be > 0s and <= 30s"));
        foreach (var (name, ttl) in new[] { ("authorizedTTL", webhook.AuthorizedTtl), ("unauthorizedTTL", webhook.UnauthorizedTtl) })
            if (ttl < TimeSpan.Zero) errors.Add(FieldError.Invalid($"{at}.{name}", Duration.From(ttl).ToString(), "must be > 0s"));
        OneOf(webhook.ReviewVersion, at + ".subjectAccessReviewVersion", errors, "v1", "v1beta1");
        OneOf(webhook.ConditionVersion, at + ".matchConditionSubjectAccessReviewVersion", errors, "v1");
        OneOf(webhook.FailurePolicy, at + ".failurePolicy", errors, "NoOpinion", "Deny");
        Connection(webhook, at + ".connectionInfo", errors);
        AccessConditions.Compile(webhook.MatchConditions, at + ".matchConditions", errors);
    }

    static void OneOf(string value, string at, List<FieldError> errors, params string[] known)
    {
        if (value.Length == 0) errors.Add(FieldError.Required(at, ""));
        else if (!known.Contains(value)) errors.Add(FieldError.NotSupported(at, value, known));
    }

    static void Connection(WebhookSettings webhook, string at, List<FieldError> errors)
    {
        string file = webhook.KubeconfigFile;
        if (webhook.ConnectionType.Length == 0) errors.Add(FieldError.Required(at + ".type", ""));
        else if (webhook.ConnectionType != File) errors.Add(FieldError.NotSupported(at + ".type", webhook.ConnectionType, File));
        else if (file.Length == 0) errors.Add(FieldError.Required(at + ".kubeConfigFile", ""));
        else if (!Path.IsPathFullyQualified(file)) errors.Add(FieldError.Invalid(at + ".kubeConfigFile", file, "must be an absolute path"));
        else if (Directory.Exists(file)) errors.Add(FieldError.Invalid(at + ".kubeConfigFile", file, "must be a regular file"));
        else if (!System.IO.File.Exists(file)) errors.Add(FieldError.Invalid(at + ".kubeConfigFile", file, $"error loading file: stat {file}: no such file or directory"));
    }
}
