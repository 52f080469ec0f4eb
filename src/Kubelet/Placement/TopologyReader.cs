using System.Collections.Immutable;
using System.Globalization;

namespace Hanbae.Kubelet.Placement;

/// <summary>Reads a machine's topology from the kernel's <c>/sys</c>, numbering cores and caches as cAdvisor does for upstream's kubelet.</summary>
static class TopologyReader
{
    /// <param name="memory">Of the whole machine: a kernel without NUMA has it in one node.</param>
    /// <param name="hugePages">The same: bytes by page size in bytes.</param>
    public static Topology Read(long memory, IReadOnlyDictionary<long, long> hugePages, string sys = "/sys")
    {
        string folder = Path.Combine(sys, "devices/system");
        var online = CpuSet.Parse(Text(Path.Combine(folder, "cpu/online")) is { Length: > 0 } text ? text : $"0-{Math.Max(Environment.ProcessorCount, 1) - 1}");
        var nodes = Nodes(Path.Combine(folder, "node"));
        if (nodes.Count == 0) nodes[0] = (online, new(0, memory, hugePages.ToImmutableSortedDictionary(), [10]));
        var seen = new List<(int Id, int Core, int Socket, int Node)>();
        foreach (var (node, (cpus, _)) in nodes)
            foreach (int id in cpus.Intersect(online))
            {
                string topology = Path.Combine(folder, $"cpu/cpu{id}/topology");
                seen.Add((id, Number(Path.Combine(topology, "core_id"), id), Number(Path.Combine(topology, "physical_package_id"), 0), node));
            }
        // The kernel's core numbers repeat in each package, and may in each node.
        var cores = seen.GroupBy(c => (c.Node, c.Socket, c.Core)).SelectMany(g => g.Select(c => (c.Id, Core: g.Min(o => o.Id)))).ToDictionary(c => c.Id, c => c.Core);
        var perNode = seen.GroupBy(c => c.Node).ToDictionary(g => g.Key, g => g.Count());
        return new(seen.Select(c => new Cpu(c.Id, cores[c.Id], c.Socket, c.Node, Uncore(Path.Combine(folder, $"cpu/cpu{c.Id}/cache"), perNode[c.Node]) ?? c.Socket)), nodes.Values.Select(n => n.Node));
    }

    static SortedDictionary<int, (CpuSet Cpus, NumaNode Node)> Nodes(string folder)
    {
        var nodes = new SortedDictionary<int, (CpuSet, NumaNode)>();
        if (!Directory.Exists(folder)) return nodes;
        foreach (string at in Directory.EnumerateDirectories(folder, "node*"))
        {
            if (!int.TryParse(Path.GetFileName(at).AsSpan("node".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int id)) continue;
            var distances = Text(Path.Combine(at, "distance")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(d => int.Parse(d, CultureInfo.InvariantCulture));
            nodes[id] = (CpuSet.Parse(Text(Path.Combine(at, "cpulist"))), new(id, Memory(Path.Combine(at, "meminfo")), HugePages(Path.Combine(at, "hugepages")), [.. distances]));
        }
        return nodes;
    }

    /// <summary>The number of the last-level cache, where not all CPUs of the node share it.</summary>
    static int? Uncore(string folder, int cpusOfNode)
    {
        if (!Directory.Exists(folder)) return null;
        foreach (string cache in Directory.EnumerateDirectories(folder, "index*").Order(StringComparer.Ordinal))
            if (Number(Path.Combine(cache, "level"), 0) > 2 && CpuSet.Parse(Text(Path.Combine(cache, "shared_cpu_list"))).Count != cpusOfNode) return Number(Path.Combine(cache, "id"), 0);
        return null;
    }

    static long Memory(string file)
    {
        // Node 0 MemTotal:       13199572 kB
        string? line = Text(file).Split('\n').FirstOrDefault(l => l.Contains("MemTotal:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
    }

    static ImmutableSortedDictionary<long, long> HugePages(string folder)
    {
        var pages = ImmutableSortedDictionary.CreateBuilder<long, long>();
        if (Directory.Exists(folder))
            foreach (string at in Directory.EnumerateDirectories(folder, "hugepages-*kB"))
            {
                long size = long.Parse(Path.GetFileName(at)["hugepages-".Length..^2], CultureInfo.InvariantCulture) * 1024;
                pages[size] = size * Number(Path.Combine(at, "nr_hugepages"), 0);
            }
        return pages.ToImmutable();
    }

    static int Number(string file, int otherwise) => int.TryParse(Text(file), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : otherwise;

    static string Text(string file)
    {
        try { return File.Exists(file) ? File.ReadAllText(file).Trim() : ""; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return ""; } // CPUs come and go
    }
}
