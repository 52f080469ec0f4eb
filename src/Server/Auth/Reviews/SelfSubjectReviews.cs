using Hanbae.Api.Authentication.V1;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth.Reviews;

/// <summary>Tells users who the server thinks they are: <c>kubectl auth whoami</c> (KEP-3325).</summary>
sealed class SelfSubjectReviews(TimeProvider time) : IRestHandler
{
    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var review = await request.ReadObjectAsync(SelfSubjectReview.Info, ct).ConfigureAwait(false) as SelfSubjectReview ?? throw Statuses.BadRequest("a SelfSubjectReview is required");
        return Reply.Object(review with
        {
            Metadata = review.Metadata with { CreationTimestamp = time.GetUtcNow() }, Status = new() { UserInfo = Users.Show(request.User) },
        }, 201);
    }
}
