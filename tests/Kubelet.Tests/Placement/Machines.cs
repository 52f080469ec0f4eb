using System.Collections.Immutable;
using Hanbae.Kubelet.Placement;

namespace Hanbae.Kubelet.Tests.Placement;

/// <summary>Machines as they are sold, by how their CPUs are numbered.</summary>
static class Machines
{
    /// <summary>CPU n is thread n / cores of core n % cores: 0-3 are the first threads, 4-7 the second.</summary>
    public static Topology OneSocket => Of(8, c => c % 4, _ => 0, _ => 0);

    /// <summary>Neighbours lie on different sockets, as some firmware numbers them.</summary>
    public static Topology TwoSocketsAlternating => Of(12, c => c % 6, core => core % 2, core => core % 2);

    public static Topology TwoSocketsWithoutThreads => Of(8, c => c, core => core / 4, core => core / 4);

    /// <summary>80 CPUs: two sockets of two nodes of ten cores of two threads.</summary>
    public static Topology FourNodes => Of(80, c => c % 40, core => core / 20, core => core / 10);

    /// <summary>The same with a last-level cache for each five cores.</summary>
    public static Topology FourNodesOfTwoCaches => Of(80, c => c % 40, core => core / 20, core => core / 10, core => core / 5);

    /// <summary>16 CPUs without threads on one node, four to a cache.</summary>
    public static Topology FourCaches => Of(16, c => c, _ => 0, _ => 0, core => core / 4);

    public static Topology Of(int cpus, Func<int, int> core, Func<int, int> socket, Func<int, int> node, Func<int, int>? uncore = null, long memory = 0)
    {
        var all = Enumerable.Range(0, cpus).Select(c => new Cpu(c, core(c), socket(core(c)), node(core(c)), uncore?.Invoke(core(c)) ?? socket(core(c)))).ToArray();
        return new(all, Nodes(all.Select(c => c.Node).Distinct().Count(), memory));
    }

    public static IEnumerable<NumaNode> Nodes(int count, long memory, params (long Size, long Bytes)[] pages) => Enumerable.Range(0, count)
        .Select(n => new NumaNode(n, memory, pages.ToImmutableSortedDictionary(p => p.Size, p => p.Bytes), [.. Enumerable.Range(0, count).Select(o => o == n ? 10 : 10 + 10 * Math.Abs(o - n))]));
}
