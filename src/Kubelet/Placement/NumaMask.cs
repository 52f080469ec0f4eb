using System.Globalization;
using System.Numerics;

namespace Hanbae.Kubelet.Placement;

/// <summary>A set of NUMA nodes; Linux has at most 64 that matter here, as upstream has.</summary>
readonly record struct NumaMask(ulong Bits)
{
    public static NumaMask Of(params IEnumerable<int> nodes) => new(nodes.Aggregate(0UL, (bits, n) => bits | 1UL << n));

    public int Count => BitOperations.PopCount(Bits);
    public bool Has(int node) => node is >= 0 and < 64 && (Bits & 1UL << node) != 0;

    public IEnumerable<int> Nodes
    {
        get { for (int n = 0; n < 64; n++) if (Has(n)) yield return n; }
    }

    public static NumaMask operator &(NumaMask a, NumaMask b) => new(a.Bits & b.Bits);

    /// <summary>Fewer nodes; of as many, the lower numbered ones.</summary>
    public bool IsNarrowerThan(NumaMask other) => Count == other.Count ? Bits < other.Bits : Count < other.Count;

    /// <summary>Every non-empty choice of these nodes, the small ones first.</summary>
    public static IEnumerable<NumaMask> Choices(IReadOnlyList<int> nodes)
    {
        for (int size = 1; size <= nodes.Count; size++)
            foreach (var choice in Combinations.Of(nodes, size)) yield return Of(choice);
    }

    public override string ToString() => Convert.ToString((long)Bits, 2).PadLeft(2, '0').ToString(CultureInfo.InvariantCulture);
}

static class Combinations
{
    /// <summary>All ways to choose so many, in the order of the items.</summary>
    public static IEnumerable<IReadOnlyList<T>> Of<T>(IReadOnlyList<T> items, int size)
    {
        if (size < 1 || size > items.Count) yield break;
        int[] at = [.. Enumerable.Range(0, size)];
        while (true)
        {
            yield return [.. at.Select(i => items[i])];
            int last = size - 1;
            while (last >= 0 && at[last] == items.Count - size + last) last--;
            if (last < 0) yield break;
            at[last]++;
            for (int i = last + 1; i < size; i++) at[i] = at[i - 1] + 1;
        }
    }
}
