using System.Collections.Frozen;
using Hanbae.Machinery.Cel.Run;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel;

/// <summary>The least and the most an expression may cost.</summary>
public readonly record struct CelCost(ulong Min, ulong Max);

/// <summary>What an evaluation came to: a value or an error, and its cost.</summary>
public readonly record struct CelResult(CelValue? Value, string? Error, ulong Cost)
{
    /// <summary>It ended because it cost more than it might.</summary>
    public bool BudgetExceeded => Error == CelProgram.OverBudget;
}

/// <summary>A compiled expression, for any number of evaluations on any number of threads.</summary>
public sealed class CelProgram
{
    internal const string OverBudget = "operation cancelled: actual cost limit exceeded";

    readonly Node? _root;
    readonly int _slots;
    readonly References _references;

    internal CelProgram(Node root, int slots, CelType result, CelCost cost, References references) =>
        (_root, _slots, ResultType, Cost, _references) = (root, slots, result, cost, references);

    CelProgram(string error) => (Error, ResultType, _references) = (error, CelType.Error, References.None);

    internal static CelProgram Failed(string errors) => new(errors);

    /// <summary>Why it does not compile, in cel-go's form, a line and a caret per error; null when it does.</summary>
    public string? Error { get; }
    public CelType ResultType { get; }
    /// <summary>What one evaluation is estimated to cost.</summary>
    public CelCost Cost { get; }

    /// <summary>Whether it refers to that variable.</summary>
    public bool Uses(string variable) => _references.Variables.Contains(variable);

    /// <summary>The fields that it selects right from that variable: <c>a</c> of <c>variables.a.b</c>.</summary>
    public IReadOnlyCollection<string> FieldsOf(string variable) => _references.Fields.TryGetValue(variable, out var fields) ? fields : FrozenSet<string>.Empty;

    /// <param name="budget">What it may cost; <see cref="CelLimits.PerCall"/> upstream.</param>
    /// <exception cref="OperationCanceledException"/>
    public CelResult Evaluate(CelActivation activation, ulong budget, CancellationToken ct)
    {
        if (_root is null) return new(null, Error, 0);
        var run = new Evaluation(activation, _slots, budget, ct);
        try
        {
            var value = _root.Eval(run);
            return value is CelError e ? new(null, e.Message, run.Cost) : new(value, null, run.Cost);
        }
        catch (BudgetExceeded) { return new(null, OverBudget, run.Cost); }
    }

    /// <inheritdoc cref="Evaluate(CelActivation, ulong, CancellationToken)"/>
    public CelResult Evaluate(CelActivation activation, CancellationToken ct) => Evaluate(activation, CelLimits.PerCall, ct);
}
