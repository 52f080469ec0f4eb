using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Cost;

/// <summary>What an estimate knows of a call's target or argument.</summary>
/// <param name="Expr">Null for the items of a list.</param>
/// <param name="Computed">The size that the expression itself tells.</param>
/// <param name="Bound">The size that a schema tells, null when none does.</param>
sealed record Operand(Expr? Expr, CelType Type, Range? Computed, Func<Range?> Bound, Func<Operand?> Items)
{
    public Range Size => Computed ?? Bound() ?? Range.Unknown;
}
