using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Configuration;

namespace Hanbae.Host.Settings;

public sealed partial class ServerFlags
{
    static IReadOnlyList<(string Name, string Meaning)> AccessFlags =>
    [
        ("authentication-config", "An AuthenticationConfiguration file: issuers of JSON web tokens, and who may be anonymous. Read again when it changes."),
        ("authorization-config", "An AuthorizationConfiguration file: which authorizers are asked, in which order. Read again when it changes."),
        ("authorization-mode", "Authorizers in order: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny (Node,RBAC)."),
        ("authorization-webhook-config-file", "A kubeconfig file that says where the Webhook authorizer is."),
        ("authentication-token-webhook-config-file", "A kubeconfig file that says who reviews tokens that nobody here knows."),
        ("token-auth-file", "A file of lines token,user,uid,\"group1,group2\"."),
        ("anonymous-auth", "Requests without credentials are anybody's (true)."),
    ];

    /// <summary>Whom the cluster lets in and who decides what they may do, beside its own certificates, tokens and roles.</summary>
    /// <exception cref="SettingsException">A file cannot be read, or flags exclude each other.</exception>
    public SecurityOptions Access(SecurityOptions options)
    {
        string? authentication = Find("authentication-config"), authorization = Find("authorization-config"), tokens = Find("token-auth-file"), review = Find("authentication-token-webhook-config-file");
        bool modes = Find("authorization-mode") is not null || Find("authorization-webhook-config-file") is not null;
        if (authorization is not null && modes)
            throw new SettingsException("--authorization-config can not be specified when --authorization-mode or --authorization-webhook-config-file are specified");
        try
        {
            // Said at once, not when half of the cluster is up; the server reads them again.
            if (authentication is not null) AuthenticationConfiguration.Parse(Contents("authentication-config", authentication), options.Issuer);
            if (authorization is not null) AuthorizationConfiguration.Parse(Contents("authorization-config", authorization));
            return options with
            {
                AuthenticationFile = authentication, AuthorizationFile = authorization, Anonymous = Flag("anonymous-auth", true),
                Authorization = modes ? AuthorizationConfiguration.Checked(Modes()) : options.Authorization,
                TokenWebhook = review is not null ? new(review) : null,
                StaticTokens = tokens is not null ? StaticTokens.Parse(Contents("token-auth-file", tokens)) : null,
            };
        }
        catch (FormatException e) { throw new SettingsException(e.Message, e); }
    }

    static string Contents(string name, string file)
    {
        try { return File.ReadAllText(file); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new SettingsException($"--{name} {file}: {e.Message}", e); }
    }

    AuthorizationConfiguration Modes()
    {
        string[] modes = Text("authorization-mode", "Node,RBAC").Split(',', StringSplitOptions.TrimEntries);
        string? file = Find("authorization-webhook-config-file");
        bool asks = modes.Contains("Webhook");
        if (asks && file is null) throw new SettingsException("authorization-mode Webhook requires --authorization-webhook-config-file");
        if (!asks && file is not null) throw new SettingsException("--authorization-webhook-config-file requires authorization-mode Webhook");
        // As upstream's flags have it.
        var webhook = new WebhookSettings
        {
            Timeout = TimeSpan.FromSeconds(30), ReviewVersion = "v1", ConditionVersion = "v1", FailurePolicy = "NoOpinion", ConnectionType = "KubeConfigFile", KubeconfigFile = file ?? "",
        };
        return new() { Authorizers = [.. modes.Select(m => new AuthorizerSettings(m, m.ToLowerInvariant(), m == "Webhook" ? webhook : null))] };
    }
}
