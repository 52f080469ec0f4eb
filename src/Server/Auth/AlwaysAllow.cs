namespace Hanbae.Server.Auth;

/// <summary>Allows everything: for test servers, as upstream's AlwaysAllow mode.</summary>
public sealed class AlwaysAllow : IAuthorizer
{
    public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) => new(Decision.Allow());
}
