namespace Hanbae.Kubelet.Placement.Cpus;

/// <summary>Takes CPUs evenly from as few NUMA nodes as will do (KEP-2902), and packed when no even way is found.</summary>
static class CpuSpread
{
    /// <summary>An even way: so many of each node, and one more group of some of them.</summary>
    sealed record Plan(IReadOnlyList<int> Nodes, IReadOnlyList<int> More, double Balance);

    /// <param name="group">CPUs are given away in groups of so many, such as the threads of a core.</param>
    /// <exception cref="NotEnoughCpusException"/>
    public static CpuSet Take(Topology machine, CpuSet available, int count, int group, bool acrossCores = false)
    {
        if (count % group != 0) return CpuTake.Packed(machine, available, count, acrossCores);
        var take = new CpuTake(machine, available, count);
        if (take.Needed < 1) return take.Taken;
        if (take.Needed > take.Free) throw new NotEnoughCpusException(count, available.Count);

        int[] nodes = [.. take.NodeOrder];
        int groups = Up(machine.Cpus.Length, group), perNode = Up(groups, machine.CpuNodes.Length), needed = Up(count, group);
        for (int size = Up(needed, perNode); size <= Math.Min(needed, nodes.Length); size++)
        {
            Plan? best = null;
            foreach (var combination in Combinations.Of(nodes, size))
                if (PlanFor(take, nodes, combination, count, group) is { } plan && (best is null || plan.Balance < best.Balance))
                {
                    best = plan;
                    if (plan.Balance == 0) break;
                }
            if (best is null) continue;
            int each = Each(count, size, group);
            foreach (int node in best.Nodes) take.Take(CpuTake.Packed(machine, take.FreeIn(node), each, acrossCores));
            while (take.Needed > 0)
                foreach (int node in best.More)
                    if (take.Needed > 0 && take.FreeIn(node).Count >= group) take.Take(CpuTake.Packed(machine, take.FreeIn(node), group, acrossCores));
            return take.Taken;
        }
        return CpuTake.Packed(machine, available, count, acrossCores);
    }

    static Plan? PlanFor(CpuTake take, int[] nodes, IReadOnlyList<int> chosen, int count, int group)
    {
        var free = nodes.ToDictionary(n => n, n => take.FreeIn(n).Count);
        int each = Each(count, chosen.Count, group);
        if (chosen.Sum(n => free[n] / group) * group < count || chosen.Any(n => free[n] < each)) return null;
        foreach (int node in chosen) free[node] -= each;
        int rest = count - each * chosen.Count;
        if (rest == 0) return new(chosen, [], Deviation(free.Values));

        int[] able = [.. chosen.Where(n => free[n] >= group)];
        Plan? best = null;
        for (int size = able.Length; size >= 1; size--)
            foreach (var more in Combinations.Of(able, size))
            {
                if (more.Sum(n => free[n] / group * group) < rest) continue;
                var after = new Dictionary<int, int>(free);
                for (int left = rest; left > 0;)
                    foreach (int node in more)
                        if (left > 0 && after[node] >= group)
                        {
                            after[node] -= group;
                            left -= group;
                        }
                double balance = Deviation(after.Values);
                if (best is null || balance < best.Balance) best = new(chosen, more, balance);
            }
        return best;
    }

    static int Each(int count, int nodes, int group) => count / nodes / group * group;

    static int Up(int value, int by) => (value - 1) / by + 1;

    /// <summary>Rounded to thousandths as upstream, so that ties are ties.</summary>
    static double Deviation(IReadOnlyCollection<int> values)
    {
        double mean = Round(values.Sum() / (double)values.Count);
        return Round(Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / values.Count));

        static double Round(double value) => Math.Round(value * 1000, MidpointRounding.AwayFromZero) / 1000;
    }
}
