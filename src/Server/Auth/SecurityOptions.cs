using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Auth.Configuration;
using Hanbae.Server.Auth.Tokens;
using Hanbae.Server.Auth.Webhooks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Server.Auth;

/// <summary>Whom the server believes, and what it says in its own tokens.</summary>
public sealed record SecurityOptions
{
    public const string DefaultIssuer = "https://kubernetes.default.svc.cluster.local";

    /// <summary>Who may have signed clients' certificates; without any, no certificate is believed.</summary>
    public X509Certificate2Collection ClientAuthorities { get; init; } = [];
    /// <summary>The same where they rotate while the server runs: asked for each certificate, the same collection until it changes.</summary>
    public Func<X509Certificate2Collection>? CurrentClientAuthorities { get; init; }
    /// <summary>The first one signs service account tokens, all of them check; without any there are no tokens.</summary>
    public ImmutableArray<TokenKey> ServiceAccountKeys { get; init; } = [];
    /// <summary>The same where they rotate while the server runs: asked for each token, the same array and keys until they change.</summary>
    public Func<ImmutableArray<TokenKey>> CurrentServiceAccountKeys { get => field ?? (() => ServiceAccountKeys); init; }
    public string Issuer { get; init; } = DefaultIssuer;
    /// <summary>What this server is called in tokens; the first is what is meant when nobody says.</summary>
    public Seq<string> ApiAudiences { get; init; } = [DefaultIssuer];
    /// <summary>Where others find the keys that check tokens.</summary>
    public string JwksUri { get; init; } = DefaultIssuer + "/openid/v1/jwks";
    public TimeSpan? MaxTokenLifetime { get; init; }
    /// <summary>Pods' tokens live a year, though Pods are told an hour (upstream's --service-account-extend-token-expiration).</summary>
    public bool ExtendTokens { get; init; } = true;
    public StaticTokens? StaticTokens { get; init; }
    public bool BootstrapTokens { get; init; } = true;
    /// <summary>Which admission plugins look at writes.</summary>
    public Admission.AdmissionOptions Admission { get; init; } = new();
    /// <summary>Null when nobody may say in headers who somebody is.</summary>
    public FrontProxyOptions? FrontProxy { get; init; }
    public TokenWebhookOptions? TokenWebhook { get; init; }
    /// <summary>A file of kind AuthenticationConfiguration, read again when it changes.</summary>
    public string? AuthenticationFile { get; init; }
    /// <summary>What is known of issuers besides the file: that of flags, or of a test.</summary>
    public AuthenticationConfiguration Authentication { get; init; } = new();
    /// <summary>A file of kind AuthorizationConfiguration, read again when it changes; takes the place of <see cref="Authorization"/>.</summary>
    public string? AuthorizationFile { get; init; }
    public AuthorizationConfiguration Authorization { get; init; } = AuthorizationConfiguration.Of("Node", "RBAC");
    /// <summary>Whether requests without credentials are anybody's, where the authentication configuration does not say.</summary>
    public bool Anonymous { get; init; } = true;
    public ILogger Logger { get; init; } = NullLogger.Instance;
    /// <summary>Nobody else writes to the store; see <see cref="ServerOptions.SoleWriter"/>.</summary>
    public bool SoleWriter { get; init; } = true;
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
