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
    readonly Option<bool> _anonymous = new("--anonymous-auth") { Description = "Requests without credentials are anybody's (the default; --anonymous-auth=false for none)." };

    public IEnumerable<Option> All => [_authentication, _authorization, _mode, _webhook, _tokenWebhook, _tokens, _anonymous];

    public AccessSettings Of(ParseResult parsed) => new()
    {
        AuthenticationConfig = parsed.GetValue(_authentication), AuthorizationConfig = parsed.GetValue(_authorization), AuthorizationMode = parsed.GetValue(_mode),
        AuthorizationWebhook = parsed.GetValue(_webhook), TokenWebhook = parsed.GetValue(_tokenWebhook), TokenFile = parsed.GetValue(_tokens),
        Anonymous = parsed.GetResult(_anonymous) is { Implicit: false } ? parsed.GetValue(_anonymous) : null,
    };

    static Option<string?> Text(string name, string description) => new(name) { Description = description };
}
