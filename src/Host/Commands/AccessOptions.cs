using System.CommandLine;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Commands;

/// <summary>Options of <c>up</c> about who is let in; empty texts take back what was asked for before.</summary>
sealed class AccessOptions
{
    readonly Option<string?> _authentication = Text("--authentication-config", "An AuthenticationConfiguration file: issuers of JSON web tokens, and who may be anonymous. Read again when it changes.");
    readonly Option<string?> _authorization = Text("--authorization-config", "An AuthorizationConfiguration file: which authorizers are asked, in which order. Read again when it changes.");
    readonly Option<string?> _mode = Text("--authorization-mode", "Authorizers in order: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny (Node,RBAC).");
    readonly Option<string?> _webhook = Text("--authorization-webhook-config-file", "A kubeconfig file that says where the Webhook authorizer is.");
    readonly Option<string?> _tokenWebhook = Text("--authentication-token-webhook-config-file", "A kubeconfig file that says who reviews tokens that nobody here knows.");
    readonly Option<string?> _tokens = Text("--token-auth-file", "A file of lines token,user,uid,\"group1,group2\".");
    readonly Option<string?> _issuer = Text("--oidc-issuer-url", "An OpenID issuer, where a configuration file would be too much.");
    readonly Option<string?> _client = Text("--oidc-client-id", "The audience that its tokens must name.");
    readonly Option<string?> _userClaim = Text("--oidc-username-claim", "The claim that is the user (sub).");
    readonly Option<string?> _userPrefix = Text("--oidc-username-prefix", "What stands before users (the issuer and #); - for nothing.");
    readonly Option<string?> _groupsClaim = Text("--oidc-groups-claim", "The claim that lists groups.");
    readonly Option<string?> _groupsPrefix = Text("--oidc-groups-prefix", "What stands before groups.");
    readonly Option<string?> _ca = Text("--oidc-ca-file", "Whom to believe at the issuer (the machine's authorities).");
    readonly Option<string?> _required = Text("--oidc-required-claim", "Claims that tokens must have, as claim=value,claim=value.");
    readonly Option<string?> _algorithms = Text("--oidc-signing-algs", "What tokens may be signed with (RS256).");
    readonly Option<bool> _anonymous = new("--anonymous-auth") { Description = "Requests without credentials are anybody's (the default; --anonymous-auth=false for none)." };

    public IEnumerable<Option> All => [_authentication, _authorization, _mode, _webhook, _tokenWebhook, _tokens, _anonymous, _issuer, _client, _userClaim, _userPrefix, _groupsClaim, _groupsPrefix, _ca, _required, _algorithms];

    public AccessSettings Of(ParseResult parsed) => new()
    {
        AuthenticationConfig = parsed.GetValue(_authentication), AuthorizationConfig = parsed.GetValue(_authorization), AuthorizationMode = parsed.GetValue(_mode),
        AuthorizationWebhook = parsed.GetValue(_webhook), TokenWebhook = parsed.GetValue(_tokenWebhook), TokenFile = parsed.GetValue(_tokens),
        Anonymous = parsed.GetResult(_anonymous) is { Implicit: false } ? parsed.GetValue(_anonymous) : null,
        Oidc = new()
        {
            IssuerUrl = parsed.GetValue(_issuer),
            ClientId = parsed.GetValue(_client),
            UsernameClaim = parsed.GetValue(_userClaim),
            UsernamePrefix = parsed.GetValue(_userPrefix),
            GroupsClaim = parsed.GetValue(_groupsClaim),
            GroupsPrefix = parsed.GetValue(_groupsPrefix),
            CaFile = parsed.GetValue(_ca),
            RequiredClaims = parsed.GetValue(_required),
            SigningAlgorithms = parsed.GetValue(_algorithms),
        },
    };

    static Option<string?> Text(string name, string description) => new(name) { Description = description };
}
