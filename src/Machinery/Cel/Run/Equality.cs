namespace Hanbae.Machinery.Cel.Run;

/// <summary>When two values are the same, and which is less. Numbers compare across types; other types are just not equal.</summary>
static class Equality
{
    const int MaxDepth = 500;

    public static bool Equal(CelValue a, CelValue b) => Equal(a, b, 0);

    static bool Equal(CelValue a, CelValue b, int depth)
    {
        if (depth > MaxDepth) return false;
        switch (a, b)
        {
            case (CelString x, CelString y): return x.Value == y.Value;
            case (CelBool x, CelBool y): return x.Value == y.Value;
            case (CelInt x, CelInt y): return x.Value == y.Value;
            case (CelInt or CelUint or CelDouble, CelInt or CelUint or CelDouble): return Number(a, b) == 0;
            case (CelNull, CelNull): return true;
            case (CelBytes x, CelBytes y): return x.Value.Span.SequenceEqual(y.Value.Span);
            case (CelTimestamp x, CelTimestamp y): return CelTimestamp.Compare(x, y) == 0;
            case (CelDuration x, CelDuration y): return x.Nanoseconds == y.Nanoseconds;
            case (CelTypeValue x, CelTypeValue y): return x.Value.Name == y.Value.Name;
            case (CelOptional x, CelOptional y): return x.Value is null ? y.Value is null : y.Value is not null && Equal(x.Value, y.Value, depth + 1);
            case (CelList x, CelList y): return Lists(x, y, depth + 1);
            case (CelMap x, CelMap y): return (x.Kind == y.Kind || x is CelJsonMap || y is CelJsonMap) && Maps(x, y, depth + 1);
            case (CelExtension x, CelExtension y): return x.GetType() == y.GetType() && x.Same(y);
            default: return false;
        }
    }

    static bool Lists(CelList a, CelList b, int depth)
    {
        if (a.Count != b.Count) return false;
        var schema = Schema(a) ?? Schema(b);
        switch (schema?.ListType)
        {
            case CelListType.Set:
                var set = new HashSet<CelKey>();
                for (int i = 0; i < a.Count; i++) if (CelKey.Of(a[i]) is { } key) set.Add(key);
                for (int i = 0; i < b.Count; i++) if (CelKey.Of(b[i]) is not { } key || !set.Contains(key)) return false;
                return true;
            case CelListType.Map:
                var items = new Dictionary<string, CelValue>(StringComparer.Ordinal);
                for (int i = 0; i < a.Count; i++) items[CelListKeys.Of(a[i], schema)] = a[i];
                for (int i = 0; i < b.Count; i++) if (!items.TryGetValue(CelListKeys.Of(b[i], schema), out var mine) || !Equal(mine, b[i], depth)) return false;
                return true;
        }
        for (int i = 0; i < a.Count; i++) if (!Equal(a[i], b[i], depth)) return false;
        return true;
    }

    static CelSchema? Schema(CelList list) => list switch { CelJsonList json => json.Schema, CelTypedItems typed => typed.Schema, _ => null };

    static bool Maps(CelMap a, CelMap b, int depth)
    {
        if (ReferenceEquals(a, b)) return true;
        if (a.Count != b.Count) return false;
        if (a is CelJsonMap x && b is CelJsonMap y) return Json(x, y, depth);
        foreach (var key in a.Keys)
            if (b.Find(key) is not { } theirs || a.Find(key) is not { } mine || !Equal(mine, theirs, depth)) return false;
        return true;
    }

    /// <summary>Also what no expression can name counts.</summary>
    static bool Json(CelJsonMap a, CelJsonMap b, int depth)
    {
        foreach (var member in a.Json.Members)
        {
            if (b.Json[member.Name] is not { } theirs) return false;
            if (ReferenceEquals(member.Value, theirs)) continue;
            if (!Equal(CelJson.Wrap(member.Value, Of(a.Schema, member.Name)), CelJson.Wrap(theirs, Of(b.Schema, member.Name)), depth)) return false;
        }
        return true;

        static CelSchema Of(CelSchema schema, string name) => schema.Kind switch
        {
            CelSchemaKind.Map => schema.Items!,
            CelSchemaKind.Object => schema.ByName(name)?.Value ?? CelSchema.Dyn,
            _ => CelSchema.Dyn,
        };
    }

    public static bool Contains(CelList list, CelValue item)
    {
        for (int i = 0; i < list.Count; i++) if (Equal(list[i], item)) return true;
        return false;
    }

    /// <summary>Numeric order without rounding; null when there is none (NaN).</summary>
    public static int? Number(CelValue a, CelValue b) => (a, b) switch
    {
        (CelInt x, CelInt y) => x.Value.CompareTo(y.Value),
        (CelUint x, CelUint y) => x.Value.CompareTo(y.Value),
        (CelDouble x, CelDouble y) => double.IsNaN(x.Value) || double.IsNaN(y.Value) ? null : x.Value == y.Value ? 0 : x.Value < y.Value ? -1 : 1,
        (CelInt x, CelUint y) => ((Int128)x.Value).CompareTo(y.Value),
        (CelUint x, CelInt y) => ((Int128)x.Value).CompareTo(y.Value),
        (CelDouble x, CelInt y) => -Whole(y.Value, x.Value),
        (CelDouble x, CelUint y) => -Whole(y.Value, x.Value),
        (CelInt x, CelDouble y) => Whole(x.Value, y.Value),
        (CelUint x, CelDouble y) => Whole(x.Value, y.Value),
        _ => null,
    };

    static int? Whole(Int128 a, double b)
    {
        if (double.IsNaN(b)) return null;
        if (b >= 1e30) return -1;
        if (b <= -1e30) return 1;
        double floor = Math.Floor(b);
        int order = a.CompareTo((Int128)floor);
        return order != 0 ? order : floor < b ? -1 : 0;
    }

    /// <summary>The order, or null when the two have none.</summary>
    public static int? Compare(CelValue a, CelValue b) => (a, b) switch
    {
        (CelInt or CelUint or CelDouble, CelInt or CelUint or CelDouble) => Number(a, b),
        (CelString x, CelString y) => Text.Order.Compare(x.Value, y.Value),
        (CelBool x, CelBool y) => x.Value.CompareTo(y.Value),
        (CelBytes x, CelBytes y) => x.Value.Span.SequenceCompareTo(y.Value.Span),
        (CelTimestamp x, CelTimestamp y) => CelTimestamp.Compare(x, y),
        (CelDuration x, CelDuration y) => x.Nanoseconds.CompareTo(y.Nanoseconds),
        _ => null,
    };
}
