using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Server.Auth.Configuration;
using Hanbae.Server.Auth.Rbac;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Auth.Reviews;

/// <summary>Lists what a user may do in a namespace: <c>kubectl auth can-i --list</c>.</summary>
/// <param name="config">Which authorizers have a say.</param>
sealed class RulesReviews(RbacAuthorizer rbac, Func<AuthorizationConfiguration> config) : IRestHandler
{
    static readonly PolicyRule[] s_all = [new() { Verbs = ["*"], ApiGroups = ["*"], Resources = ["*"] }, new() { Verbs = ["*"], NonResourceURLs = ["*"] }];

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        var review = await request.ReadObjectAsync(SelfSubjectRulesReview.Info, ct).ConfigureAwait(false) as SelfSubjectRulesReview ?? throw Statuses.BadRequest("a SelfSubjectRulesReview is required");
        if (review.Spec.Namespace.Length == 0) throw Statuses.BadRequest("no namespace on request");
        var rules = new List<PolicyRule>();
        var problems = new List<string>();
        foreach (var authorizer in config().Authorizers)
            switch (authorizer.Type)
            {
                case "RBAC":
                    var (granted, errors) = await rbac.RulesOfAsync(request.User, review.Spec.Namespace, ct).ConfigureAwait(false);
                    rules.AddRange(granted);
                    problems.AddRange(errors.Distinct());
                    break;
                // What nodes may do is decided object by object.
                case "Node" when Groups.NodeOf(request.User) is not null: problems.Add("node authorizer does not support user rule resolution"); break;
                case "AlwaysAllow": rules.AddRange(s_all); break;
                case "Webhook": problems.Add("webhook authorizer does not support user rule resolution"); break;
            }
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
