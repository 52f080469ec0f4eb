using Hanbae.Machinery.Cel.Run;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>cel-go's extension of lists.</summary>
static class ExtendedLists
{
    public static void Add(FunctionList f)
    {
        var (list, whole) = (FunctionList.ListOfA, CelType.Int);
        f.Member("slice", "list_slice", [list, whole, whole], list, (x, _) => Slice((CelList)x[0], ((CelInt)x[1]).Value, ((CelInt)x[2]).Value));
        f.Member("flatten", "list_flatten", [CelType.List(list)], list, (x, run) => Flatten((CelList)x[0], 1, run));
        f.Member("flatten", "list_flatten_int", [CelType.AnyList, whole], CelType.AnyList, (x, run) =>
            ((CelInt)x[1]).Value < 0 ? new CelError("level must be non-negative") : Flatten((CelList)x[0], ((CelInt)x[1]).Value, run));
        f.Global("lists.range", "lists_range", [whole], CelType.List(whole), (x, _) => Count(((CelInt)x[0]).Value));
        f.Member("reverse", "list_reverse", [list], list, (x, _) => Reverse((CelList)x[0]));
        f.Member("distinct", "list_distinct", [list], list, (x, run) => Distinct((CelList)x[0], run));
        foreach (var (name, type) in ListFunctions.Comparable)
        {
            f.Member("sort", $"list_{name}_sort", [CelType.List(type)], CelType.List(type), (x, _) => Sort((CelList)x[0], (CelList)x[0]));
            f.Member("@sortByAssociatedKeys", $"list_{name}_sortByAssociatedKeys", [list, CelType.List(type)], list, (x, _) => Sort((CelList)x[0], (CelList)x[1]));
        }
    }

    static CelValue Slice(CelList list, long from, long to)
    {
        if (from < 0 || to < 0) return new CelError($"cannot slice({from}, {to}), negative indexes not supported");
        if (from > to) return new CelError($"cannot slice({from}, {to}), start index must be less than or equal to end index");
        if (to > list.Count) return new CelError($"cannot slice({from}, {to}), list is length {list.Count}");
        var items = new List<CelValue>((int)(to - from));
        for (int i = (int)from; i < to; i++) items.Add(list[i]);
        return new CelItems(items, items.Count);
    }

    static CelValue Flatten(CelList list, long levels, Evaluation run)
    {
        var items = new List<CelValue>();
        if (!Into(items, list, Math.Min(levels, CelLimits.MaxDepth), run)) return CelError.TooLarge;
        return new CelItems(items, items.Count);
    }

    static bool Into(List<CelValue> items, CelList list, long levels, Evaluation run)
    {
        for (int i = 0; i < list.Count; i++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            if (levels > 0 && list[i] is CelList inner)
            {
                if (!Into(items, inner, levels - 1, run)) return false;
            }
            else if (items.Count >= CelLimits.MaxProduct) return false;
            else items.Add(list[i]);
        }
        return true;
    }

    static CelValue Count(long count)
    {
        if (count > (long)CelLimits.PerCall) return CelError.TooLarge;
        var items = new List<CelValue>();
        for (long i = 0; i < count; i++) items.Add(CelInt.Of(i));
        return new CelItems(items, items.Count);
    }

    static CelValue Reverse(CelList list)
    {
        var items = new List<CelValue>(list.Count);
        for (int i = list.Count - 1; i >= 0; i--) items.Add(list[i]);
        return new CelItems(items, items.Count);
    }

    static CelValue Distinct(CelList list, Evaluation run)
    {
        var known = new HashSet<CelKey>();
        var (items, others) = (new List<CelValue>(), new List<CelValue>());
        for (int i = 0; i < list.Count; i++)
        {
            var item = list[i];
            if (item.IsError) return item;
            if (CelKey.Of(item) is { } key && item is not CelDouble { Value: double.NaN })
            {
                if (known.Add(key)) items.Add(item);
                continue;
            }
            run.Cancellation.ThrowIfCancellationRequested();
            if (others.Exists(o => Equality.Equal(o, item))) continue;
            others.Add(item);
            items.Add(item);
        }
        return new CelItems(items, items.Count);
    }

    static CelValue Sort(CelList list, CelList keys)
    {
        if (keys.Count != list.Count) return new CelError($"@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {list.Count} and {keys.Count} elements respectively.");
        for (int i = 0; i < keys.Count; i++)
        {
            if (keys[i].IsError) return keys[i];
            if (keys[i].Kind is not (CelKind.Int or CelKind.Uint or CelKind.Double or CelKind.Bool or CelKind.Duration or CelKind.Timestamp or CelKind.String or CelKind.Bytes))
                return new CelError("list elements must be comparable");
            if (keys[i].Kind != keys[0].Kind) return new CelError("list elements must have the same type");
        }
        var items = Enumerable.Range(0, list.Count).Select(i => (Item: list[i], Key: keys[i]))
            .OrderBy(p => p.Key, Comparer<CelValue>.Create((a, b) => Equality.Compare(a, b) ?? 0)).Select(p => p.Item).ToList();
        return new CelItems(items, items.Count);
    }
}
