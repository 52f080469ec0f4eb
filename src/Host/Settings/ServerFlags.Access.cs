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
        ("oidc-issuer-url", "An OpenID issuer, where a configuration file would be too much."),
        ("oidc-client-id", "The audience that its tokens must name."),
        ("oidc-username-claim", "The claim that is the user (sub)."),
        ("oidc-username-prefix", "What stands before users (the issuer and #); - for nothing."),
        ("oidc-groups-claim", "The claim that lists groups."),
        ("oidc-groups-prefix", "What stands before groups."),
        ("oidc-ca-file", "Whom to believe at the issuer (the machine's authorities)."),
        ("oidc-required-claim", "Claims that tokens must have, as claim=value,claim=value."),
        ("oidc-signing-algs", "What tokens may be signed with (RS256)."),
        ("service-account-max-token-expiration", "The longest that a token of a service account may live (no bound). At least 1h."),
        ("service-account-extend-token-expiration", "Pods' tokens live a year though Pods are told an hour, for clients that read them only once (false)."),
    ];

    public bool ExtendTokens => Flag("service-account-extend-token-expiration", false);

    /// <exception cref="SettingsException">Too short, or too long, as upstream bounds it.</exception>
    public TimeSpan? MaxTokenLifetime
    {
        get
        {
            const string name = "service-account-max-token-expiration";
            if (Find(name) is null) return null;
            var most = Time(name, TimeSpan.Zero);
            return most >= TimeSpan.FromHours(1) && most <= TimeSpan.FromSeconds(1L << 32) ? most
                : throw new SettingsException($"--{name}: must be between 1 hour and 2^32 seconds");
        }
    }

    /// <summary>Whom the cluster lets in and who decides what they may do, beside its own certificates, tokens and roles.</summary>
    /// <exception cref="SettingsException">A file cannot be read, or flags exclude each other.</exception>
    public SecurityOptions Access(SecurityOptions options)
    {
        string? authentication = Find("authentication-config"), authorization = Find("authorization-config"), tokens = Find("token-auth-file"), review = Find("authentication-token-webhook-config-file");
        bool modes = Find("authorization-mode") is not null || Find("authorization-webhook-config-file") is not null;
        if (authorization is not null && modes)
            throw new SettingsException("--authorization-config can not be specified when --authorization-mode or --authorization-webhook-config-file are specified");
        if (authentication is not null && Find("oidc-issuer-url") is not null) throw new SettingsException("authentication-config file and oidc-* flags are mutually exclusive");
        try
        {
            // Said at once, not when half of the cluster is up; the server reads them again.
            if (authentication is not null) AuthenticationConfiguration.Parse(Contents("authentication-config", authentication), options.Issuer);
            if (authorization is not null) AuthorizationConfiguration.Parse(Contents("authorization-config", authorization));
            return options with
            {
                AuthenticationFile = authentication, Authentication = AuthenticationConfiguration.Checked(Oidc(), options.Issuer), AuthorizationFile = authorization, Anonymous = Flag("anonymous-auth", true),
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

    /// <summary>What upstream makes of its older flags for one issuer; nothing without it.</summary>
    AuthenticationConfiguration Oidc()
    {
        if (Find("oidc-issuer-url") is not { } issuer) return new();
        string claim = Text("oidc-username-claim", "sub");
        // Names of issuers must not meet, but an address is one by itself; "-" asks for no prefix.
        string prefix = Find("oidc-username-prefix") switch { "-" => "", { } given => given, null => claim == "email" ? "" : issuer + "#" };
        return new()
        {
            Jwt =
            [
                new()
                {
                    Issuer = new() { Url = issuer, Audiences = Find("oidc-client-id") is { } id ? [id] : [], CertificateAuthority = Find("oidc-ca-file") is { } file ? Contents("oidc-ca-file", file) : "" },
                    Username = new(claim, prefix), Groups = Find("oidc-groups-claim") is { } groups ? new(groups, Text("oidc-groups-prefix")) : new(),
                    ClaimRules = [.. Pairs(Text("oidc-required-claim")).Select(p => new ClaimRule(p.Name, p.Value, "", ""))],
                    Algorithms = [.. Text("oidc-signing-algs", "RS256").Split(',', StringSplitOptions.TrimEntries)],
                },
            ],
        };
    }

    static IEnumerable<(string Name, string Value)> Pairs(string text) =>
        text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(p => p.IndexOf('=') is > 0 and var at ? (p[..at], p[(at + 1)..]) : throw new SettingsException($"--oidc-required-claim {p}: write it like claim=value"));
}
