using Hanbae.Machinery.Cel.Run;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Lists taken as sets.</summary>
static class Sets
{
    public static void Add(FunctionList f)
    {
        var list = FunctionList.ListOfA;
        f.Global("sets.contains", "sets_contains_list_list", [list, list], CelType.Bool, (x, run) => Contains((CelList)x[0], (CelList)x[1], run));
        f.Global("sets.equivalent", "sets_equivalent_list_list", [list, list], CelType.Bool,
            (x, run) => Contains((CelList)x[0], (CelList)x[1], run) && Contains((CelList)x[1], (CelList)x[0], run));
        f.Global("sets.intersects", "sets_intersects_list_list", [list, list], CelType.Bool, (x, run) => Intersects((CelList)x[0], (CelList)x[1], run));
    }

    static bool Contains(CelList all, CelList some, Evaluation run)
    {
        for (int i = 0; i < some.Count; i++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            if (!Equality.Contains(all, some[i])) return false;
        }
        return true;
    }

    static bool Intersects(CelList a, CelList b, Evaluation run)
    {
        for (int i = 0; i < a.Count; i++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            if (Equality.Contains(b, a[i])) return true;
        }
        return false;
    }
}
