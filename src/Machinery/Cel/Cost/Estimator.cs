using System.Collections.Immutable;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Cost;

/// <summary>What an expression may cost, from the sizes that literals and schemas bound: cel-go's model, which decides whether a rule is admitted.</summary>
/// <param name="schemas">The schemas of variables that have one.</param>
sealed class Estimator(IReadOnlyDictionary<string, CelSchema> schemas)
{
    /// <summary>How large the keys and values of a list or map are.</summary>
    sealed record Entries(bool List, Range Key, Range Value)
    {
        public static Entries? Or(Entries? a, Entries? b) => a is null || b is null ? null : new(a.List, a.Key.Or(b.Key), a.Value.Or(b.Value));
    }

    sealed record Local(ImmutableArray<string>? Path, Range? Size, Entries? Entries);

    readonly Dictionary<Expr, Range> _sizes = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<Expr, Entries> _entries = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<Expr, ImmutableArray<string>> _paths = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<string, Stack<Local>> _locals = new(StringComparer.Ordinal);

    public Range Cost(Expr e) => e switch
    {
        Literal => default,
        Ident ident => Named(ident, ident.Name),
        Select { Named: { } named } select => Named(select, named.Name),
        // As Kubernetes configures it: to ask for presence costs what leads there.
        Select { Test: true } select => Cost(select.Operand),
        Select select => Selected(select),
        Call call => Called(call),
        ListExpr list => Listed(list),
        MapExpr map => Mapped(map),
        StructExpr s => s.Fields.Aggregate(Range.Exactly(40), (sum, f) => sum + Cost(f.Value)),
        Comprehension { IsBind: true } bind => Bound(bind),
        Comprehension fold => Folded(fold),
        _ => default,
    };

    Local? Find(string name) => _locals.TryGetValue(name, out var stack) && stack.TryPeek(out var local) ? local : null;

    void Enter(string name, Local local)
    {
        if (!_locals.TryGetValue(name, out var stack)) _locals[name] = stack = new();
        stack.Push(local);
    }

    void Leave(string name) => _locals[name].Pop();

    ImmutableArray<string>? Path(Expr e) => e is Ident ident && Find(ident.Name) is { } local ? local.Path : _paths.TryGetValue(e, out var path) ? path : null;

    Range Named(Expr e, string name)
    {
        if (Find(name) is { } local)
        {
            if (local.Path is { } path) _paths[e] = path;
        }
        else _paths[e] = [name];
        return Range.Exactly(1);
    }

    void Follow(Expr e, Expr from, string step)
    {
        if (Path(from) is { } path) _paths[e] = path.Add(step);
    }

    Range Selected(Select select)
    {
        var cost = Cost(select.Operand);
        if (select.Operand.Type.Kind is CelTypeKind.Map or CelTypeKind.Object or CelTypeKind.Parameter) cost += Range.Exactly(1);
        Follow(select, select.Operand, select.Field);
        return cost;
    }

    Range Called(Call call)
    {
        if (call.Name == "dyn" && call.Args is [var dynamic])
        {
            var inner = Cost(dynamic);
            Copy(call, dynamic);
            return inner + Range.Exactly(1);
        }
        var costs = call.Args.Select(Cost).ToArray();
        var args = call.Args.Select(Operand).ToArray();
        var sum = default(Range);
        if (call.Overloads.IsEmpty) return sum;
        Operand? target = null;
        if (call.Receiver is { } receiver)
        {
            sum = Cost(receiver);
            target = Operand(receiver);
        }
        var cost = new Range(ulong.MaxValue, 0);
        Range? size = null;
        foreach (var overload in call.Overloads)
        {
            var (each, made) = One(call, overload.Id, target, args, costs);
            cost = cost.Or(each);
            if (made is { } m) size = size is { } s ? s.Or(m) : m;
            if (overload.Id is "index_list" or "index_map")
            {
                size = EntriesOf(call.Args[0])?.Value;
                Follow(call, call.Args[0], overload.Id == "index_list" ? "@items" : "@values");
            }
            size ??= SizeOf(call);
        }
        if (size is { } known) _sizes[call] = known;
        return sum + cost;
    }

    (Range Cost, Range? Size) One(Call call, string overload, Operand? target, Operand[] args, Range[] costs)
    {
        var before = costs.Aggregate(default(Range), (a, b) => a + b);
        if (CallEstimates.Extended(overload, target, args) is { } extended) return (extended.Cost + before, extended.Size);
        if (CallEstimates.Of(call.Name, overload, target, args) is { } kubernetes) return (kubernetes.Cost + before, kubernetes.Size);
        const double perCharacter = ActualCost.PerCharacter;
        switch (overload)
        {
            case "string_format" when target is not null:
                return (target.Size.Times(perCharacter) + before, target.Size with { Max = ulong.MaxValue });
            case "string_to_bytes":
                return (args[0].Size.Times(perCharacter) + before, new Range(args[0].Size.Min, (args[0].Size * Range.Exactly(4)).Max));
            case "bytes_to_string":
                return (args[0].Size.Times(perCharacter) + before, new Range(args[0].Size.Min / 4, args[0].Size.Max));
            case "strings_quote":
                return (args[0].Size.Times(perCharacter) + before, new Range(args[0].Size.Min + 2, (args[0].Size * Range.Exactly(2) + Range.Exactly(2)).Max));
            case "starts_with_string" or "ends_with_string":
                return (args[0].Size.Times(perCharacter) + before, null);
            case "in_list":
                return (args[1].Size + before, null);
            case "matches_string" when target is not null:
                return ((target.Size + Range.Exactly(1)).Times(perCharacter) * args[0].Size.Times(ActualCost.PerRegexCharacter) + before, null);
            case "contains_string" when target is not null:
                return (target.Size.Times(perCharacter) * args[0].Size.Times(perCharacter) + before, null);
            case "logical_and" or "logical_or":
                return (new Range(costs[0].Min, before.Max), null);
            case "conditional":
                Remember(call, Entries.Or(EntriesOf(call.Args[1]), EntriesOf(call.Args[2])));
                return (costs[0] + costs[1].Or(costs[2]), args[1].Size.Or(args[2].Size));
            case "add_string" or "add_bytes" or "add_list":
                var sum = args[0].Size + args[1].Size;
                Remember(call, Entries.Or(EntriesOf(call.Args[0]), EntriesOf(call.Args[1])));
                return (overload == "add_list" ? Range.Exactly(1) + before : sum.Times(perCharacter) + before, sum);
            case "equals" or "not_equals" or "less_string" or "less_equals_string" or "greater_string" or "greater_equals_string"
                or "less_bytes" or "less_equals_bytes" or "greater_bytes" or "greater_equals_bytes":
                ulong most = Math.Min(args[0].Size.Max, args[1].Size.Max);
                return (new Range(most > 0 ? 1u : 0u, most).Times(perCharacter) + before, null);
            default:
                return (Range.Exactly(1) + before, null);
        }
    }

    Range Listed(ListExpr list)
    {
        var cost = Range.Exactly(10);
        var items = new Range(list.Items.IsEmpty ? 0 : ulong.MaxValue, 0);
        foreach (var item in list.Items)
        {
            cost += Cost(item);
            items = items.Or(SizeOf(item) ?? Range.Unknown);
        }
        _entries[list] = new(true, Range.Exactly(1), items);
        return cost;
    }

    Range Mapped(MapExpr map)
    {
        var cost = Range.Exactly(30);
        var (keys, values) = (new Range(map.Entries.IsEmpty ? 0 : ulong.MaxValue, 0), new Range(map.Entries.IsEmpty ? 0 : ulong.MaxValue, 0));
        foreach (var entry in map.Entries)
        {
            cost += Cost(entry.Key) + Cost(entry.Value);
            keys = keys.Or(SizeOf(entry.Key) ?? Range.Unknown);
            values = values.Or(SizeOf(entry.Value) ?? Range.Unknown);
        }
        _entries[map] = new(false, keys, values);
        return cost;
    }

    Range Bound(Comprehension bind)
    {
        var cost = Cost(bind.Range) + Cost(bind.Init);
        Enter(bind.Accumulator, new(Path(bind.Init), SizeOf(bind.Init), EntriesOf(bind.Init)));
        cost += Cost(bind.Result);
        Copy(bind, bind.Result);
        Leave(bind.Accumulator);
        return cost;
    }

    Range Folded(Comprehension fold)
    {
        var cost = Cost(fold.Range) + Cost(fold.Init);
        Enter(fold.Accumulator, new(Path(fold.Init), SizeOf(fold.Init), EntriesOf(fold.Init)));
        var entries = EntriesOf(fold.Range);
        bool list = entries?.List ?? fold.Range.Type.Kind == CelTypeKind.List;
        var path = Path(fold.Range);
        if (fold.Second is not null)
        {
            Enter(fold.Variable, new(path?.Add(list ? "@indices" : "@keys"), entries?.Key, null));
            Enter(fold.Second, new(path?.Add(list ? "@items" : "@values"), entries?.Value, null));
        }
        else Enter(fold.Variable, list ? new(path?.Add("@items"), entries?.Value, null) : new(path?.Add("@keys"), entries?.Key, null));
        var each = Cost(fold.Condition) + Cost(fold.Step);
        Leave(fold.Variable);
        if (fold.Second is not null) Leave(fold.Second);
        cost += Cost(fold.Result);
        Leave(fold.Accumulator);
        var count = SizeOf(fold.Range) ?? Range.Unknown;
        if (fold.Init is Literal)
        {
            if (SizeOf(fold.Init) is { } size) _sizes[fold] = size;
        }
        else
        {
            _sizes[fold] = count;
            Remember(fold, EntriesOf(fold.Step));
        }
        return cost + count * each;
    }

    void Remember(Expr e, Entries? entries)
    {
        if (entries is not null) _entries[e] = entries;
    }

    void Copy(Expr to, Expr from)
    {
        if (SizeOf(from) is { } size) _sizes[to] = size;
        Remember(to, EntriesOf(from));
    }

    Entries? EntriesOf(Expr e) => _entries.TryGetValue(e, out var known) ? known : e is Ident ident ? Find(ident.Name)?.Entries : null;

    Range? SizeOf(Expr e)
    {
        if (_sizes.TryGetValue(e, out var known)) return known;
        switch (e)
        {
            case Literal literal: return Range.Exactly(literal.Value.Size);
            case ListExpr list: return Range.Exactly((ulong)list.Items.Length);
            case MapExpr map: return Range.Exactly((ulong)map.Entries.Length);
        }
        if (Described(Path(e)) is { } bound) return _sizes[e] = bound;
        if (IsScalar(e.Type)) return Range.Exactly(1);
        return e is Ident ident ? Find(ident.Name)?.Size : null;
    }

    static bool IsScalar(CelType type) => type.Kind is CelTypeKind.Bool or CelTypeKind.Double or CelTypeKind.Duration or CelTypeKind.Int or CelTypeKind.Timestamp or CelTypeKind.Uint
        || type.IsOptional && IsScalar(type.Parameters[0]);

    /// <summary>What the schema at the end of a path bounds.</summary>
    Range? Described(ImmutableArray<string>? path)
    {
        if (path is not [var root, ..] || !schemas.TryGetValue(root, out var schema)) return null;
        foreach (string step in path.Value.AsSpan()[1..])
        {
            switch (step)
            {
                case "@items" or "@values":
                    if (schema.Items is null) return null;
                    schema = schema.Items;
                    break;
                case "@keys":
                    if (schema.Kind != CelSchemaKind.Map) return null;
                    schema = s_key;
                    break;
                default:
                    if (schema.ByIdentifier(step) is not { Value.Exposed: true } property) return null;
                    schema = property.Value;
                    break;
            }
        }
        // Keys are declared without a bound, and upstream takes that for none at all.
        return new Range(0, ReferenceEquals(schema, s_key) ? 0 : CelBounds.MaxElements(schema));
    }

    static readonly CelSchema s_key = new(CelSchemaKind.String);

    Operand Operand(Expr e)
    {
        var path = Path(e);
        if (path is [Operators.Accumulator, ..]) path = null;
        return new(e, e.Type, SizeOf(e), () => Described(path), () => e.Type.Parameters is [var item, ..] ? Item(item, path?.Add("@items")) : null);
    }

    Operand Item(CelType type, ImmutableArray<string>? path) => new(null, type, null, () => Described(path), () => null);
}
