using System.Collections.Frozen;

namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>Which variables a checked expression refers to, and which of their fields.</summary>
sealed record References(FrozenSet<string> Variables, FrozenDictionary<string, FrozenSet<string>> Fields)
{
    public static References None { get; } = new(FrozenSet<string>.Empty, FrozenDictionary<string, FrozenSet<string>>.Empty);

    public static References Of(Expr root)
    {
        var variables = new HashSet<string>(StringComparer.Ordinal);
        var fields = new List<(string Variable, string Field)>();
        Walk.All(root, e =>
        {
            if ((e as Ident ?? (e as Select)?.Named) is { Constant: null } name) variables.Add(name.Resolved ?? name.Name);
            string? field = e switch
            {
                Select { Named: null } s => s.Field,
                Call { Function: Operators.OptionalSelect or Operators.Index or Operators.OptionalIndex, Args: [_, Literal { Value: CelString key }] } => key.Value,
                _ => null,
            };
            var operand = e switch { Select s => s.Operand, Call { Args: [var first, ..] } => first, _ => null };
            if (field is not null && operand is Ident owner) fields.Add((owner.Resolved ?? owner.Name, field));
        });
        return new(variables.ToFrozenSet(), fields.GroupBy(f => f.Variable, f => f.Field).ToFrozenDictionary(g => g.Key, g => g.ToFrozenSet()));
    }
}
