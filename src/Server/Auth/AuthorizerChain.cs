namespace Hanbae.Server.Auth;

/// <summary>Asks authorizers in order: the first that allows or denies decides.</summary>
public sealed class AuthorizerChain(IReadOnlyList<IAuthorizer> authorizers) : IAuthorizer
{
    public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) => DecideAsync(authorizers, attributes, ct);

    /// <summary>When nobody decides, all their reasons and errors are told.</summary>
    internal static async ValueTask<Decision> DecideAsync(IReadOnlyList<IAuthorizer> authorizers, Attributes attributes, CancellationToken ct)
    {
        string reasons = "";
        string? errors = null;
        for (int i = 0; i < authorizers.Count; i++)
        {
            var decision = await authorizers[i].AuthorizeAsync(attributes, ct).ConfigureAwait(false);
            if (decision.Verdict != Verdict.NoOpinion) return decision;
            if (decision.Reason.Length > 0) reasons = reasons.Length == 0 ? decision.Reason : reasons + "\n" + decision.Reason;
            if (decision.Error is { } error) errors = errors is null ? error : errors + ", " + error;
        }
        return new(Verdict.NoOpinion, reasons, errors);
    }
}
