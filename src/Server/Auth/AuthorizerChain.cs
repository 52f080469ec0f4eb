namespace Hanbae.Server.Auth;

/// <summary>Asks authorizers in order: the first that allows or denies decides.</summary>
public sealed class AuthorizerChain(IReadOnlyList<IAuthorizer> authorizers) : IAuthorizer
{
    public async ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct)
    {
        string reasons = "";
        foreach (var authorizer in authorizers)
        {
            var decision = await authorizer.AuthorizeAsync(attributes, ct).ConfigureAwait(false);
            if (decision.Verdict != Verdict.NoOpinion) return decision;
            if (decision.Reason.Length > 0) reasons = reasons.Length == 0 ? decision.Reason : reasons + "\n" + decision.Reason;
        }
        return Decision.NoOpinion(reasons);
    }
}
