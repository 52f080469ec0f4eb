using Hanbae.Api.Authentication.V1;
using Hanbae.Server.Auth.Authenticators;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth.Reviews;

/// <summary>Tells others whom a token stands for.</summary>
sealed class TokenReviews(BearerTokens tokens) : IRestHandler
{
    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var review = await request.ReadObjectAsync(TokenReview.Info, ct).ConfigureAwait(false) as TokenReview ?? throw Statuses.BadRequest("a TokenReview is required");
        if (review.Spec.Token.Length == 0) throw Statuses.BadRequest("token is required for TokenReview in authentication");
        bool asks = !review.Spec.Audiences.IsEmpty;
        var result = await tokens.CheckAsync(review.Spec.Token, asks ? review.Spec.Audiences : tokens.Audiences, ct).ConfigureAwait(false);
        var status = result.User is { } user
            ? new TokenReviewStatus { Authenticated = true, User = Users.Show(user), Audiences = result.Audiences }
            : new TokenReviewStatus { Error = result.Error ?? "" };
        return Reply.Object(review with { Status = status }, 201);
    }
}
