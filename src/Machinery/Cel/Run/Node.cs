namespace Hanbae.Machinery.Cel.Run;

/// <summary>A step of a planned program. What evaluations cost is charged as cel-go's tracker does, oddities included, since budgets are part of the API.</summary>
abstract class Node
{
    public abstract CelValue Eval(Evaluation run);

    /// <summary>A variable with what is selected from it: as a branch or an index it is resolved without its own price.</summary>
    public virtual bool IsPath => false;
    /// <summary>The price of the path itself, beside that of each step.</summary>
    public virtual ulong PathCost => 1;
    public virtual CelValue Resolve(Evaluation run) => Eval(run);
}

/// <summary>A value known when the program was planned; costs nothing.</summary>
sealed class ConstNode(CelValue value) : Node
{
    public CelValue Value => value;
    public override CelValue Eval(Evaluation run) => value;
}

abstract class PathNode : Node
{
    public sealed override bool IsPath => true;

    public sealed override CelValue Eval(Evaluation run)
    {
        if (PathCost > 0) run.Charge(PathCost);
        return Resolve(run);
    }

    protected static CelValue Part(Node node, Evaluation run) => node.IsPath ? node.Resolve(run) : node.Eval(run);
}

sealed class VariableNode(string name) : PathNode
{
    public override CelValue Resolve(Evaluation run) => run.Variable(name) ?? new CelError("no such attribute(s): " + name);
}

/// <summary>What a comprehension binds.</summary>
sealed class LocalNode(int slot) : PathNode
{
    public override CelValue Resolve(Evaluation run) => run.Locals[slot];
}

sealed class ConditionNode(Node test, Node yes, Node no) : PathNode
{
    public override ulong PathCost => 0;

    public override CelValue Resolve(Evaluation run) => test.Eval(run) switch
    {
        CelBool b => Part(b.Value ? yes : no, run),
        CelError e => e,
        _ => CelError.NoSuchOverload,
    };
}

/// <summary><c>operand.field</c>, <c>operand.?field</c>.</summary>
sealed class SelectNode(Node operand, string field, bool optional) : PathNode
{
    readonly CelString _key = new(field);
    public override ulong PathCost => operand.IsPath ? operand.PathCost : 1;

    public override CelValue Resolve(Evaluation run)
    {
        var from = Part(operand, run);
        run.Charge(1);
        return Access.Get(from, _key, optional);
    }
}

/// <summary><c>operand[index]</c>, <c>operand[?index]</c>.</summary>
sealed class IndexNode(Node operand, Node index, bool optional) : PathNode
{
    public override ulong PathCost => operand.IsPath ? operand.PathCost : 1;

    public override CelValue Resolve(Evaluation run)
    {
        var from = Part(operand, run);
        var key = Part(index, run);
        run.Charge(1);
        return key is CelError ? key : Access.Get(from, key, optional);
    }
}

/// <summary><c>has(operand.field)</c>: whether the field is there; costs the selection only.</summary>
sealed class HasNode(Node operand, string field) : Node
{
    readonly CelString _key = new(field);

    public override CelValue Eval(Evaluation run)
    {
        var from = operand.IsPath ? operand.Resolve(run) : operand.Eval(run);
        run.Charge(1);
        if (from is CelOptional { Value: var inner }) from = inner ?? CelMap.Empty;
        return from switch
        {
            CelMap map => map.Find(_key) is { } value ? value is CelError ? value : CelBool.True : CelBool.False,
            CelError => from,
            CelList => Access.Get(from, _key, optional: true),
            // What has no fields has not this one: so expressions guard against parameters that are null.
            _ => CelBool.False,
        };
    }
}

/// <summary><c>&amp;&amp;</c> and <c>||</c>: whichever side decides, errors of the other do not matter.</summary>
sealed class LogicNode(Node left, Node right, bool deciding) : Node
{
    public override CelValue Eval(Evaluation run)
    {
        var first = left.Eval(run);
        if (first is CelBool a && a.Value == deciding) return a;
        var second = right.Eval(run);
        if (second is CelBool b && b.Value == deciding) return b;
        if (first is not CelBool) return first is CelError ? first : CelError.NoSuchOverload;
        if (second is not CelBool) return second is CelError ? second : CelError.NoSuchOverload;
        return CelBool.Of(!deciding);
    }
}
