using Hanbae.Server.ConfigFiles;

namespace Hanbae.Server.Auth.Configuration;

/// <summary>Takes an AuthenticationConfiguration out of its file.</summary>
static class AuthenticationReader
{
    public static AuthenticationConfiguration Read(string yaml)
    {
        var root = ConfigNode.Read(yaml, "AuthenticationConfiguration", "apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1", "apiserver.config.k8s.io/v1alpha1");
        var read = new AuthenticationConfiguration
        {
            Jwt = [.. root.Objects("jwt").Select(Jwt)],
            Anonymous = root.ObjectOrNull("anonymous") is { } a ? new(a.Bool("enabled", false), [.. a.Objects("conditions").Select(c => c.Text("path"))]) : null,
        };
        root.End();
        return read;
    }

    static JwtAuthenticator Jwt(ConfigNode node)
    {
        var (issuer, mappings) = (node.Object("issuer"), node.Object("claimMappings"));
        return new()
        {
            Issuer = new()
            {
                Url = issuer.Text("url"), DiscoveryUrl = issuer.Text("discoveryURL"), CertificateAuthority = issuer.Text("certificateAuthority"),
                Audiences = [.. issuer.Texts("audiences")], AudienceMatchPolicy = issuer.Text("audienceMatchPolicy"), EgressSelectorType = issuer.Text("egressSelectorType"),
            },
            Username = Source(mappings.Object("username")), Groups = Source(mappings.Object("groups")),
            Uid = mappings.Object("uid") is var uid ? new(uid.Text("claim"), null, uid.Text("expression")) : new(),
            Extra = [.. mappings.Objects("extra").Select(e => new ExtraSource(e.Text("key"), e.Text("valueExpression")))],
            ClaimRules = [.. node.Objects("claimValidationRules").Select(r => new ClaimRule(r.Text("claim"), r.Text("requiredValue"), r.Text("expression"), r.Text("message")))],
            UserRules = [.. node.Objects("userValidationRules").Select(r => new UserRule(r.Text("expression"), r.Text("message")))],
        };
    }

    static ClaimSource Source(ConfigNode node) => new(node.Text("claim"), node.TextOrNull("prefix"), node.Text("expression"));
}
