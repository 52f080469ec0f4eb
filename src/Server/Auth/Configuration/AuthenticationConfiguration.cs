using System.Collections.Immutable;

namespace Hanbae.Server.Auth.Configuration;

/// <summary>Whose tokens the server believes, and where it takes nobody for somebody: upstream's structured authentication (KEP-3331, KEP-4633).</summary>
public sealed record AuthenticationConfiguration
{
    public ImmutableArray<JwtAuthenticator> Jwt { get; init; } = [];
    /// <summary>Null leaves it to <see cref="SecurityOptions.Anonymous"/>.</summary>
    public AnonymousRules? Anonymous { get; init; }

    /// <exception cref="FormatException">What is wrong with it, and where.</exception>
    public static AuthenticationConfiguration Parse(string yaml, params IReadOnlyList<string> ownIssuers) => Checked(AuthenticationReader.Read(yaml), ownIssuers);

    /// <param name="ownIssuers">Whose tokens are service accounts'.</param>
    /// <exception cref="FormatException">What is wrong with it, and where.</exception>
    public static AuthenticationConfiguration Checked(AuthenticationConfiguration config, params IReadOnlyList<string> ownIssuers)
    {
        var errors = AuthenticationRules.Check(config, ownIssuers);
        return errors.Count == 0 ? config : throw new FormatException(errors.Count == 1 ? errors[0].ToString() : "[" + string.Join(", ", errors) + "]");
    }
}

/// <summary>Who may come without credentials: everybody to these paths, or to all when there are none.</summary>
public sealed record AnonymousRules(bool Enabled, ImmutableArray<string> Paths)
{
    public bool Allows(string path) => Enabled && (Paths.IsEmpty || Paths.Contains(path));
}

/// <summary>One issuer of JSON web tokens and how its claims become a user.</summary>
public sealed record JwtAuthenticator
{
    public required JwtIssuer Issuer { get; init; }
    public required ClaimSource Username { get; init; }
    public ClaimSource Groups { get; init; } = new();
    public ClaimSource Uid { get; init; } = new();
    public ImmutableArray<ExtraSource> Extra { get; init; } = [];
    public ImmutableArray<ClaimRule> ClaimRules { get; init; } = [];
    public ImmutableArray<UserRule> UserRules { get; init; } = [];
    /// <summary>What tokens may be signed with; never HMAC, never nothing.</summary>
    public ImmutableArray<string> Algorithms { get; init; } = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];
}

/// <summary>Where an issuer is and for whom its tokens must be meant.</summary>
public sealed record JwtIssuer
{
    public required string Url { get; init; }
    /// <summary>The whole address of the discovery document, where it is not below <see cref="Url"/>.</summary>
    public string DiscoveryUrl { get; init; } = "";
    /// <summary>PEM; empty to believe the machine's authorities.</summary>
    public string CertificateAuthority { get; init; } = "";
    public ImmutableArray<string> Audiences { get; init; } = [];
    public string AudienceMatchPolicy { get; init; } = "";
    public string EgressSelectorType { get; init; } = "";
}

/// <summary>A part of a user: a claim with something before it, or an expression over claims.</summary>
/// <param name="Prefix">Null when the file does not say: with a claim it must.</param>
public sealed record ClaimSource(string Claim = "", string? Prefix = null, string Expression = "");

public sealed record ExtraSource(string Key, string ValueExpression);

/// <summary>A claim that must have a value, or an expression over claims that must be true.</summary>
public sealed record ClaimRule(string Claim, string RequiredValue, string Expression, string Message);

/// <summary>An expression over the user that must be true.</summary>
public sealed record UserRule(string Expression, string Message);
