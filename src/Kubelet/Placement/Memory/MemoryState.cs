using System.Collections.Immutable;

namespace Hanbae.Kubelet.Placement.Memory;

/// <summary>One kind of memory of one NUMA node, in bytes.</summary>
sealed record MemoryTable(long Total, long SystemReserved, long Allocatable, long Reserved, long Free);

/// <summary>A NUMA node's memory.</summary>
/// <param name="Assignments">How many blocks lie on it.</param>
/// <param name="Tables">By resource: <c>memory</c>, <c>hugepages-2Mi</c>.</param>
/// <param name="Group">The nodes over which blocks on this one lie: a node is used alone, or always with the same others.</param>
sealed record NodeMemory(int Assignments, ImmutableSortedDictionary<string, MemoryTable> Tables, ImmutableArray<int> Group);

/// <summary>Memory that a container has.</summary>
sealed record MemoryBlock(ImmutableArray<int> Nodes, string Type, long Size)
{
    public NumaMask Mask => NumaMask.Of(Nodes);
}

/// <summary>Which containers have memory of which NUMA nodes, and what is left.</summary>
sealed record MemoryState(ImmutableSortedDictionary<int, NodeMemory> Nodes, ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ImmutableArray<MemoryBlock>>> Entries)
{
    public static MemoryState Empty { get; } = new(
        ImmutableSortedDictionary<int, NodeMemory>.Empty, ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, ImmutableArray<MemoryBlock>>>(StringComparer.Ordinal));

    /// <summary>Null when the container has none.</summary>
    public ImmutableArray<MemoryBlock>? Find(string podUid, string container) => Entries.TryGetValue(podUid, out var pod) && pod.TryGetValue(container, out var blocks) ? blocks : null;

    public MemoryState Put(string podUid, string container, ImmutableArray<MemoryBlock> blocks)
    {
        var pod = Entries.GetValueOrDefault(podUid) ?? ImmutableSortedDictionary.Create<string, ImmutableArray<MemoryBlock>>(StringComparer.Ordinal);
        return this with { Entries = Entries.SetItem(podUid, pod.SetItem(container, blocks)) };
    }

    /// <summary>Takes so much off these nodes, the lower numbered ones first.</summary>
    public MemoryState Reserve(MemoryBlock block, long size)
    {
        var nodes = Nodes;
        foreach (int id in block.Nodes)
        {
            var node = nodes[id] with { Assignments = nodes[id].Assignments + 1, Group = block.Nodes };
            if (node.Tables.TryGetValue(block.Type, out var table) && Math.Min(size, table.Free) is > 0 and var part)
            {
                node = node with { Tables = node.Tables.SetItem(block.Type, table with { Reserved = table.Reserved + part, Free = table.Free - part }) };
                size -= part;
            }
            nodes = nodes.SetItem(id, node);
        }
        return this with { Nodes = nodes };
    }

    public MemoryState Release(string podUid)
    {
        if (!Entries.TryGetValue(podUid, out var pod)) return this;
        var nodes = Nodes;
        foreach (var block in pod.Values.SelectMany(b => b))
        {
            long size = block.Size;
            foreach (int id in block.Nodes)
            {
                var node = nodes[id] with { Assignments = nodes[id].Assignments - 1 };
                if (node.Assignments == 0) node = node with { Group = [id] };
                if (node.Tables.TryGetValue(block.Type, out var table) && Math.Min(size, table.Reserved) is > 0 and var part)
                {
                    node = node with { Tables = node.Tables.SetItem(block.Type, table with { Reserved = table.Reserved - part, Free = table.Free + part }) };
                    size -= part;
                }
                nodes = nodes.SetItem(id, node);
            }
        }
        return new(nodes, Entries.Remove(podUid));
    }
}
