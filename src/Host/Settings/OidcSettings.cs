using Hanbae.Server.Auth.Configuration;

namespace Hanbae.Host.Settings;

/// <summary>One OpenID issuer by upstream's older flags; a configuration file says more.</summary>
public sealed record OidcSettings
{
    public string? IssuerUrl { get; init; }
    public string? ClientId { get; init; }
    public string? UsernameClaim { get; init; }
    public string? UsernamePrefix { get; init; }
    public string? GroupsClaim { get; init; }
    public string? GroupsPrefix { get; init; }
    public string? CaFile { get; init; }
    /// <summary>Such as <c>hd=example.com,tenant=blue</c>.</summary>
    public string? RequiredClaims { get; init; }
    public string? SigningAlgorithms { get; init; }

    public OidcSettings With(OidcSettings asked) => new()
    {
        IssuerUrl = asked.IssuerUrl ?? IssuerUrl, ClientId = asked.ClientId ?? ClientId, UsernameClaim = asked.UsernameClaim ?? UsernameClaim, UsernamePrefix = asked.UsernamePrefix ?? UsernamePrefix,
        GroupsClaim = asked.GroupsClaim ?? GroupsClaim, GroupsPrefix = asked.GroupsPrefix ?? GroupsPrefix, CaFile = asked.CaFile ?? CaFile, RequiredClaims = asked.RequiredClaims ?? RequiredClaims,
        SigningAlgorithms = asked.SigningAlgorithms ?? SigningAlgorithms,
    };

    /// <summary>What upstream makes of the flags; nothing without an issuer.</summary>
    /// <exception cref="SettingsException">A file cannot be read.</exception>
    public AuthenticationConfiguration ToConfiguration()
    {
        if (IssuerUrl is not { Length: > 0 } issuer) return new();
        string claim = UsernameClaim is { Length: > 0 } named ? named : "sub";
        // Names of issuers must not meet, but an address is one by itself; "-" asks for no prefix.
        string prefix = UsernamePrefix switch { "-" => "", { Length: > 0 } given => given, _ => claim == "email" ? "" : issuer + "#" };
        return new()
        {
            Jwt =
            [
                new()
                {
                    Issuer = new() { Url = issuer, Audiences = ClientId is { Length: > 0 } id ? [id] : [], CertificateAuthority = CaFile is { Length: > 0 } file ? AccessSettings.Read("--oidc-ca-file", file) : "" },
                    Username = new(claim, prefix), Groups = GroupsClaim is { Length: > 0 } groups ? new(groups, GroupsPrefix ?? "") : new(),
                    ClaimRules = [.. Pairs(RequiredClaims ?? "").Select(p => new ClaimRule(p.Name, p.Value, "", ""))],
                    Algorithms = SigningAlgorithms is { Length: > 0 } algorithms ? [.. algorithms.Split(',', StringSplitOptions.TrimEntries)] : ["RS256"],
                },
            ],
        };
    }

    static IEnumerable<(string Name, string Value)> Pairs(string text) =>
        text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(p => p.IndexOf('=') is > 0 and var at ? (p[..at], p[(at + 1)..]) : throw new SettingsException($"--oidc-required-claim {p}: write it like claim=value"));
}
