using Hanbae.Api.Rest;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Admission.Expressions;

/// <summary>Answers what expressions ask <c>authorizer</c>: for whoever sent the request, or for a service account.</summary>
sealed class RequestAuthorizer(IAuthorizer authorizer, Identity user) : ICelAuthorizer
{
    public CelDecision Decide(CelAccess access, CancellationToken ct)
    {
        var attributes = new Attributes
        {
            User = access.ServiceAccount is var (ns, name) ? new($"system:serviceaccount:{ns}:{name}", ["system:serviceaccounts", "system:serviceaccounts:" + ns, Groups.Authenticated]) : user,
            Verb = access.Verb, IsResourceRequest = access.Path is null, Path = access.Path ?? "", ApiGroup = access.Group, ApiVersion = "*", Resource = access.Resource,
            Subresource = access.Subresource, Namespace = access.Namespace, Name = access.Name, FieldSelector = access.FieldSelector, LabelSelector = access.LabelSelector,
        };
        // Authorizers answer from memory; only a reader that waits for the cache to catch up is not done at once, and evaluation cannot wait otherwise.
        var answer = authorizer.AuthorizeAsync(attributes, ct);
        var decision = answer.IsCompletedSuccessfully ? answer.Result : answer.AsTask().GetAwaiter().GetResult();
        return new(decision.Verdict == Verdict.Allow, decision.Reason);
    }
}
