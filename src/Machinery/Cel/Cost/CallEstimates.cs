using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Cost;

/// <summary>What calls of Kubernetes' libraries may cost, before anything has run. Any change here changes which rules a CustomResourceDefinition may have.</summary>
static class CallEstimates
{
    const double PerCharacter = ActualCost.PerCharacter, PerRegexCharacter = ActualCost.PerRegexCharacter;
    const ulong MaxFormatSize = 64, MaxFormatRegexSize = 128;

    static Range One => Range.Exactly(1);

    /// <summary>A list of requirements, each a structure and a list, the shortest of which takes two characters.</summary>
    public static Range Selector(Range length) => Range.Exactly(10) + length.Times(PerCharacter) + length.Times(0.5).Times(50);

    public static bool IsNominal(string function) => function is "serviceAccount" or "path" or "group" or "resource" or "subresource" or "namespace" or "name"
        or "allowed" or "reason" or "error" or "errored"
        or "masked" or "prefixLength" or "family" or "isUnspecified" or "isLoopback" or "isLinkLocalMulticast" or "isLinkLocalUnicast" or "isGlobalUnicast"
        or "format.named" or "sign" or "asInteger" or "isInteger" or "asApproximateFloat" or "isGreaterThan" or "isLessThan" or "compareTo" or "add" or "sub"
        or "major" or "minor" or "patch" or "getScheme" or "getHostname" or "getHost" or "getPort" or "getEscapedPath" or "getQuery";

    /// <returns>The cost and the size of the result where it is known; null for functions that have no price of their own here.</returns>
    public static (Range Cost, Range? Size)? Of(string function, string overload, Operand? target, Operand[] args)
    {
        switch (function)
        {
            case "check": return (Range.Exactly(350_000), null);
            case "fieldSelector" or "labelSelector" when args.Length == 1: return (Selector(args[0].Size), null);
            case "isSorted" or "sum" or "max" or "min" or "indexOf" or "lastIndexOf" when target is not null: return (Scan(target), null);
            case "url" or "jsonpatch.escapeKey" when args.Length == 1: return (args[0].Size.Times(PerCharacter), args[0].Size);
            case "lowerAscii" or "upperAscii" or "substring" or "trim" when target is not null: return (target.Size.Times(PerCharacter), target.Size);
            case "replace" when target is not null && args.Length >= 2: return (target.Size.Times(2 * PerCharacter), Replaced(target.Size, args[0].Size, args[1].Size));
            case "split" when target is not null:
                // The empty separator makes an item of every character.
                ulong most = args is [_, { Expr: Literal { Value: CelInt { Value: var limit } } }] ? (ulong)limit : target.Size.Max;
                return (target.Size.Times(2 * PerCharacter), new Range(0, most));
            case "join" when target is not null: return Joined(target, args);
            case "find" or "findAll" when target is not null && args.Length >= 1:
                return ((target.Size + One).Times(PerCharacter) * args[0].Size.Times(PerRegexCharacter), new Range(0, target.Size.Max));
            case "ip" when target is not null: return (One, null);
            case "ip" or "cidr" or "isIP" or "isCIDR" or "quantity" or "isQuantity" or "semver" or "isSemver" when args.Length >= 1: return (args[0].Size.Times(PerCharacter), null);
            case "ip.isCanonical" when args.Length >= 1: return (args[0].Size.Times(2 * PerCharacter), null);
            case "containsIP" when target is not null && args.Length >= 1: return (Contains(overload == "cidr_contains_ip_string", args[0], Range.Exactly(0)), null);
            case "containsCIDR" when target is not null && args.Length >= 1:
                return (Contains(overload == "cidr_contains_cidr_string", args[0], new Range(4, 16).Times(PerCharacter) + One), null);
            case "validate" when target is not null: return (args[0].Size.Times(PerCharacter).Times(MaxFormatRegexSize * PerRegexCharacter), null);
            case Operators.Equal when args.Length == 2 && args[0].Type.Equals(args[1].Type): return Equal(args[0].Type, args[1]) is { } cost ? (cost, null) : null;
        }
        return IsNominal(function) ? (One, null) : null;
    }

    /// <summary>Calls that cel-go's own extensions price.</summary>
    public static (Range Cost, Range? Size)? Extended(string overload, Operand? target, Operand[] args)
    {
        var all = target is null ? args : [target, .. args];
        switch (overload)
        {
            case "sets_contains_list_list" or "sets_intersects_list_list": return (args[0].Size * args[1].Size + One, null);
            case "sets_equivalent_list_list": return ((args[0].Size * args[1].Size).Times(2) + One, null);
            case "list_slice": return Made(1, Range.Exactly(Unsigned(all[2], all[0].Size.Max) - Math.Min(Unsigned(all[1], 0), Unsigned(all[2], all[0].Size.Max))));
            case "lists_range": return Made(1, Range.Exactly(Unsigned(all[0], ulong.MaxValue)));
            case "list_reverse" or "list_flatten": return Made(1, all[0].Size);
            case "list_flatten_int": return Made(Unsigned(all[1], ulong.MaxValue), all[0].Size);
            case "list_distinct": return Made(2, all[0].Size * all[0].Size);
        }
        bool by = overload.EndsWith("_sortByAssociatedKeys", StringComparison.Ordinal);
        if (!by && !overload.EndsWith("_sort", StringComparison.Ordinal)) return null;
        var sorted = all[by ? 1 : 0].Size;
        return Made(overload.StartsWith("list_string", StringComparison.Ordinal) || overload.StartsWith("list_bytes", StringComparison.Ordinal) ? 2 + PerCharacter : 2, sorted * sorted);
    }

    static (Range, Range?) Made(double each, Range size) => (size.Times(each) + Range.Exactly(ActualCost.NewList), size);

    static ulong Unsigned(Operand operand, ulong otherwise) => operand.Expr is Literal { Value: CelInt { Value: >= 0 and var value } } ? (ulong)value : otherwise;

    static Range Scan(Operand target)
    {
        if (target.Items() is not { } item) return target.Size.Times(PerCharacter);
        var each = item.Type.Kind is CelTypeKind.String or CelTypeKind.Bytes ? One + item.Size.Times(PerCharacter) : One;
        return target.Size * each;
    }

    static Range Contains(bool parse, Operand other, Range more)
    {
        var bytes = new Range(4, 16);
        var cost = (bytes + bytes).Times(PerCharacter) + more;
        return parse ? cost + other.Size.Times(PerCharacter) : cost;
    }

    static (Range, Range?) Joined(Operand target, Operand[] args)
    {
        var size = target.Items() is { } item ? target.Size * item.Size : default;
        if (args.Length > 0)
        {
            var list = target.Size;
            size += args[0].Size * new Range(list.Min > 0 ? list.Min - 1 : 0, list.Max > 0 ? list.Max - 1 : 0);
        }
        return (size.Times(PerCharacter), size);
    }

    static Range? Equal(CelType type, Operand right)
    {
        switch (type.Name)
        {
            case Functions.Net.IpName or Functions.Net.CidrName or Functions.Quantities.Name or Functions.SemverFunctions.Name: return One;
            case Functions.NamedFormat.TypeName: return new Range(1, MaxFormatSize).Times(PerCharacter);
            case Functions.Urls.Name: return new Range(1, right.Computed?.Max ?? 1).Times(PerCharacter);
            default: return type.Kind == CelTypeKind.Object && type.Name.StartsWith(Functions.AuthorizerFunctions.Prefix, StringComparison.Ordinal) ? One : null;
        }
    }

    /// <summary>The smallest possible finds replaced by the largest replacements, and the other way round.</summary>
    static Range Replaced(Range text, Range find, Range replacement)
    {
        Range count = default, kept = default;
        if (find.Min == 0) (count, kept) = (count with { Max = text.Max < ulong.MaxValue ? text.Max + 1 : text.Max }, kept with { Max = text.Max });
        else if (replacement.Max <= find.Min) kept = kept with { Max = text.Max };
        else count = count with { Max = (ulong)Math.Min(Math.Ceiling(text.Max / (double)find.Min), 1.8e19) };
        if (find.Max == 0) (count, kept) = (count with { Min = text.Min < ulong.MaxValue ? text.Min + 1 : text.Min }, kept with { Min = text.Min });
        else if (find.Max <= replacement.Min) kept = kept with { Min = text.Min };
        else count = count with { Min = (ulong)Math.Ceiling(text.Min / (double)find.Max) };
        return count * replacement + kept;
    }
}
