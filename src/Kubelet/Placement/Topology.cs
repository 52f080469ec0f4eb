using System.Collections.Immutable;

namespace Hanbae.Kubelet.Placement;

/// <summary>A logical CPU and where it lies.</summary>
/// <param name="Core">The lowest CPU of its core, which names a core for the whole machine.</param>
/// <param name="Uncore">The last-level cache that it shares with a part of its node; its socket where there is no such part.</param>
sealed record Cpu(int Id, int Core, int Socket, int Node, int Uncore);

/// <summary>A NUMA node: memory, and how far it is to the others.</summary>
/// <param name="HugePages">Bytes by page size in bytes.</param>
/// <param name="Distances">As the firmware tells them, in the order of the nodes.</param>
sealed record NumaNode(int Id, long MemoryBytes, ImmutableSortedDictionary<long, long> HugePages, ImmutableArray<int> Distances);

/// <summary>How a machine's CPUs and memory lie to each other: all that placement decides by.</summary>
sealed class Topology
{
    readonly ImmutableDictionary<int, Cpu> _byId;

    public Topology(IEnumerable<Cpu> cpus, IEnumerable<NumaNode> nodes)
    {
        Cpus = [.. cpus.OrderBy(c => c.Id)];
        Nodes = [.. nodes.OrderBy(n => n.Id)];
        _byId = Cpus.ToImmutableDictionary(c => c.Id);
        All = CpuSet.Of(Cpus.Select(c => c.Id));
        Cores = Kinds(c => c.Core);
        Sockets = Kinds(c => c.Socket);
        CpuNodes = [.. Cpus.Select(c => c.Node).Distinct().Order()];
        Uncores = Kinds(c => c.Uncore);
    }

    public ImmutableArray<Cpu> Cpus { get; }
    public ImmutableArray<NumaNode> Nodes { get; }
    public CpuSet All { get; }
    public int Cores { get; }
    public int Sockets { get; }
    public int Uncores { get; }
    /// <summary>The nodes that have CPUs.</summary>
    public ImmutableArray<int> CpuNodes { get; }

    public Cpu this[int id] => _byId[id];

    public int CpusPerCore => Cores == 0 ? 0 : Cpus.Length / Cores;
    public int CpusPerSocket => Sockets == 0 ? 0 : Cpus.Length / Sockets;
    public int CpusPerUncore => Uncores == 0 ? 0 : Cpus.Length / Uncores;

    public NumaMask AllNodes => NumaMask.Of(Nodes.Select(n => n.Id));

    public CpuSet In(NumaMask nodes) => CpuSet.Of(Cpus.Where(c => nodes.Has(c.Node)).Select(c => c.Id));

    /// <summary>With every other thread of their cores.</summary>
    public CpuSet WholeCores(CpuSet cpus)
    {
        var cores = cpus.Select(id => _byId[id].Core).ToHashSet();
        return CpuSet.Of(Cpus.Where(c => cores.Contains(c.Core)).Select(c => c.Id));
    }

    int Kinds(Func<Cpu, int> of) => Cpus.Select(of).Distinct().Count();
}
