using Hanbae.Machinery.Cel.Run;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Values that may be none.</summary>
static class Optionals
{
    public static void Add(FunctionList f)
    {
        var (a, list, map) = (FunctionList.A, FunctionList.ListOfA, FunctionList.MapOfAB);
        var optional = CelType.Optional(a);
        f.Global("optional.of", "optional_of", [a], optional, (x, _) => CelOptional.Of(x[0]));
        f.Global("optional.ofNonZeroValue", "optional_ofNonZeroValue", [a], optional, (x, _) => x[0].IsZero ? CelOptional.None : CelOptional.Of(x[0]));
        f.Global("optional.none", "optional_none", [], optional, (_, _) => CelOptional.None);
        f.Global("optional.unwrap", "optional_unwrap", [CelType.List(optional)], list, (x, _) => Unwrap((CelList)x[0]));
        f.Member("unwrapOpt", "optional_unwrapOpt", [CelType.List(optional)], list, (x, _) => Unwrap((CelList)x[0]));
        f.Member("value", "optional_value", [optional], a, (x, _) => ((CelOptional)x[0]).Value ?? new CelError("optional.none() dereference"));
        f.Member("hasValue", "optional_hasValue", [optional], CelType.Bool, (x, _) => ((CelOptional)x[0]).Value is not null);
        f.Member("or", "optional_or_optional", [optional, optional], optional, (x, _) => ((CelOptional)x[0]).Value is null ? x[1] : x[0]);
        f.Member("orValue", "optional_orValue_value", [optional, a], a, (x, _) => ((CelOptional)x[0]).Value ?? x[1]);
        f.Member("first", "list_first", [list], optional, (x, _) => (CelList)x[0] is { Count: > 0 } l ? CelOptional.Of(l[0]) : CelOptional.None);
        f.Member("last", "list_last", [list], optional, (x, _) => (CelList)x[0] is { Count: > 0 } l ? CelOptional.Of(l[l.Count - 1]) : CelOptional.None);

        // Selections are planned as steps of their own.
        var b = CelType.Optional(FunctionList.B);
        f.Global(Operators.OptionalSelect, "select_optional_field", [CelType.Dyn, CelType.String], CelType.Dyn, Unplanned);
        f.Global(Operators.OptionalIndex, "list_optindex_optional_int", [list, CelType.Int], optional, Unplanned);
        f.Global(Operators.OptionalIndex, "optional_list_optindex_optional_int", [CelType.Optional(list), CelType.Int], optional, Unplanned);
        f.Global(Operators.OptionalIndex, "map_optindex_optional_value", [map, a], b, Unplanned);
        f.Global(Operators.OptionalIndex, "optional_map_optindex_optional_value", [CelType.Optional(map), a], b, Unplanned);
        f.Global(Operators.Index, "optional_list_index_int", [CelType.Optional(list), CelType.Int], optional, Unplanned);
        f.Global(Operators.Index, "optional_map_index_value", [CelType.Optional(map), a], b, Unplanned);
    }

    static CelValue Unplanned(ReadOnlySpan<CelValue> args, Evaluation run) => CelError.NoSuchOverload;

    static CelValue Unwrap(CelList list)
    {
        var values = new List<CelValue>(list.Count);
        for (int i = 0; i < list.Count; i++)
        {
            if (list[i] is not CelOptional optional) return CelError.NoSuchOverload;
            if (optional.Value is { } value) values.Add(value);
        }
        return new CelItems(values, values.Count);
    }
}
