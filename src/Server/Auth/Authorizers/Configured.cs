using Hanbae.Server.Auth.Configuration;
using Hanbae.Server.Auth.Webhooks;

namespace Hanbae.Server.Auth.Authorizers;

/// <summary>Asks the authorizers of the configuration as it is now, behind those that are always there.</summary>
/// <param name="node">The Node mode, made once: it has state.</param>
/// <param name="rbac">The RBAC mode.</param>
sealed class Configured(IAuthorizer node, IAuthorizer rbac, TimeProvider time) : IAuthorizer, IDisposable
{
    volatile State _state = new(new([]), [], new());

    sealed record State(AuthorizerChain Chain, IReadOnlyList<AuthorizerWebhook> Webhooks, AuthorizationConfiguration Config);

    public AuthorizationConfiguration Config => _state.Config;

    /// <exception cref="FormatException">A webhook's kubeconfig file is wrong; then nothing changes.</exception>
    public void Use(AuthorizationConfiguration config)
    {
        var webhooks = new List<AuthorizerWebhook>();
        // First, so that a cluster without any roles can be given some; whatever the configuration says, upstream has it too.
        var chain = new List<IAuthorizer> { new PrivilegedGroup() };
        foreach (var authorizer in config.Authorizers)
            switch (authorizer.Type)
            {
                case "Node": chain.Add(node); break;
                case "RBAC": chain.Add(rbac); break;
                case "AlwaysAllow": chain.Add(new AlwaysAllow()); break;
                case "AlwaysDeny": chain.Add(new AlwaysDeny()); break;
                default:
                    var webhook = new AuthorizerWebhook(authorizer, time);
                    webhooks.Add(webhook);
                    chain.Add(webhook);
                    break;
            }
        // Webhooks of the configuration before may still be asked by requests on their way: they go when nobody holds them.
        _state = new(new(chain), webhooks, config);
    }

    public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) => _state.Chain.AuthorizeAsync(attributes, ct);

    public void Dispose()
    {
        foreach (var webhook in _state.Webhooks) webhook.Dispose();
    }
}
