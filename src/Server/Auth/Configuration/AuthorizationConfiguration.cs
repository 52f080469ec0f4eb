using System.Collections.Immutable;

namespace Hanbae.Server.Auth.Configuration;

/// <summary>Which authorizers there are, in which order they are asked: upstream's structured authorization (KEP-3221).</summary>
public sealed record AuthorizationConfiguration
{
    public ImmutableArray<AuthorizerSettings> Authorizers { get; init; } = [];

    /// <summary>What <c>--authorization-mode</c> names.</summary>
    public static AuthorizationConfiguration Of(params IEnumerable<string> modes) => new() { Authorizers = [.. modes.Select(m => new AuthorizerSettings(m, m.ToLowerInvariant(), null))] };

    /// <exception cref="FormatException">What is wrong with it, and where.</exception>
    public static AuthorizationConfiguration Parse(string yaml) => Checked(AuthorizationReader.Read(yaml));

    /// <exception cref="FormatException">What is wrong with it, and where.</exception>
    public static AuthorizationConfiguration Checked(AuthorizationConfiguration config)
    {
        var errors = AuthorizationRules.Check(config);
        return errors.Count == 0 ? config : throw new FormatException(errors.Count == 1 ? errors[0].ToString() : "[" + string.Join(", ", errors) + "]");
    }
}

/// <param name="Type">Node, RBAC, Webhook, AlwaysAllow or AlwaysDeny.</param>
/// <param name="Name">In metrics and errors.</param>
public sealed record AuthorizerSettings(string Type, string Name, WebhookSettings? Webhook);

/// <summary>How a webhook is asked, and what its silence means.</summary>
public sealed record WebhookSettings
{
    public TimeSpan AuthorizedTtl { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan UnauthorizedTtl { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan Timeout { get; init; }
    public string ReviewVersion { get; init; } = "";
    public string ConditionVersion { get; init; } = "";
    /// <summary>NoOpinion or Deny.</summary>
    public string FailurePolicy { get; init; } = "";
    /// <summary>KubeConfigFile; InClusterConfig is for servers that run in a cluster, which this one does not.</summary>
    public string ConnectionType { get; init; } = "";
    public string KubeconfigFile { get; init; } = "";
    public ImmutableArray<string> MatchConditions { get; init; } = [];

    public bool Denies => FailurePolicy == "Deny";
}
