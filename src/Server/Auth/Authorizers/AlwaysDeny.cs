namespace Hanbae.Server.Auth.Authorizers;

/// <summary>Allows nothing, as upstream's AlwaysDeny mode: for tests of clients.</summary>
public sealed class AlwaysDeny : IAuthorizer
{
    public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) => new(Decision.NoOpinion("Everything is forbidden."));
}
