using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Server.Auth;
using Hanbae.Server.Auth.Authenticators;
using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Components;

/// <summary>Leaves tokens to the cluster: TokenReview.</summary>
sealed class DelegatedTokens(DelegatedReviews reviews, ILogger log) : ITokenAuthenticator
{
    public async ValueTask<TokenResult> AuthenticateAsync(string token, Seq<string> audiences, CancellationToken ct)
    {
        try
        {
            return await reviews.WhoAsync(token, ct) is { } user
                ? TokenResult.Known(new Identity(user.Username, user.Groups) { Uid = user.Uid, Extra = user.Extra }) : TokenResult.NoOpinion;
        }
        catch (Exception e) when (DelegatedAuthorizer.IsAway(e))
        {
            log.TokenNotReviewed(e.Message);
            return TokenResult.Rejected(e.Message);
        }
    }
}

/// <summary>Leaves it to the cluster who may ask for which path: SubjectAccessReview.</summary>
sealed class DelegatedAuthorizer(DelegatedReviews reviews, ILogger log) : IAuthorizer
{
    public async ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct)
    {
        var user = attributes.User;
        var asked = new SubjectAccessReviewSpec
        {
            User = user.Name, Groups = user.Groups, Uid = user.Uid, Extra = user.Extra, NonResourceAttributes = new() { Path = attributes.Path, Verb = attributes.Verb },
        };
        try { return await reviews.MayAsync(asked, ct) ? Decision.Allow() : Decision.NoOpinion(); }
        catch (Exception e) when (IsAway(e))
        {
            log.AccessNotReviewed(user.Name, attributes.Verb, attributes.Path, e.Message);
            return new(Verdict.NoOpinion, "", e.Message);
        }
    }

    /// <summary>The cluster does not answer, or not us.</summary>
    internal static bool IsAway(Exception e) => e is ApiException or HttpRequestException or IOException;
}

static partial class DelegatedAccessLog
{
    [LoggerMessage(1040, LogLevel.Warning, "The cluster does not say whose a token is, and so nobody's it is: {Why}")]
    public static partial void TokenNotReviewed(this ILogger log, string why);

    [LoggerMessage(1041, LogLevel.Warning, "The cluster does not say whether {User} may {Verb} {Path}, and so they may not: {Why}")]
    public static partial void AccessNotReviewed(this ILogger log, string user, string verb, string path, string why);
}
