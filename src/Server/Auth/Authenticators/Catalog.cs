using System.Collections.Immutable;

namespace Hanbae.Server.Auth.Authenticators;

/// <summary>Who is asked who a user is, in this order; whom none knows is anonymous, and whose credentials are no good is refused.</summary>
static class Catalog
{
    public static ImmutableArray<IAuthenticator> Of(SecurityOptions options, BearerTokens tokens) =>
    [
        // A proxy comes with a certificate of its own: what it says counts, not who it is.
        .. (IAuthenticator[])(options.FrontProxy is { } proxy ? [new FrontProxy(proxy, options.Time)] : []),
        // Callers inside the process come with their identity; the chain takes it without asking (no request from outside can carry one).
        // Certificates first: they are there for every request of the connection and cost one look-up.
        new ClientCertificates(options.CurrentClientAuthorities ?? (() => options.ClientAuthorities), options.Time),
        tokens,
    ];

    /// <summary>The sorts of bearer tokens, the cheapest to rule out first.</summary>
    public static ImmutableArray<ITokenAuthenticator> Tokens(SecurityOptions options, Cache.ServedObjects objects, params ReadOnlySpan<ITokenAuthenticator> sortsOfIssuers)
    {
        var sorts = ImmutableArray.CreateBuilder<ITokenAuthenticator>();
        if (options.StaticTokens is { } fixedTokens) sorts.Add(fixedTokens);
        // Their form is their own: nothing else looks like six and sixteen letters.
        if (options.BootstrapTokens) sorts.Add(new BootstrapTokens(objects, options.Time));
        sorts.AddRange(sortsOfIssuers);
        return sorts.ToImmutable();
    }
}
