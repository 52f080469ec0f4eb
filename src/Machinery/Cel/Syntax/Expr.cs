using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>A node of an expression, after macros: what is checked, priced and planned.</summary>
/// <param name="at">Where errors about it point, an index into the text.</param>
abstract class Expr(int at)
{
    public int At { get; } = at;

    /// <summary>The call as it was written, when this is what a macro made of it.</summary>
    public Call? Macro { get; set; }

    /// <summary>What the checker found.</summary>
    public CelType Type { get; set; } = CelType.Error;
}

sealed class Literal(int at, CelValue value) : Expr(at)
{
    public CelValue Value { get; } = value;
}

sealed class Ident(int at, string name) : Expr(at)
{
    public string Name { get; } = name;
    /// <summary>The constant it turned out to name, such as a type.</summary>
    public CelValue? Constant { get; set; }
    /// <summary>The declaration's name, where it is not the name as written.</summary>
    public string? Resolved { get; set; }
}

sealed class Select(int at, Expr operand, string field, bool test = false) : Expr(at)
{
    public Expr Operand { get; } = operand;
    public string Field { get; } = field;
    /// <summary><c>has(operand.field)</c>.</summary>
    public bool Test { get; } = test;
    /// <summary>The variable or type that the whole path turned out to name.</summary>
    public Ident? Named { get; set; }
}

sealed class Call(int at, string function, Expr? target, ImmutableArray<Expr> args) : Expr(at)
{
    public string Function { get; } = function;
    public Expr? Target { get; } = target;
    public ImmutableArray<Expr> Args { get; } = args;
    /// <summary>The function's whole name when the target turned out to be its namespace: <c>sets.contains</c>.</summary>
    public string? Namespaced { get; set; }
    /// <summary>The overloads that may apply.</summary>
    public ImmutableArray<Check.Overload> Overloads { get; set; } = [];

    public string Name => Namespaced ?? Function;
    public Expr? Receiver => Namespaced is null ? Target : null;
}

sealed class ListExpr(int at, ImmutableArray<Expr> items, ImmutableArray<bool> optional) : Expr(at)
{
    public ImmutableArray<Expr> Items { get; } = items;
    public ImmutableArray<bool> Optional { get; } = optional;
}

readonly record struct MapEntry(int At, Expr Key, Expr Value, bool Optional);

sealed class MapExpr(int at, ImmutableArray<MapEntry> entries) : Expr(at)
{
    public ImmutableArray<MapEntry> Entries { get; } = entries;
}

readonly record struct FieldEntry(int At, string Name, Expr Value, bool Optional);

sealed class StructExpr(int at, string name, ImmutableArray<FieldEntry> fields) : Expr(at)
{
    public string Name { get; } = name;
    public ImmutableArray<FieldEntry> Fields { get; } = fields;
}

/// <summary>A fold over a list or a map: what <c>all</c>, <c>map</c> and their like are made of.</summary>
sealed class Comprehension(int at, Expr range, string variable, string? second, string accumulator, Expr init, Expr condition, Expr step, Expr result) : Expr(at)
{
    public Expr Range { get; } = range;
    /// <summary>The item of a list, the key of a map; with a <see cref="Second"/> the index or the key.</summary>
    public string Variable { get; } = variable;
    public string? Second { get; } = second;
    public string Accumulator { get; } = accumulator;
    public Expr Init { get; } = init;
    public Expr Condition { get; } = condition;
    public Expr Step { get; } = step;
    public Expr Result { get; } = result;

    /// <summary>Names a value rather than fold: <c>cel.bind</c>.</summary>
    public bool IsBind => Range is ListExpr { Items.IsEmpty: true } && Condition is Literal { Value: CelBool { Value: false } } && Accumulator != Operators.Accumulator;
}

/// <summary>The names of operators as functions.</summary>
static class Operators
{
    public const string Conditional = "_?_:_", And = "_&&_", Or = "_||_", Not = "!_", Negate = "-_", Index = "_[_]", OptionalIndex = "_[?_]", OptionalSelect = "_?._",
        NotStrictlyFalse = "@not_strictly_false", In = "@in", Add = "_+_", Subtract = "_-_", Multiply = "_*_", Divide = "_/_", Modulo = "_%_",
        Equal = "_==_", NotEqual = "_!=_", Less = "_<_", LessEqual = "_<=_", Greater = "_>_", GreaterEqual = "_>=_";
    /// <summary>No identifier: nobody can name it.</summary>
    public const string Accumulator = "@result";
    public const string Unused = "#unused";
    public const string MapInsert = "cel.@mapInsert";

    public static string? Binary(TokenKind kind) => kind switch
    {
        TokenKind.Less => Less, TokenKind.LessEqual => LessEqual, TokenKind.Greater => Greater, TokenKind.GreaterEqual => GreaterEqual,
        TokenKind.Equal => Equal, TokenKind.NotEqual => NotEqual, TokenKind.In => In,
        TokenKind.Plus => Add, TokenKind.Minus => Subtract, TokenKind.Star => Multiply, TokenKind.Slash => Divide, TokenKind.Percent => Modulo,
        _ => null,
    };
}
