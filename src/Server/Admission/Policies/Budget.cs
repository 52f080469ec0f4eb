using Hanbae.Machinery.Cel;

namespace Hanbae.Server.Admission.Policies;

/// <summary>What the expressions of one policy may still cost for one request.</summary>
sealed class Budget(ulong left = CelLimits.PerObject)
{
    public const string Exhausted = "validation failed due to running out of cost budget, no further validation rules will be run";

    ulong _left = left;

    public bool IsSpent { get; private set; }
    public ref ulong Left => ref _left;

    public CelResult Evaluate(CelProgram program, CelActivation values, CancellationToken ct)
    {
        var result = program.Evaluate(values, Math.Min(_left, CelLimits.PerCall), ct);
        if (result.Cost > _left || result.BudgetExceeded && _left < CelLimits.PerCall) IsSpent = true;
        _left -= Math.Min(_left, result.Cost);
        return result;
    }

    /// <summary>What went wrong in upstream's words; null when nothing did.</summary>
    public string? Wrong(string expression, CelProgram program, CelResult result) =>
        IsSpent ? Exhausted
        : program.Error is { } broken ? "compilation error: compilation failed: " + broken
        : result.Error is { } why ? $"expression '{expression.Trim()}' resulted in error: {why}" : null;
}
