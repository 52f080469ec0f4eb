using Hanbae.Machinery.Cel.Run;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>What Kubernetes adds to lists.</summary>
static class ListFunctions
{
    internal static readonly (string Name, CelType Type)[] Comparable = [("int", CelType.Int), ("uint", CelType.Uint), ("double", CelType.Double), ("bool", CelType.Bool),
        ("duration", CelType.Duration), ("timestamp", CelType.Timestamp), ("string", CelType.String), ("bytes", CelType.Bytes)];

    public static void Add(FunctionList f)
    {
        foreach (var (name, type) in Comparable)
        {
            f.Member("isSorted", $"list_{name}_is_sorted_bool", [CelType.List(type)], CelType.Bool, (x, _) => IsSorted((CelList)x[0]));
            f.Member("max", $"list_{name}_max_{name}", [CelType.List(type)], type, (x, _) => Extreme((CelList)x[0], -1, "max"));
            f.Member("min", $"list_{name}_min_{name}", [CelType.List(type)], type, (x, _) => Extreme((CelList)x[0], 1, "min"));
        }
        f.Member("sum", "list_int_sum_int", [CelType.List(CelType.Int)], CelType.Int, (x, _) => Sum((CelList)x[0]));
        f.Member("sum", "list_uint_sum_uint", [CelType.List(CelType.Uint)], CelType.Uint, (x, _) => (CelList)x[0] is { Count: 0 } ? new CelUint(0) : Sum((CelList)x[0]));
        f.Member("sum", "list_double_sum_double", [CelType.List(CelType.Double)], CelType.Double, (x, _) => (CelList)x[0] is { Count: 0 } ? new CelDouble(0) : Sum((CelList)x[0]));
        f.Member("sum", "list_duration_sum_duration", [CelType.List(CelType.Duration)], CelType.Duration, (x, _) => (CelList)x[0] is { Count: 0 } ? new CelDuration(0) : Sum((CelList)x[0]));
        f.Member("indexOf", "list_a_index_of_int", [FunctionList.ListOfA, FunctionList.A], CelType.Int, (x, _) => IndexOf((CelList)x[0], x[1]));
        f.Member("lastIndexOf", "list_a_last_index_of_int", [FunctionList.ListOfA, FunctionList.A], CelType.Int, (x, _) => LastIndexOf((CelList)x[0], x[1]));
    }

    public static void AddIncludes(FunctionList f) => f.Member("includes", "list_includes_dyn_dyn", [CelType.Dyn, CelType.Dyn], CelType.Bool,
        (x, _) => x[0] is CelList list ? Equality.Contains(list, x[1]) : Equality.Equal(x[0], x[1]));

    static CelValue IsSorted(CelList list)
    {
        for (int i = 1; i < list.Count; i++)
        {
            if (Equality.Compare(list[i - 1], list[i]) is not { } order) return CelError.NoSuchOverload;
            if (order > 0) return false;
        }
        return true;
    }

    static CelValue Extreme(CelList list, int worse, string name)
    {
        if (list.Count == 0) return new CelError(name + " called on empty list");
        var best = list[0];
        for (int i = 1; i < list.Count; i++)
        {
            if (Equality.Compare(best, list[i]) is not { } order) return CelError.NoSuchOverload;
            if (Math.Sign(order) == worse) best = list[i];
        }
        return best;
    }

    static CelValue Sum(CelList list)
    {
        Int128 whole = 0;
        double real = 0;
        foreach (int i in Enumerable.Range(0, list.Count))
            switch (list[i])
            {
                case CelInt n: whole += n.Value; break;
                case CelUint n: whole += n.Value; break;
                case CelDuration d: whole += d.Nanoseconds; break;
                case CelDouble d: real += d.Value; break;
                case CelError e: return e;
                default: return CelError.NoSuchOverload;
            }
        return list.Count == 0 ? CelInt.Of(0) : list[0] switch
        {
            CelDouble => new CelDouble(real),
            CelUint => whole > ulong.MaxValue ? CelError.UintOverflow : new CelUint((ulong)whole),
            CelDuration => whole > long.MaxValue || whole < long.MinValue ? CelError.DurationOverflow : new CelDuration((long)whole),
            _ => whole > long.MaxValue || whole < long.MinValue ? CelError.IntOverflow : CelInt.Of((long)whole),
        };
    }

    static CelValue IndexOf(CelList list, CelValue item)
    {
        for (int i = 0; i < list.Count; i++) if (Equality.Equal(list[i], item)) return i;
        return -1;
    }

    static CelValue LastIndexOf(CelList list, CelValue item)
    {
        for (int i = list.Count - 1; i >= 0; i--) if (Equality.Equal(list[i], item)) return i;
        return -1;
    }
}
