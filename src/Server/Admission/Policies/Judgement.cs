namespace Hanbae.Server.Admission.Policies;

/// <summary>What a policy has against a request.</summary>
/// <param name="Validation">The number of the validation that does not hold; -1 for everything else.</param>
/// <param name="Always">Refused whatever the binding does about failures.</param>
readonly record struct Objection(string Message, string Reason, int Validation = -1, bool Always = false);

/// <summary>What a policy says of a request.</summary>
/// <param name="Annotations">For the audit log, by key.</param>
sealed record Judgement(IReadOnlyList<Objection> Objections, IReadOnlyList<(string Key, string Value)> Annotations)
{
    public static Judgement None { get; } = new([], []);
}
