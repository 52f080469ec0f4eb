using Hanbae.Machinery.Cel.Run;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Equality and order.</summary>
static class Comparisons
{
    static readonly (string Name, CelType Type)[] s_numbers = [("int64", CelType.Int), ("uint64", CelType.Uint), ("double", CelType.Double)];
    static readonly (string Name, CelType Type)[] s_others = [("string", CelType.String), ("bytes", CelType.Bytes), ("timestamp", CelType.Timestamp), ("duration", CelType.Duration)];

    public static void Add(FunctionList f)
    {
        f.Global(Operators.Equal, "equals", [FunctionList.A, FunctionList.A], CelType.Bool, (x, _) => Equality.Equal(x[0], x[1]));
        f.Global(Operators.NotEqual, "not_equals", [FunctionList.A, FunctionList.A], CelType.Bool, (x, _) => !Equality.Equal(x[0], x[1]));
        Ordered(f, Operators.Less, "less", order => order < 0);
        Ordered(f, Operators.LessEqual, "less_equals", order => order <= 0);
        Ordered(f, Operators.Greater, "greater", order => order > 0);
        Ordered(f, Operators.GreaterEqual, "greater_equals", order => order >= 0);
    }

    static void Ordered(FunctionList f, string name, string id, Func<int, bool> holds)
    {
        void Overload(string suffix, CelType a, CelType b) => f.Global(name, $"{id}_{suffix}", [a, b], CelType.Bool, (x, _) =>
            Equality.Compare(x[0], x[1]) is { } order ? CelBool.Of(holds(order)) : new CelError("NaN values cannot be ordered"));

        Overload("bool", CelType.Bool, CelType.Bool);
        foreach (var (left, a) in s_numbers)
        {
            Overload(left, a, a);
            foreach (var (right, b) in s_numbers) if (left != right) Overload($"{left}_{right}", a, b);
        }
        foreach (var (type, a) in s_others) Overload(type, a, a);
    }
}
