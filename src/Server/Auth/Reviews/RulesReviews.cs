using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth.Reviews;

/// <summary>Lists what a user may do in a namespace: <c>kubectl auth can-i --list</c>.</summary>
sealed class RulesReviews(RbacAuthorizer rbac) : IRestHandler
{
    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var review = await request.ReadObjectAsync(SelfSubjectRulesReview.Info, ct).ConfigureAwait(false) as SelfSubjectRulesReview ?? throw Statuses.BadRequest("a SelfSubjectRulesReview is required");
        if (review.Spec.Namespace.Length == 0) throw Statuses.BadRequest("no namespace on request");
        var (rules, errors) = await rbac.RulesOfAsync(request.User, review.Spec.Namespace, ct).ConfigureAwait(false);
        var problems = new List<string>(errors.Distinct());
        // What nodes may do is decided object by object.
        if (Groups.NodeOf(request.User) is not null) problems.Add("node authorizer does not support user rule resolution");
        return Reply.Object(review with
        {
            Status = new()
            {
                ResourceRules = rules.Where(r => !r.Resources.IsEmpty)
                    .Select(r => new ResourceRule { Verbs = r.Verbs, ApiGroups = r.ApiGroups, Resources = r.Resources, ResourceNames = r.ResourceNames }).ToSeq(),
                NonResourceRules = rules.Where(r => !r.NonResourceURLs.IsEmpty).Select(r => new NonResourceRule { Verbs = r.Verbs, NonResourceURLs = r.NonResourceURLs }).ToSeq(),
                Incomplete = problems.Count > 0, EvaluationError = string.Join(", ", problems),
            },
        }, 201);
    }
}
