namespace Hanbae.Machinery.Cel.Cost;

/// <summary>What a call cost, once its arguments are known: cel-go's table with that of Kubernetes before it.</summary>
static class ActualCost
{
    public const double PerCharacter = 0.1, PerRegexCharacter = 0.25;
    const int MaxDepth = 200;

    public static ulong Of(string function, string overload, ReadOnlySpan<CelValue> args, CelValue result) =>
        Kubernetes(function, overload, args, result) ?? Extended(overload, args, result) ?? Standard(overload, args);

    static ulong Traversal(ulong size, double factor = PerCharacter) => (ulong)Math.Ceiling(size * factor);

    static ulong Regex(ulong text, ulong pattern) => Traversal(text + 1) * (ulong)Math.Ceiling(pattern * PerRegexCharacter);

    static ulong Standard(string overload, ReadOnlySpan<CelValue> args) => overload switch
    {
        "starts_with_string" or "ends_with_string" or "string_to_bytes" or "bytes_to_string" or "strings_quote" or "string_format" => Traversal(args[0].Size),
        "in_list" => args[1].Size,
        "equals" or "not_equals" or "less_string" or "less_equals_string" or "greater_string" or "greater_equals_string"
            or "less_bytes" or "less_equals_bytes" or "greater_bytes" or "greater_equals_bytes" => Traversal(Math.Min(args[0].Size, args[1].Size)),
        "add_string" or "add_bytes" => Traversal(args[0].Size + args[1].Size),
        "matches_string" or "matches" => Regex(args[0].Size, args[1].Size),
        "contains_string" => Traversal(args[0].Size) * Traversal(args[1].Size),
        _ => 1,
    };

    static ulong? Extended(string overload, ReadOnlySpan<CelValue> args, CelValue result) => overload switch
    {
        "sets_contains_list_list" or "sets_intersects_list_list" => 1 + args[0].Size * args[1].Size,
        "sets_equivalent_list_list" => 1 + 2 * args[0].Size * args[1].Size,
        "list_slice" or "lists_range" or "list_reverse" => NewList + result.Size,
        "list_flatten" => NewList + args[0].Size,
        "list_flatten_int" => NewList + args[0].Size * (args[1] is CelInt { Value: > 0 and < 1000 } depth ? (ulong)depth.Value : 0),
        "list_distinct" => Pairs(args[0]),
        _ when overload.EndsWith("_sort", StringComparison.Ordinal) => Pairs(args[0]),
        _ when overload.EndsWith("_sortByAssociatedKeys", StringComparison.Ordinal) => Pairs(args[1]),
        _ => null,
    };

    /// <summary>Of the call and of the list it makes.</summary>
    public const ulong NewList = 11;

    /// <summary>Every pair may have to be compared.</summary>
    static ulong Pairs(CelValue value)
    {
        double each = value is CelList { Count: > 0 } list && (list[0] is CelString or CelBytes) ? 2 + PerCharacter : 2;
        return NewList + (ulong)(value.Size * value.Size * each);
    }

    static ulong? Kubernetes(string function, string overload, ReadOnlySpan<CelValue> args, CelValue result)
    {
        switch (function)
        {
            // So that an expression can afford two.
            case "check": return 350_000;
            case "fieldSelector" or "labelSelector": return CallEstimates.Selector(Range.Exactly(args[1].Size)).Max;
            case "isSorted" or "sum" or "max" or "min" or "indexOf" or "lastIndexOf": return Tree(args[0], 0);
            case "url" or "lowerAscii" or "upperAscii" or "substring" or "trim" or "jsonpatch.escapeKey": return Traversal(args[0].Size);
            case "replace" or "split": return Traversal(args[0].Size, 2 * PerCharacter);
            case "join": return Traversal(result.Size, 2 * PerCharacter);
            case "find" or "findAll": return Regex(args[0].Size, args[1].Size);
            case "cidr" or "isIP" or "isCIDR" or "quantity" or "isQuantity" or "semver" or "isSemver": return Traversal(args[0].Size);
            case "ip": return overload == "cidr_ip" ? 1 : Traversal(args[0].Size);
            case "ip.isCanonical": return Traversal(args[0].Size, 2 * PerCharacter);
            case "containsIP": return Traversal(2 * args[0].Size) + (overload == "cidr_contains_ip_string" ? Traversal(args[1].Size) : 0);
            case "containsCIDR": return Traversal(2 * args[0].Size) + Traversal(args[0].Size) + 1 + (overload == "cidr_contains_cidr_string" ? Traversal(args[1].Size) : 0);
            case "validate" when args[0] is Functions.NamedFormat format: return Regex(args[1].Size, (ulong)format.RegexSize);
            case Syntax.Operators.Equal when args[0] is CelExtension: return 1;
        }
        return CallEstimates.IsNominal(function) ? 1 : null;
    }

    /// <summary>Of looking at all there is in a value.</summary>
    static ulong Tree(CelValue value, int depth) => depth > MaxDepth ? 1 : value switch
    {
        CelString s => (ulong)(System.Text.Encoding.UTF8.GetByteCount(s.Value) * PerCharacter),
        CelBytes b => (ulong)(b.Value.Length * PerCharacter),
        CelList list => Sum(list, depth + 1),
        CelMap map => Sum(map, depth + 1),
        _ => 1,
    };

    static ulong Sum(CelList list, int depth)
    {
        ulong sum = 0;
        for (int i = 0; i < list.Count; i++) sum += Tree(list[i], depth);
        return sum;
    }

    static ulong Sum(CelMap map, int depth)
    {
        ulong sum = 0;
        foreach (var key in map.Keys) sum += Tree(key, depth) + Tree(map.Find(key)!, depth);
        return sum;
    }
}
