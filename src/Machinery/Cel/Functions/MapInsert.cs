using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>What <c>transformMap</c> builds its result with.</summary>
static class MapInsert
{
    public static void Add(FunctionList f)
    {
        var map = FunctionList.MapOfAB;
        f.Global(Operators.MapInsert, "@mapInsert_map_key_value", [map, FunctionList.A, FunctionList.B], map, (x, _) => ((CelEntries)x[0]).Insert(x[1], x[2]));
        f.Global(Operators.MapInsert, "@mapInsert_map_map", [map, map], map, (x, _) =>
        {
            CelValue result = x[0];
            foreach (var key in ((CelMap)x[1]).Keys)
            {
                result = ((CelEntries)result).Insert(key, ((CelMap)x[1]).Find(key)!);
                if (result.IsError) break;
            }
            return result;
        });
    }
}
