using System.Collections.Immutable;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Run;

/// <summary>Makes the steps of a checked expression: names become places, what is constant is computed once.</summary>
sealed class Planner
{
    readonly Dictionary<string, Stack<int>> _locals = new(StringComparer.Ordinal);
    int _slots;

    public static (Node Root, int Slots) Plan(Expr root)
    {
        var planner = new Planner();
        return (planner.Node(root), planner._slots);
    }

    int Enter(string name)
    {
        if (!_locals.TryGetValue(name, out var stack)) _locals[name] = stack = new();
        stack.Push(_slots);
        return _slots++;
    }

    void Leave(string name) => _locals[name].Pop();

    Node Node(Expr e) => e switch
    {
        Literal literal => new ConstNode(literal.Value),
        Ident ident => Named(ident),
        Select { Named: { } named } => Named(named),
        Select { Test: true } select => new HasNode(Node(select.Operand), select.Field),
        Select select => new SelectNode(Node(select.Operand), select.Field, optional: false),
        Call call => Call(call),
        ListExpr list => List(list),
        MapExpr map => Map(map),
        StructExpr s => new StructNode(s.Type, [.. s.Fields.Select(f => (f.Name, Node(f.Value), f.Optional))]),
        Comprehension fold => Fold(fold),
        _ => throw new InvalidOperationException(),
    };

    Node Named(Ident ident)
    {
        if (ident.Constant is { } constant) return new ConstNode(constant);
        string name = ident.Resolved ?? ident.Name;
        return ident.Name[0] != '.' && _locals.TryGetValue(name, out var stack) && stack.TryPeek(out int slot) ? new LocalNode(slot) : new VariableNode(name);
    }

    Node Call(Call call)
    {
        switch (call.Name)
        {
            case Operators.Conditional: return new ConditionNode(Node(call.Args[0]), Node(call.Args[1]), Node(call.Args[2]));
            case Operators.And or Operators.Or: return new LogicNode(Node(call.Args[0]), Node(call.Args[1]), deciding: call.Name == Operators.Or);
            case Operators.Index: return new IndexNode(Node(call.Args[0]), Node(call.Args[1]), optional: false);
            case Operators.OptionalIndex: return new IndexNode(Node(call.Args[0]), Node(call.Args[1]), optional: true);
            case Operators.OptionalSelect: return new SelectNode(Node(call.Args[0]), ((CelString)((Literal)call.Args[1]).Value).Value, optional: true);
        }
        var args = call.Receiver is { } receiver ? call.Args.Insert(0, receiver) : call.Args;
        ImmutableArray<Node> nodes = [.. args.Select(Node)];
        if (call.Name == Operators.In && nodes is [_, ConstNode { Value: CelList list }] && Set(list) is { } set)
            return list.Count == 0 ? new ConstNode(CelBool.False) : new MemberNode(nodes[0], set);
        var node = new CallNode(call.Name, call.Overloads, nodes);
        return nodes is [ConstNode] && IsConversion(call.Name) && Known(node) is { IsError: false } known ? new ConstNode(known) : node;
    }

    static bool IsConversion(string name) => name is "bool" or "bytes" or "double" or "duration" or "dyn" or "int" or "string" or "timestamp" or "type" or "uint";

    static CelValue Known(Node node) => node.Eval(new Evaluation(CelActivation.Empty, 0, ulong.MaxValue, CancellationToken.None));

    /// <summary>The keys, when all are what sets are made of.</summary>
    static HashSet<CelKey>? Set(CelList list)
    {
        var set = new HashSet<CelKey>();
        for (int i = 0; i < list.Count; i++)
        {
            if (CelKey.Of(list[i]) is not { } key) return null;
            set.Add(key);
        }
        return set;
    }

    Node List(ListExpr list)
    {
        ImmutableArray<Node> items = [.. list.Items.Select(Node)];
        var node = new ListNode(items, list.Optional);
        return items.All(i => i is ConstNode) && !list.Optional.Contains(true) ? new ConstNode(Known(node)) : node;
    }

    Node Map(MapExpr map)
    {
        ImmutableArray<(Node Key, Node Value, bool Optional)> entries = [.. map.Entries.Select(e => (Node(e.Key), Node(e.Value), e.Optional))];
        var node = new MapNode(entries);
        bool constant = entries.All(e => e is { Key: ConstNode, Value: ConstNode, Optional: false });
        return constant && Known(node) is { IsError: false } known ? new ConstNode(known) : node;
    }

    Node Fold(Comprehension fold)
    {
        if (fold.IsBind)
        {
            var value = Node(fold.Init);
            int named = Enter(fold.Accumulator);
            var bound = new BindNode(named, value, Node(fold.Result));
            Leave(fold.Accumulator);
            return bound;
        }
        var (range, init) = (Node(fold.Range), Node(fold.Init));
        int accumulator = Enter(fold.Accumulator), first = Enter(fold.Variable);
        int? second = fold.Second is null ? null : Enter(fold.Second);
        var (condition, step) = (Node(fold.Condition), Node(fold.Step));
        if (fold.Second is not null) Leave(fold.Second);
        Leave(fold.Variable);
        var result = Node(fold.Result);
        Leave(fold.Accumulator);
        return new FoldNode(range, init, condition, step, result, accumulator, first, second);
    }
}
