using Hanbae.Api.Rest;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Auth;

namespace Hanbae.Server.Admission.Expressions;

/// <summary>Answers what expressions ask <c>authorizer</c>: for whoever sent the request, or for a service account. One per request; each question is asked once.</summary>
/// <remarks>
/// Evaluation cannot wait, but an authorizer may have to (a webhook, a cache that catches up). Then the evaluation is given up, the answer awaited,
/// and the expression evaluated again, with the answer known: no thread is held.
/// </remarks>
sealed class RequestAuthorizer(IAuthorizer authorizer, Identity user) : ICelAuthorizer
{
    readonly Dictionary<CelAccess, CelDecision> _known = [];

    public CelDecision Decide(CelAccess access, CancellationToken ct)
    {
        if (_known.TryGetValue(access, out var known)) return known;
        var answer = AskAsync(access, ct);
        return answer.IsCompletedSuccessfully ? answer.Result : throw new PendingDecision(answer);
    }

    /// <param name="evaluate">Without effects: it may be called several times.</param>
    public async ValueTask<T> EvaluateAsync<T>(Func<T> evaluate)
    {
        while (true)
        {
            Task missing;
            try { return evaluate(); }
            catch (PendingDecision e) { missing = e.Answer; }
            await missing.ConfigureAwait(false);
        }
    }

    async Task<CelDecision> AskAsync(CelAccess access, CancellationToken ct)
    {
        var attributes = new Attributes
        {
            User = access.ServiceAccount is var (ns, name) ? new($"system:serviceaccount:{ns}:{name}", ["system:serviceaccounts", "system:serviceaccounts:" + ns, Groups.Authenticated]) : user,
            Verb = access.Verb, IsResourceRequest = access.Path is null, Path = access.Path ?? "", ApiGroup = access.Group, ApiVersion = "*", Resource = access.Resource,
            Subresource = access.Subresource, Namespace = access.Namespace, Name = access.Name, FieldSelector = access.FieldSelector, LabelSelector = access.LabelSelector,
        };
        var decision = await authorizer.AuthorizeAsync(attributes, ct).ConfigureAwait(false);
        return _known[access] = new(decision.Verdict == Verdict.Allow, decision.Reason);
    }

    sealed class PendingDecision(Task answer) : Exception
    {
        public Task Answer => answer;
    }
}
