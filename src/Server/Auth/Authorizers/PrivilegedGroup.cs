namespace Hanbae.Server.Auth.Authorizers;

/// <summary>Lets system:masters do everything, whatever roles say: who holds such a certificate can always repair the cluster.</summary>
public sealed class PrivilegedGroup : IAuthorizer
{
    public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) =>
        new(attributes.User.Groups.Contains(Groups.Masters) ? Decision.Allow() : Decision.NoOpinion());
}
