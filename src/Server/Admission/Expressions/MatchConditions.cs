using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Machinery.Cel;

namespace Hanbae.Server.Admission.Expressions;

/// <summary>Expressions that must all be true for a webhook or a policy to have its say.</summary>
sealed class MatchConditions(Seq<MatchCondition> conditions, CelEnvironment env, bool failsClosed)
{
    readonly (string Expression, CelProgram Program)[] _conditions = [.. conditions.Select(c => (c.Expression, env.Compile(c.Expression)))];

    public bool IsEmpty => _conditions.Length == 0;

    /// <returns>Whether they all hold; with what went wrong, when that counts as a refusal.</returns>
    public (bool Match, string? Error) Match(CelActivation values, CancellationToken ct)
    {
        ulong budget = CelLimits.PerMatchConditions;
        var errors = new List<string>();
        foreach (var (expression, program) in _conditions)
        {
            var result = program.Evaluate(values, Math.Min(budget, CelLimits.PerCall), ct);
            budget -= Math.Min(budget, result.Cost);
            if (result.Value is CelBool { Value: false }) return (false, null);
            if (result.BudgetExceeded)
            {
                errors.Add("validation failed due to running out of cost budget, no further validation rules will be run");
                break;
            }
            if (program.Error is { } broken) errors.Add("compilation error: compilation failed: " + broken);
            else if (result.Error is { } why) errors.Add($"expression '{expression}' resulted in error: {why}");
        }
        if (errors.Count == 0) return (true, null);
        // As upstream: only one that is false decides for sure; an error is as the failure policy has it.
        return (false, !failsClosed ? null : errors.Count == 1 ? errors[0] : "[" + string.Join(", ", errors) + "]");
    }
}
