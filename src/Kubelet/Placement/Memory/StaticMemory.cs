using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Placement.Memory;

/// <summary>On which NUMA nodes the memory of Guaranteed Pods' containers lies (upstream's Static policy, KEP-1769). Values in, values out.</summary>
/// <param name="Reserved">The system's, by node and resource.</param>
sealed record StaticMemory(Topology Machine, ImmutableDictionary<(int Node, string Resource), long> Reserved)
{
    const string Plain = "memory";

    public static bool IsMemory(string resource) => resource == Plain || resource.StartsWith("hugepages-", StringComparison.Ordinal);

    /// <exception cref="PlacementSettingsException">What is reserved on the nodes is not what is reserved of the node.</exception>
    public static StaticMemory Of(KubeletOptions options, Topology machine)
    {
        var reserved = ImmutableDictionary.CreateBuilder<(int, string), long>();
        foreach (var (node, limits) in options.ReservedMemory)
        {
            if (!machine.Nodes.Any(n => n.Id == node)) throw new PlacementSettingsException($"the reserved memory configuration references a NUMA node {node} that does not exist on this machine");
            foreach (var (resource, amount) in limits) reserved[(node, resource)] = reserved.GetValueOrDefault((node, resource)) + amount.Value();
        }
        foreach (string resource in options.SystemReserved.Concat(options.KubeReserved).Select(r => r.Key).Where(IsMemory).Concat(reserved.Keys.Select(k => k.Item2)).Append(Plain).Distinct())
        {
            long wanted = options.SystemReserved[resource].Add(options.KubeReserved[resource]).Value();
            if (resource == Plain && options.Eviction.Find(t => t.Signal == "memory.available" && t.Grace is null) is { } held) wanted += held.Of(machine.Nodes.Sum(n => n.MemoryBytes));
            long given = reserved.Where(r => r.Key.Item2 == resource).Sum(r => r.Value);
            if (given != wanted)
                throw new PlacementSettingsException($"the total amount \"{Text(given)}\" of type \"{resource}\" is not equal to the value \"{Text(wanted)}\" determined by Node Allocatable feature");
        }
        if (reserved.Where(r => r.Key.Item2 == Plain).Sum(r => r.Value) <= 0) throw new PlacementSettingsException("[memorymanager] you should specify the system reserved memory");
        return new(machine, reserved.ToImmutable());

        static string Text(long bytes) => new Quantity(bytes, QuantityFormat.BinarySI).ToString();
    }

    MemoryState Fresh()
    {
        var nodes = ImmutableSortedDictionary.CreateBuilder<int, NodeMemory>();
        foreach (var node in Machine.Nodes)
        {
            var tables = ImmutableSortedDictionary.CreateBuilder<string, MemoryTable>(StringComparer.Ordinal);
            foreach (var (size, bytes) in node.HugePages) Add("hugepages-" + new Quantity(size, QuantityFormat.BinarySI), bytes, 0);
            Add(Plain, node.MemoryBytes, node.HugePages.Values.Sum());
            nodes[node.Id] = new(0, tables.ToImmutable(), [node.Id]);

            void Add(string resource, long total, long other)
            {
                long system = Reserved.GetValueOrDefault((node.Id, resource)), left = total - system - other;
                tables[resource] = new(total, system, left, 0, left);
            }
        }
        return MemoryState.Empty with { Nodes = nodes.ToImmutable() };
    }

    /// <exception cref="PlacementSettingsException">The machine, or what is reserved of it, is not what it was.</exception>
    public MemoryState Start(MemoryState? kept)
    {
        var expected = Fresh();
        if (kept is null || kept.Nodes.IsEmpty)
            return kept is null || kept.Entries.IsEmpty ? expected : throw new PlacementSettingsException("[memorymanager] machine state can not be empty when it has memory assignments");
        foreach (var (uid, pod) in kept.Entries)
            foreach (var (name, blocks) in pod)
                foreach (var block in blocks)
                {
                    foreach (int node in block.Nodes)
                    {
                        if (!expected.Nodes.TryGetValue(node, out var there))
                            throw new PlacementSettingsException($"[memorymanager] (pod: {uid}, container: {name}) the memory assignment uses the NUMA that does not exist");
                        if (!there.Tables.ContainsKey(block.Type)) throw new PlacementSettingsException($"[memorymanager] (pod: {uid}, container: {name}) the memory assignment uses memory resource that does not exist");
                    }
                    expected = expected.Reserve(block, block.Size);
                }
        return Same(kept, expected) ? kept : throw new PlacementSettingsException("[memorymanager] the expected machine state is different from the real one");
    }

    /// <summary>Who lies on which node of a group may differ: the group's sums may not.</summary>
    static bool Same(MemoryState a, MemoryState b) =>
        a.Nodes.Count == b.Nodes.Count && a.Nodes.All(n => b.Nodes.TryGetValue(n.Key, out var other) && n.Value.Assignments == other.Assignments
            && n.Value.Group.Order().SequenceEqual(other.Group.Order()) && n.Value.Tables.Count == other.Tables.Count
            && n.Value.Tables.All(t => other.Tables.TryGetValue(t.Key, out var o) && (t.Value.Total, t.Value.SystemReserved, t.Value.Allocatable) == (o.Total, o.SystemReserved, o.Allocatable)
                && n.Value.Group.Sum(g => a.Nodes[g].Tables[t.Key].Free) == n.Value.Group.Sum(g => b.Nodes[g].Tables[t.Key].Free)
                && n.Value.Group.Sum(g => a.Nodes[g].Tables[t.Key].Reserved) == n.Value.Group.Sum(g => b.Nodes[g].Tables[t.Key].Reserved)));

    /// <summary>Whether memory is placed for the Pod at all.</summary>
    public static bool Concerns(Pod pod) => PodQos.Of(pod.Spec) == "Guaranteed" && !(pod.Spec.Resources is { } whole && (!whole.Requests.IsEmpty || !whole.Limits.IsEmpty));

    static SortedDictionary<string, long> Wanted(Container container)
    {
        var wanted = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (resource, amount) in container.Resources.Limits.With(container.Resources.Requests)) if (IsMemory(resource)) wanted[resource] = amount.Value();
        return wanted;
    }

    static SortedDictionary<string, long> Wanted(Pod pod)
    {
        SortedDictionary<string, long> init = new(StringComparer.Ordinal), sidecars = new(StringComparer.Ordinal), apps = new(StringComparer.Ordinal);
        foreach (var container in pod.Spec.InitContainers)
            foreach (var (resource, size) in Wanted(container))
                if (container.IsSidecar()) sidecars[resource] = sidecars.GetValueOrDefault(resource) + size;
                else init[resource] = Math.Max(init.GetValueOrDefault(resource), sidecars.GetValueOrDefault(resource) + size);
        foreach (var container in pod.Spec.Containers)
            foreach (var (resource, size) in Wanted(container)) apps[resource] = apps.GetValueOrDefault(resource) + size;
        foreach (string resource in apps.Keys.ToArray()) apps[resource] = Math.Max(apps[resource] + sidecars.GetValueOrDefault(resource), init.GetValueOrDefault(resource));
        return apps;
    }

    /// <summary>What plain init containers of the Pod had on exactly these nodes, and no container after them has taken over.</summary>
    static long Reusable(MemoryState state, Pod pod, NumaMask mask, string resource) => pod.Spec.InitContainers.Where(i => !i.IsSidecar())
        .SelectMany(i => state.Find(pod.Metadata.Uid, i.Name) is { } blocks ? blocks : []).Where(b => b.Type == resource && b.Mask == mask).Sum(b => b.Size);

    public IReadOnlyList<ResourceHints> Hints(MemoryState state, Pod pod, Container container)
    {
        if (!Concerns(pod)) return [];
        var wanted = Wanted(container);
        return state.Find(pod.Metadata.Uid, container.Name) is { } blocks ? Again(blocks, wanted) : Of(wanted, Choices(state, pod, wanted));
    }

    public IReadOnlyList<ResourceHints> Hints(MemoryState state, Pod pod)
    {
        if (!Concerns(pod)) return [];
        var wanted = Wanted(pod);
        foreach (var container in pod.Spec.InitContainers.Concat(pod.Spec.Containers))
            if (state.Find(pod.Metadata.Uid, container.Name) is { } blocks) return Again(blocks, wanted);
        return Of(wanted, Choices(state, pod, wanted));
    }

    static IReadOnlyList<ResourceHints> Of(SortedDictionary<string, long> wanted, ImmutableArray<TopologyHint> choices) => choices.IsEmpty ? [] : [.. wanted.Keys.Select(r => new ResourceHints(r, choices))];

    static IReadOnlyList<ResourceHints> Again(ImmutableArray<MemoryBlock> blocks, SortedDictionary<string, long> wanted) =>
        blocks.Length != wanted.Count || blocks.Any(b => !wanted.TryGetValue(b.Type, out long size) || size != b.Size) ? []
            : [.. blocks.Select(b => new ResourceHints(b.Type, [new TopologyHint(b.Mask, true)]))];

    /// <summary>Nodes that have all that is wanted; those as few as the machine needs for it are preferred.</summary>
    ImmutableArray<TopologyHint> Choices(MemoryState state, Pod pod, SortedDictionary<string, long> wanted)
    {
        int fewest = state.Nodes.Count;
        List<NumaMask> able = [];
        foreach (var mask in NumaMask.Choices([.. state.Nodes.Keys]))
        {
            if (wanted.Any(w => Sum(mask, w.Key, t => t.Allocatable) < w.Value)) continue;
            fewest = Math.Min(fewest, mask.Count);
            if (Mixes(state, mask) || mask.Count == 1 && state.Nodes[mask.Nodes.First()].Group.Length > 1) continue;
            if (wanted.All(w => Sum(mask, w.Key, t => t.Free) + Reusable(state, pod, mask, w.Key) >= w.Value)) able.Add(mask);
        }
        return [.. able.Select(mask => new TopologyHint(mask, mask.Count == fewest))];

        long Sum(NumaMask mask, string resource, Func<MemoryTable, long> of) => mask.Nodes.Sum(n => state.Nodes[n].Tables.TryGetValue(resource, out var table) ? of(table) : 0);
    }

    /// <summary>Several nodes of which one is used already, alone or with others than these.</summary>
    static bool Mixes(MemoryState state, NumaMask mask) =>
        mask.Count > 1 && mask.Nodes.Any(n => state.Nodes[n] is { Assignments: > 0 } used && (used.Group.Length == 1 || NumaMask.Of(used.Group) != mask));

    /// <exception cref="InvalidOperationException">In upstream's words.</exception>
    public MemoryState Allocate(MemoryState state, Pod pod, Container container, TopologyHint hint)
    {
        var wanted = Wanted(container);
        if (!Concerns(pod) || state.Find(pod.Metadata.Uid, container.Name) is not null) return state;
        TopologyHint best = hint;
        if (hint.Nodes is null)
        {
            var choices = Choices(state, pod, wanted);
            if (choices.IsEmpty) throw new InvalidOperationException("[memorymanager] failed to get the default NUMA affinity, no NUMA nodes with enough memory is available");
            best = Best(choices);
            if (!best.Preferred && hint.Preferred) throw new InvalidOperationException("[memorymanager] failed to find the default preferred hint");
        }
        // What is common to all resources may be too narrow for memory alone.
        if (wanted.Any(w => best.Nodes!.Value.Nodes.Sum(n => state.Nodes[n].Tables.TryGetValue(w.Key, out var t) ? t.Free : 0) < w.Value))
        {
            var wider = Choices(state, pod, wanted).Where(h => (h.Nodes!.Value & best.Nodes!.Value) == best.Nodes).ToArray();
            if (wider.Length == 0) throw new InvalidOperationException("[memorymanager] failed to find NUMA nodes to extend the current topology hint");
            var found = Best(wider);
            if (!found.Preferred && best.Preferred) throw new InvalidOperationException("[memorymanager] failed to find the extended preferred hint");
            best = found;
        }
        var mask = best.Nodes!.Value;
        if (Mixes(state, mask)) throw new InvalidOperationException("[memorymanager] preferred hint violates NUMA node allocation");

        var blocks = wanted.Select(w => new MemoryBlock([.. mask.Nodes], w.Key, w.Value)).ToImmutableArray();
        foreach (var block in blocks) state = state.Reserve(block, Math.Max(0, block.Size - Reusable(state, pod, mask, block.Type)));
        return TakeOver(state, pod, container, blocks).Put(pod.Metadata.Uid, container.Name, blocks);
    }

    /// <summary>What the container has of init containers before it, they have no more: the sum over the Pod is what it takes of the machine.</summary>
    static MemoryState TakeOver(MemoryState state, Pod pod, Container container, ImmutableArray<MemoryBlock> blocks)
    {
        foreach (var block in blocks)
        {
            long left = block.Size;
            foreach (var init in pod.Spec.InitContainers)
            {
                if (init.Name == container.Name || left == 0) break;
                if (init.IsSidecar() || state.Find(pod.Metadata.Uid, init.Name) is not { } had) continue;
                state = state.Put(pod.Metadata.Uid, init.Name, [.. had.Select(h =>
                {
                    if (h.Type != block.Type || h.Mask != block.Mask) return h;
                    long part = Math.Min(left, h.Size);
                    left -= part;
                    return h with { Size = h.Size - part };
                })]);
            }
        }
        return state;
    }

    static TopologyHint Best(IEnumerable<TopologyHint> hints)
    {
        TopologyHint? best = null;
        foreach (var hint in hints)
            if (best is not { } now || hint.Preferred && !now.Preferred || hint.Preferred == now.Preferred && hint.Nodes!.Value.IsNarrowerThan(now.Nodes!.Value)) best = hint;
        return best!.Value;
    }

    public IEnumerable<MemoryBlock> Allocatable(MemoryState state) =>
        from node in state.Nodes from table in node.Value.Tables where table.Value.Allocatable > 0 select new MemoryBlock([node.Key], table.Key, table.Value.Allocatable);
}
