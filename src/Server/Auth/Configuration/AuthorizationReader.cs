using Hanbae.Server.ConfigFiles;

namespace Hanbae.Server.Auth.Configuration;

/// <summary>Takes an AuthorizationConfiguration out of its file.</summary>
static class AuthorizationReader
{
    public static AuthorizationConfiguration Read(string yaml)
    {
        var root = ConfigNode.Read(yaml, "AuthorizationConfiguration", "apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1", "apiserver.config.k8s.io/v1alpha1");
        var read = new AuthorizationConfiguration
        {
            Authorizers =
            [
                .. root.Objects("authorizers").Select(a => new AuthorizerSettings(a.Text("type"), a.Text("name"), a.ObjectOrNull("webhook") is { } w ? Webhook(w) : null)),
            ],
        };
        root.End();
        return read;
    }

    static WebhookSettings Webhook(ConfigNode node)
    {
        var connection = node.Object("connectionInfo");
        var defaults = new WebhookSettings();
        // Upstream may keep one sort of answers and not the other.
        bool keepsAllowed = node.Bool("cacheAuthorizedRequests", true), keepsOthers = node.Bool("cacheUnauthorizedRequests", true);
        TimeSpan allowed = Or(node.Length("authorizedTTL"), defaults.AuthorizedTtl), others = Or(node.Length("unauthorizedTTL"), defaults.UnauthorizedTtl);
        return new()
        {
            AuthorizedTtl = keepsAllowed ? allowed : TimeSpan.Zero, UnauthorizedTtl = keepsOthers ? others : TimeSpan.Zero, Timeout = node.Length("timeout") ?? TimeSpan.Zero,
            ReviewVersion = node.Text("subjectAccessReviewVersion"), ConditionVersion = node.Text("matchConditionSubjectAccessReviewVersion"), FailurePolicy = node.Text("failurePolicy"),
            ConnectionType = connection.Text("type"), KubeconfigFile = connection.Text("kubeConfigFile"),
            MatchConditions = [.. node.Objects("matchConditions").Select(c => c.Text("expression"))],
        };
    }

    static TimeSpan Or(TimeSpan? length, TimeSpan otherwise) => length is { } given && given != TimeSpan.Zero ? given : otherwise;
}
