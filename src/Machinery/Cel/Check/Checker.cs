using System.Collections.Immutable;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Check;

/// <summary>Finds the type of every node and the overloads of every call; says in cel-go's words what does not fit.</summary>
sealed class Checker(Source source, Scope scope, FunctionTable functions, Func<string, CelType?> types, bool homogeneous)
{
    readonly Unifier _types = new();

    public static void Check(Expr root, Source source, Scope scope, FunctionTable functions, Func<string, CelType?> types, bool homogeneous)
    {
        var checker = new Checker(source, scope, functions, types, homogeneous);
        checker.Check(root);
        if (!source.HasErrors) checker.Finish(root);
    }

    /// <summary>Replaces parameters by what they came to be, or dyn.</summary>
    void Finish(Expr root) => Walk.All(root, e => e.Type = _types.Resolve(e.Type, toDyn: true));

    void Check(Expr e)
    {
        e.Type = e switch
        {
            Literal literal => literal.Value.Type,
            Ident ident => CheckIdent(ident),
            Select select => CheckSelect(select),
            Call call => CheckCall(call),
            ListExpr list => CheckList(list),
            MapExpr map => CheckMap(map),
            StructExpr s => CheckStruct(s),
            Comprehension fold => CheckFold(fold),
            _ => CelType.Error,
        };
    }

    CelType Fail(int at, string message)
    {
        source.Error(at, message);
        return CelType.Error;
    }

    CelType Undeclared(int at, string name) => Fail(at, $"undeclared reference to '{name}' (in container '')");
    void Mismatch(Expr e, CelType expected, CelType found) => Fail(e.At, $"expected type '{Shown(expected)}' but found '{Shown(found)}'");
    CelType Shown(CelType type) => _types.Resolve(type);

    CelType CheckIdent(Ident ident)
    {
        if (scope.Find(ident.Name) is not { } found) return Undeclared(ident.At, ident.Name);
        (ident.Resolved, ident.Constant) = (found.Name, found.Constant);
        return found.Type;
    }

    CelType CheckSelect(Select select)
    {
        if (!select.Test && Parser.Path(select) is { } path && scope.Find(path) is { } found)
        {
            select.Named = new Ident(select.At, path) { Type = found.Type, Constant = found.Constant, Resolved = found.Name };
            return found.Type;
        }
        var type = Field(select.At, select.Operand, select.Field, optional: false);
        return select.Test ? CelType.Bool : type;
    }

    CelType Field(int at, Expr operand, string field, bool optional)
    {
        Check(operand);
        var target = _types.Resolve(operand.Type);
        bool wrapped = target.IsOptional;
        if (wrapped) target = target.Parameters[0];
        CelType type;
        switch (target.Kind)
        {
            case CelTypeKind.Map: type = target.Parameters[1]; break;
            case CelTypeKind.Object:
                type = target.Fields is null ? CelType.Dyn : target.Fields.Find(field) is { } known ? known : Fail(at, $"undefined field '{field}'");
                break;
            case CelTypeKind.Parameter:
                _types.Assignable(CelType.Dyn, target);
                type = CelType.Dyn;
                break;
            default:
                if (!target.IsDynOrError) Fail(at, $"type '{target}' does not support field selection");
                type = CelType.Dyn;
                break;
        }
        return _types.Resolve(wrapped || optional ? CelType.Optional(type) : type);
    }

    CelType CheckCall(Call call)
    {
        if (call.Function == Operators.OptionalSelect)
            return call.Args[1] is Literal { Value: CelString name } ? CheckOptionalSelect(call, name.Value) : CelType.Error;
        foreach (var arg in call.Args) Check(arg);
        if (call.Target is null)
        {
            string plain = call.Function[0] == '.' ? call.Function[1..] : call.Function;
            if (!functions.Has(plain)) return Undeclared(call.At, call.Function);
            if (plain != call.Function) call.Namespaced = plain;
            return Overloaded(call, null);
        }
        if (Parser.Path(call.Target) is { } path && functions.Has((path[0] == '.' ? path[1..] : path) + "." + call.Function))
        {
            call.Namespaced = (path[0] == '.' ? path[1..] : path) + "." + call.Function;
            return Overloaded(call, null);
        }
        Check(call.Target);
        return functions.Has(call.Function) ? Overloaded(call, call.Target) : Undeclared(call.At, call.Function);
    }

    CelType CheckOptionalSelect(Call call, string field)
    {
        if (!functions.Has(Operators.OptionalSelect)) return Undeclared(call.At, Operators.OptionalSelect);
        call.Args[1].Type = CelType.String;
        call.Overloads = functions.Find(Operators.OptionalSelect);
        return Field(call.At, call.Args[0], field, optional: true);
    }

    CelType Overloaded(Call call, Expr? target)
    {
        var args = (target is null ? call.Args : call.Args.Insert(0, target)).Select(a => a.Type).ToArray();
        if (call.Name is Operators.And or Operators.Or)
        {
            bool wrong = false;
            for (int i = 0; i < args.Length; i++)
                if (!_types.Assignable(args[i], CelType.Bool))
                {
                    wrong = true;
                    Mismatch(call.Args[i], CelType.Bool, args[i]);
                }
            call.Overloads = functions.Find(call.Name);
            return wrong ? CelType.Error : CelType.Bool;
        }
        CelType? result = null;
        var matching = ImmutableArray.CreateBuilder<Overload>();
        foreach (var overload in functions.Find(call.Name))
        {
            if (overload.Member != target is not null) continue;
            var (parameters, returns) = _types.Instantiate(overload);
            if (!_types.Assignable(args, parameters)) continue;
            matching.Add(overload);
            var type = _types.Resolve(returns);
            if (result is null) result = type;
            else if (result.Kind != CelTypeKind.Dyn && !type.Equals(result)) result = CelType.Dyn;
        }
        call.Overloads = matching.ToImmutable();
        if (result is not null) return result;
        var shown = args.Select(a => _types.Resolve(a, toDyn: true)).ToArray();
        string signature = target is null ? $"({string.Join(", ", (object[])shown)})" : $"{shown[0]}.({string.Join(", ", (object[])shown[1..])})";
        return Fail(call.At, $"found no matching overload for '{call.Name}' applied to '{signature}'");
    }

    CelType CheckList(ListExpr list)
    {
        CelType? items = null;
        for (int i = 0; i < list.Items.Length; i++)
        {
            Check(list.Items[i]);
            items = Join(list.Items[i], items, list.Optional[i] ? Unwrapped(list.Items[i]) : list.Items[i].Type);
        }
        return CelType.List(items ?? _types.Fresh());
    }

    CelType CheckMap(MapExpr map)
    {
        CelType? keys = null, values = null;
        foreach (var entry in map.Entries)
        {
            Check(entry.Key);
            keys = Join(entry.Key, keys, entry.Key.Type);
            Check(entry.Value);
            values = Join(entry.Value, values, entry.Optional ? Unwrapped(entry.Value) : entry.Value.Type);
        }
        return CelType.Map(keys ?? _types.Fresh(), values ?? _types.Fresh());
    }

    CelType Unwrapped(Expr e)
    {
        var type = _types.Resolve(e.Type);
        if (type.IsOptional) return type.Parameters[0];
        if (!type.IsDynOrError) Mismatch(e, CelType.Optional(type), type);
        return type;
    }

    CelType Join(Expr e, CelType? before, CelType now)
    {
        if (before is null) return now;
        if (_types.Assignable(before, now)) return Unifier.MoreGeneral(before, now);
        if (!homogeneous) return CelType.Dyn;
        Mismatch(e, before, now);
        return CelType.Error;
    }

    CelType CheckStruct(StructExpr s)
    {
        string name = s.Name[0] == '.' ? s.Name[1..] : s.Name;
        if (types(name) is not { } type)
        {
            if (scope.Find(s.Name) is not { } found) return Undeclared(s.At, s.Name);
            return Fail(s.At, found.Type.Kind == CelTypeKind.Type ? $"'{name}' is not a message type" : $"'{found.Type.Name}' is not a type");
        }
        foreach (var field in s.Fields)
        {
            Check(field.Value);
            var value = field.Optional ? Unwrapped(field.Value) : field.Value.Type;
            var declared = type.Fields is null ? CelType.Dyn : type.Fields.Find(field.Name) ?? Fail(field.At, $"undefined field '{field.Name}'");
            if (!_types.Assignable(declared, value)) Fail(field.At, $"expected type of field '{field.Name}' is '{declared}' but provided type is '{Shown(value)}'");
        }
        return type;
    }

    CelType CheckFold(Comprehension fold)
    {
        Check(fold.Range);
        Check(fold.Init);
        var range = _types.Resolve(fold.Range.Type);
        CelType first, second = CelType.Dyn;
        switch (range.Kind)
        {
            case CelTypeKind.List:
                (first, second) = fold.Second is null ? (range.Parameters[0], second) : (CelType.Int, range.Parameters[0]);
                break;
            case CelTypeKind.Map: (first, second) = (range.Parameters[0], range.Parameters[1]); break;
            case CelTypeKind.Dyn or CelTypeKind.Error or CelTypeKind.Parameter:
                _types.Assignable(CelType.Dyn, range);
                first = CelType.Dyn;
                break;
            default:
                first = second = Fail(fold.Range.At, $"expression of type '{range}' cannot be range of a comprehension (must be list, map, or dynamic)");
                break;
        }
        var accumulated = fold.Init.Type;
        scope.Enter(fold.Accumulator, accumulated);
        scope.Enter(fold.Variable, first);
        if (fold.Second is not null) scope.Enter(fold.Second, second);
        Check(fold.Condition);
        Assert(fold.Condition, CelType.Bool);
        Check(fold.Step);
        Assert(fold.Step, accumulated);
        if (fold.Second is not null) scope.Leave(fold.Second);
        scope.Leave(fold.Variable);
        Check(fold.Result);
        scope.Leave(fold.Accumulator);
        return _types.Resolve(fold.Result.Type);
    }

    void Assert(Expr e, CelType type)
    {
        if (!_types.Assignable(type, e.Type)) Mismatch(e, type, e.Type);
    }
}
