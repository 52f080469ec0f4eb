using System.Collections.Immutable;

namespace Hanbae.Machinery.Cel.Run;

/// <summary>What a call does: arguments first, then the overload that takes them.</summary>
sealed class CallNode(string function, ImmutableArray<Check.Overload> overloads, ImmutableArray<Node> args) : Node
{
    /// <summary>Prices are known by overload only where the checker left one.</summary>
    readonly string _overload = overloads.Length == 1 ? overloads[0].Id : "";

    public override CelValue Eval(Evaluation run)
    {
        var values = new CelValue[args.Length];
        CelValue? error = null;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = args[i].Eval(run);
            if (values[i].IsError) error ??= values[i];
        }
        var result = error is not null && !overloads[0].TakesErrors ? error : Apply(values, run);
        run.Charge(Cost.ActualCost.Of(function, _overload, values, result));
        return result;
    }

    CelValue Apply(CelValue[] values, Evaluation run)
    {
        foreach (var overload in overloads)
            if (overload.Accepts(values)) return overload.Run(values, run);
        if (!char.IsAsciiLetter(function[0])) return CelError.NoSuchOverload;
        return new CelError($"no such overload: {function}({string.Join(", ", values.Select(v => v.Type.Name))})");
    }
}

/// <summary><c>x in [constants]</c>: a set, free of charge.</summary>
sealed class MemberNode(Node item, HashSet<CelKey> set) : Node
{
    public override CelValue Eval(Evaluation run)
    {
        var value = item.Eval(run);
        return value.IsError ? value : CelBool.Of(CelKey.Of(value) is { } key && set.Contains(key));
    }
}

sealed class ListNode(ImmutableArray<Node> items, ImmutableArray<bool> optional) : Node
{
    public override CelValue Eval(Evaluation run)
    {
        var values = new List<CelValue>(items.Length);
        for (int i = 0; i < items.Length; i++)
        {
            var value = items[i].Eval(run);
            if (value.IsError) return value;
            if (!optional[i]) values.Add(value);
            else if (value is not CelOptional wrapped) return new CelError($"cannot initialize optional list element from non-optional value {value}");
            else if (wrapped.Value is { } inner) values.Add(inner);
        }
        run.Charge(10);
        return new CelItems(values, values.Count);
    }
}

sealed class MapNode(ImmutableArray<(Node Key, Node Value, bool Optional)> entries) : Node
{
    public override CelValue Eval(Evaluation run)
    {
        var values = new List<(CelValue, CelValue)>(entries.Length);
        foreach (var (key, value, optional) in entries)
        {
            var k = key.Eval(run);
            if (k.IsError) return k;
            if (CelKey.Of(k) is null || k is CelDouble) return new CelError("unsupported key type: " + k.Type.Name);
            var v = value.Eval(run);
            if (v.IsError) return v;
            if (!optional) values.Add((k, v));
            else if (v is not CelOptional wrapped) return new CelError($"cannot initialize optional entry '{Text.ValueText.Plain(k)}' from non-optional value {v}");
            else if (wrapped.Value is { } inner) values.Add((k, inner));
        }
        run.Charge(30);
        return CelEntries.Of([.. values]);
    }
}

sealed class StructNode(CelType type, ImmutableArray<(string Name, Node Value, bool Optional)> fields) : Node
{
    public override CelValue Eval(Evaluation run)
    {
        var values = new Dictionary<string, CelValue>(fields.Length, StringComparer.Ordinal);
        foreach (var (name, value, optional) in fields)
        {
            var v = value.Eval(run);
            if (v.IsError) return v;
            if (!optional) values[name] = v;
            else if (v is not CelOptional wrapped) return new CelError($"cannot initialize optional entry '{name}' from non-optional value {v}");
            else if (wrapped.Value is { } inner) values[name] = inner;
        }
        run.Charge(40);
        return new CelObject(type, values);
    }
}

/// <summary>A comprehension.</summary>
sealed class FoldNode(Node range, Node init, Node condition, Node step, Node result, int accumulator, int first, int? second) : Node
{
    public override CelValue Eval(Evaluation run)
    {
        var over = range.Eval(run);
        if (over.IsError) return over;
        if (over is not (CelList or CelMap)) return new CelError($"got '{over.Type.Name}', expected iterable type");
        run.Locals[accumulator] = init.Eval(run);
        if (over is CelList list)
        {
            for (int i = 0; i < list.Count; i++)
                if (!Step(run, second is null ? list[i] : CelInt.Of(i), second is null ? null : list[i])) break;
        }
        else
        {
            var map = (CelMap)over;
            foreach (var key in map.Keys)
                if (!Step(run, key, second is null ? null : map.Find(key))) break;
        }
        return result.Eval(run);
    }

    bool Step(Evaluation run, CelValue item, CelValue? other)
    {
        run.Cancellation.ThrowIfCancellationRequested();
        run.Locals[first] = item;
        if (second is { } slot) run.Locals[slot] = other!;
        if (condition.Eval(run) is CelBool { Value: false }) return false;
        run.Locals[accumulator] = step.Eval(run);
        return true;
    }
}

/// <summary><c>cel.bind</c>: a value under a name.</summary>
sealed class BindNode(int slot, Node value, Node result) : Node
{
    public override CelValue Eval(Evaluation run)
    {
        run.Locals[slot] = value.Eval(run);
        return result.Eval(run);
    }
}
