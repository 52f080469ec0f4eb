using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Configuration;

namespace Hanbae.Host.Settings;

/// <summary>Whom the cluster lets in and who decides what they may do, beside its own certificates, tokens and roles; upstream's flags of the same names.</summary>
public sealed record AccessSettings
{
    /// <summary>Files of kinds AuthenticationConfiguration and AuthorizationConfiguration, read again when they change.</summary>
    public string? AuthenticationConfig { get; init; }
    public string? AuthorizationConfig { get; init; }
    /// <summary>Such as <c>Node,RBAC,Webhook</c>; not together with a file.</summary>
    public string? AuthorizationMode { get; init; }
    public string? AuthorizationWebhook { get; init; }
    public string? TokenWebhook { get; init; }
    public string? TokenFile { get; init; }
    public bool? Anonymous { get; init; }
    public OidcSettings Oidc { get; init => field = value ?? new(); } = new();

    /// <summary>What is asked for this time, and before it what was asked for before; an empty text takes a setting back.</summary>
    public AccessSettings With(AccessSettings asked) => new()
    {
        AuthenticationConfig = FileOf(asked.AuthenticationConfig, AuthenticationConfig), AuthorizationConfig = FileOf(asked.AuthorizationConfig, AuthorizationConfig),
        AuthorizationMode = (asked.AuthorizationMode ?? AuthorizationMode) is { Length: > 0 } mode ? mode : null, AuthorizationWebhook = FileOf(asked.AuthorizationWebhook, AuthorizationWebhook),
        TokenWebhook = FileOf(asked.TokenWebhook, TokenWebhook), TokenFile = FileOf(asked.TokenFile, TokenFile), Anonymous = asked.Anonymous ?? Anonymous, Oidc = Oidc.With(asked.Oidc),
    };

    static string? FileOf(string? asked, string? before) => asked is null ? before : asked.Length > 0 ? Path.GetFullPath(asked) : null;

    /// <exception cref="SettingsException">A file cannot be read, or settings exclude each other.</exception>
    public SecurityOptions AddTo(SecurityOptions options)
    {
        if (AuthorizationConfig is not null && (AuthorizationMode ?? AuthorizationWebhook) is not null)
            throw new SettingsException("--authorization-config can not be specified when --authorization-mode or --authorization-webhook-config-file are specified");
        if (AuthenticationConfig is not null && Oidc.IssuerUrl is { Length: > 0 }) throw new SettingsException("authentication-config file and oidc-* flags are mutually exclusive");
        try
        {
            // Said at once, not when half of the cluster is up; the server reads them again.
            if (AuthenticationConfig is { } authentication) AuthenticationConfiguration.Parse(Read("--authentication-config", authentication), options.Issuer);
            if (AuthorizationConfig is { } authorization) AuthorizationConfiguration.Parse(Read("--authorization-config", authorization));
            return options with
            {
                AuthenticationFile = AuthenticationConfig, Authentication = AuthenticationConfiguration.Checked(Oidc.ToConfiguration(), options.Issuer), AuthorizationFile = AuthorizationConfig, Anonymous = Anonymous ?? true,
                Authorization = AuthorizationMode is null && AuthorizationWebhook is null ? options.Authorization : AuthorizationConfiguration.Checked(OfFlags()),
                TokenWebhook = TokenWebhook is { } tokens ? new(tokens) : null,
                StaticTokens = TokenFile is { } file ? StaticTokens.Parse(Read("--token-auth-file", file)) : null,
            };
        }
        catch (FormatException e) { throw new SettingsException(e.Message, e); }
    }

    internal static string Read(string option, string file)
    {
        try { return File.ReadAllText(file); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new SettingsException($"{option} {file}: {e.Message}", e); }
    }

    AuthorizationConfiguration OfFlags()
    {
        string[] modes = (AuthorizationMode ?? "Node,RBAC").Split(',', StringSplitOptions.TrimEntries);
        bool asks = modes.Contains("Webhook");
        if (asks && AuthorizationWebhook is null) throw new SettingsException("authorization-mode Webhook requires --authorization-webhook-config-file");
        if (!asks && AuthorizationWebhook is not null) throw new SettingsException("--authorization-webhook-config-file requires authorization-mode Webhook");
        // As upstream's flags have it.
        var webhook = new WebhookSettings
        {
            Timeout = TimeSpan.FromSeconds(30), ReviewVersion = "v1", ConditionVersion = "v1", FailurePolicy = "NoOpinion", ConnectionType = "KubeConfigFile", KubeconfigFile = AuthorizationWebhook ?? "",
        };
        return new() { Authorizers = [.. modes.Select(m => new AuthorizerSettings(m, m.ToLowerInvariant(), m == "Webhook" ? webhook : null))] };
    }
}
