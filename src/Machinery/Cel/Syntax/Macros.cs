using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel.Syntax;

/// <summary>Turns calls that look like functions but bind variables or test presence into what they mean.</summary>
sealed class Macros(Source source, CelLibraries libraries)
{
    const string SortInput = "@__sortBy_input__", OptionalInput = "@optional";

    public Expr Expand(Call call)
    {
        var expanded = call.Target is null ? Global(call) : Receiver(call, call.Target);
        if (expanded is null) return call;
        expanded.Macro = call;
        return expanded;
    }

    bool Has(CelLibraries library) => (libraries & library) != 0;

    Expr? Global(Call call)
    {
        if (call is not { Function: "has", Args: [var arg] }) return null;
        if (arg is Select { Test: false, Macro: null } select) return new Select(call.At, select.Operand, select.Field, test: true);
        return Wrong(arg, "invalid argument to has() macro");
    }

    Expr? Receiver(Call call, Expr target)
    {
        var args = call.Args;
        bool two = Has(CelLibraries.TwoVariables);
        return (call.Function, args.Length) switch
        {
            ("all", 2) => All(call.At, target, args[0], null, args[1]),
            ("all", 3) when two => All(call.At, target, args[0], args[1], args[2]),
            ("exists", 2) => Exists(call.At, target, args[0], null, args[1]),
            ("exists", 3) when two => Exists(call.At, target, args[0], args[1], args[2]),
            ("exists_one" or "existsOne", 2) => ExistsOne(call.At, target, args[0], null, args[1]),
            ("exists_one" or "existsOne", 3) when two => ExistsOne(call.At, target, args[0], args[1], args[2]),
            ("map", 2) => List(call.At, target, args[0], null, null, args[1], "argument is not an identifier"),
            ("map", 3) => List(call.At, target, args[0], null, args[1], args[2], "argument is not an identifier"),
            ("filter", 2) => List(call.At, target, args[0], null, args[1], args[0], "argument is not an identifier"),
            ("transformList", 3) when two => List(call.At, target, args[0], args[1], null, args[2], Simple),
            ("transformList", 4) when two => List(call.At, target, args[0], args[1], args[2], args[3], Simple),
            ("transformMap", 3) when two => Map(call.At, target, args[0], args[1], null, args[2], entry: false),
            ("transformMap", 4) when two => Map(call.At, target, args[0], args[1], args[2], args[3], entry: false),
            ("transformMapEntry", 3) when two => Map(call.At, target, args[0], args[1], null, args[2], entry: true),
            ("transformMapEntry", 4) when two => Map(call.At, target, args[0], args[1], args[2], args[3], entry: true),
            ("optMap", 2) when Has(CelLibraries.Optionals) => Optional(call.At, target, args[0], args[1], flat: false),
            ("optFlatMap", 2) when Has(CelLibraries.Optionals) => Optional(call.At, target, args[0], args[1], flat: true),
            ("bind", 3) when Has(CelLibraries.Bindings) && target is Ident { Name: "cel" } => Bind(call.At, args[0], args[1], args[2]),
            ("sortBy", 2) when Has(CelLibraries.ExtendedLists) => SortBy(call.At, target, args[0], args[1]),
            _ => null,
        };
    }

    const string Simple = "argument must be a simple name";

    Literal Wrong(Expr at, string message)
    {
        source.Error(at.At, message);
        return new Literal(at.At, CelNull.Instance);
    }

    string? Variable(Expr e, string message = Simple)
    {
        if (e is Ident { Name: var name } && name[0] != '.') return name;
        source.Error(e.At, message);
        return null;
    }

    static Ident Accumulated(int at) => new(at, Operators.Accumulator);
    static Call Function(int at, string name, params ImmutableArray<Expr> args) => new(at, name, null, args);
    static Literal True(int at) => new(at, CelBool.True);

    Expr All(int at, Expr range, Expr first, Expr? second, Expr test) => Fold(at, range, first, second, Simple, True(at),
        Function(at, Operators.NotStrictlyFalse, Accumulated(at)),
        Function(at, Operators.And, Accumulated(at), test), Accumulated(at));

    Expr Exists(int at, Expr range, Expr first, Expr? second, Expr test) => Fold(at, range, first, second, Simple, new Literal(at, CelBool.False),
        Function(at, Operators.NotStrictlyFalse, Function(at, Operators.Not, Accumulated(at))),
        Function(at, Operators.Or, Accumulated(at), test), Accumulated(at));

    Expr ExistsOne(int at, Expr range, Expr first, Expr? second, Expr test) => Fold(at, range, first, second, Simple, new Literal(at, CelInt.Of(0)), True(at),
        Function(at, Operators.Conditional, test, Function(at, Operators.Add, Accumulated(at), new Literal(at, CelInt.Of(1))), Accumulated(at)),
        Function(at, Operators.Equal, Accumulated(at), new Literal(at, CelInt.Of(1))));

    Expr List(int at, Expr range, Expr first, Expr? second, Expr? filter, Expr item, string message)
    {
        Expr step = Function(at, Operators.Add, Accumulated(at), new ListExpr(at, [item], [false]));
        if (filter is not null) step = Function(at, Operators.Conditional, filter, step, Accumulated(at));
        return Fold(at, range, first, second, message, new ListExpr(at, [], []), True(at), step, Accumulated(at));
    }

    Expr Map(int at, Expr range, Expr first, Expr second, Expr? filter, Expr value, bool entry)
    {
        Expr step = entry || first is not Ident key
            ? Function(at, Operators.MapInsert, Accumulated(at), value)
            : Function(at, Operators.MapInsert, Accumulated(at), new Ident(at, key.Name), value);
        if (filter is not null) step = Function(at, Operators.Conditional, filter, step, Accumulated(at));
        return Fold(at, range, first, second, Simple, new MapExpr(at, []), True(at), step, Accumulated(at));
    }

    Expr Fold(int at, Expr range, Expr first, Expr? second, string message, Expr init, Expr condition, Expr step, Expr result)
    {
        if (Variable(first, message) is not { } variable) return new Literal(at, CelNull.Instance);
        string? other = second is null ? null : Variable(second, message);
        if (second is not null && other is null) return new Literal(at, CelNull.Instance);
        return new Comprehension(at, range, variable, other, Operators.Accumulator, init, condition, step, result);
    }

    static Comprehension Bound(int at, string name, Expr value, Expr result) =>
        new(at, new ListExpr(at, [], []), Operators.Unused, null, name, value, new Literal(at, CelBool.False), new Ident(at, name), result);

    Expr Bind(int at, Expr variable, Expr value, Expr result)
    {
        if (variable is not Ident { Name: var name }) return Wrong(variable, "cel.bind() variable names must be simple identifiers");
        return Bound(at, name, value, result);
    }

    /// <summary><c>t.hasValue() ? optional.of(f(t.value())) : optional.none()</c>.</summary>
    Expr Optional(int at, Expr target, Expr variable, Expr value, bool flat)
    {
        if (variable is not Ident { Name: var name }) return Wrong(variable, $"{(flat ? "optFlatMap" : "optMap")}() variable name must be a simple identifier");
        // What is more than a path is named first: written twice at each level, a chain would double with every link.
        var input = Parser.Path(target) is null ? new Ident(at, OptionalInput) : target;
        Expr mapped = Bound(at, name, new Call(at, "value", input, []), value);
        if (!flat) mapped = new Call(at, "optional.of", null, [mapped]);
        Expr whole = Function(at, Operators.Conditional, new Call(at, "hasValue", input, []), mapped, new Call(at, "optional.none", null, []));
        return ReferenceEquals(input, target) ? whole : Bound(at, OptionalInput, target, whole);
    }

    Expr SortBy(int at, Expr target, Expr variable, Expr key)
    {
        if (Variable(variable) is null) return new Literal(at, CelNull.Instance);
        var input = new Ident(at, SortInput);
        return Bound(at, SortInput, target, new Call(at, "@sortByAssociatedKeys", input, [List(at, new Ident(at, SortInput), variable, null, null, key, Simple)]));
    }
}
