using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Auth.Oidc;

namespace Hanbae.Server.Auth.Configuration;

/// <summary>Says what is wrong with an AuthenticationConfiguration, in upstream's words.</summary>
static class AuthenticationRules
{
    const int MostIssuers = 64;

    /// <param name="ownIssuers">Whose tokens are service accounts': nobody else may issue in that name.</param>
    public static List<FieldError> Check(AuthenticationConfiguration config, IReadOnlyList<string> ownIssuers)
    {
        var errors = new List<FieldError>();
        if (config.Jwt.Length > MostIssuers) return [FieldError.TooMany("jwt", config.Jwt.Length, MostIssuers)];
        HashSet<string> issuers = [], discoveries = [];
        foreach (var (i, jwt) in config.Jwt.Index())
        {
            string at = $"jwt[{i}]";
            Issuer(jwt.Issuer, at + ".issuer", ownIssuers, errors);
            ClaimExpressions.Compile(jwt, at, errors);
            if (!issuers.Add(jwt.Issuer.Url)) errors.Add(FieldError.Duplicate(at + ".issuer.url", jwt.Issuer.Url));
            if (jwt.Issuer.DiscoveryUrl.Length > 0 && !discoveries.Add(jwt.Issuer.DiscoveryUrl)) errors.Add(FieldError.Duplicate(at + ".issuer.discoveryURL", jwt.Issuer.DiscoveryUrl));
        }
        if (config.Anonymous is { Enabled: false, Paths.IsEmpty: false } anonymous)
            errors.Add(FieldError.InvalidAs("anonymous.conditions", "[" + string.Join(",", anonymous.Paths.Select(p => $"{{\"path\":{FieldError.Quoted(p)}}}")) + "]",
                "enabled should be set to true when conditions are defined"));
        return errors;
    }

    static void Issuer(JwtIssuer issuer, string at, IReadOnlyList<string> ownIssuers, List<FieldError> errors)
    {
        if (issuer.Url.Length == 0) errors.Add(FieldError.Required(at + ".url", "URL is required"));
        else Url(issuer.Url, at + ".url", ownIssuers, errors);
        if (issuer.DiscoveryUrl is { Length: > 0 } discovery)
        {
            if (issuer.Url.Length > 0 && issuer.Url.TrimEnd('/') == discovery.TrimEnd('/')) errors.Add(FieldError.Invalid(at + ".discoveryURL", discovery, "discoveryURL must be different from URL"));
            Url(discovery, at + ".discoveryURL", [], errors);
        }
        Audiences(issuer, at, errors);
        if (issuer.CertificateAuthority.Length > 0 && !HasCertificates(issuer.CertificateAuthority))
            errors.Add(FieldError.Invalid(at + ".certificateAuthority", "<omitted>", "data does not contain any valid RSA or ECDSA certificates"));
        // There is no egress selector here that could be chosen.
        if (issuer.EgressSelectorType is { Length: > 0 } egress) errors.Add(FieldError.Invalid(at + ".egressSelectorType", egress, "egressSelectorType requires the egress selector to be configured"));
    }

    static void Url(string text, string at, IReadOnlyList<string> refused, List<FieldError> errors)
    {
        if (refused.Contains(text)) errors.Add(FieldError.Invalid(at, text, $"URL must not overlap with disallowed issuers: [{string.Join(' ', refused.Order(StringComparer.Ordinal))}]"));
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
        {
            errors.Add(FieldError.Invalid(at, text, text.Contains("://", StringComparison.Ordinal) ? $"parse {FieldError.Quoted(text)}: invalid URL" : "URL scheme must be https"));
            return;
        }
        if (url.Scheme != "https") errors.Add(FieldError.Invalid(at, text, "URL scheme must be https"));
        if (url.UserInfo.Length > 0) errors.Add(FieldError.Invalid(at, text, "URL must not contain a username or password"));
        if (url.Query.Length > 1) errors.Add(FieldError.Invalid(at, text, "URL must not contain a query"));
        if (url.Fragment.Length > 1) errors.Add(FieldError.Invalid(at, text, "URL must not contain a fragment"));
    }

    static void Audiences(JwtIssuer issuer, string at, List<FieldError> errors)
    {
        const string Any = "MatchAny";
        if (issuer.Audiences.IsEmpty)
        {
            errors.Add(FieldError.Required(at + ".audiences", $"at least one {at}.audiences is required"));
            return;
        }
        if (issuer.Audiences.Length > 1 && issuer.AudienceMatchPolicy != Any)
            errors.Add(FieldError.Invalid(at + ".audienceMatchPolicy", issuer.AudienceMatchPolicy, "audienceMatchPolicy must be MatchAny for multiple audiences"));
        if (issuer.Audiences.Length == 1 && issuer.AudienceMatchPolicy is not ("" or Any))
            errors.Add(FieldError.Invalid(at + ".audienceMatchPolicy", issuer.AudienceMatchPolicy, "audienceMatchPolicy must be empty or MatchAny for single audience"));
        var seen = new HashSet<string>();
        foreach (var (i, audience) in issuer.Audiences.Index())
        {
            if (audience.Length == 0) errors.Add(FieldError.Required($"{at}.audiences[{i}]", "audience can't be empty"));
            if (!seen.Add(audience)) errors.Add(FieldError.Duplicate($"{at}.audiences[{i}]", audience));
        }
    }

    static bool HasCertificates(string pem)
    {
        var found = new X509Certificate2Collection();
        try { found.ImportFromPem(pem); }
        catch (CryptographicException) { return false; }
        bool any = found.Count > 0;
        foreach (var certificate in found) certificate.Dispose();
        return any;
    }
}
