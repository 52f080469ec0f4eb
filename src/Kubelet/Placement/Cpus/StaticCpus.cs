using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Placement.Cpus;

/// <summary>Which containers get CPUs for themselves, and which: those of Guaranteed Pods that ask for whole CPUs (upstream's static policy). Values in, values out.</summary>
/// <param name="Reserved">Never given away.</param>
sealed record StaticCpus(Topology Machine, CpuPolicyOptions Options, CpuSet Reserved)
{
    /// <exception cref="PlacementSettingsException"/>
    public static StaticCpus Of(KubeletOptions settings, Topology machine, CpuPolicyOptions options)
    {
        var bare = new StaticCpus(machine, options, CpuSet.Empty);
        if (settings.ReservedSystemCpus.Length > 0)
        {
            CpuSet given;
            try { given = CpuSet.Parse(settings.ReservedSystemCpus); }
            catch (FormatException e) { throw new PlacementSettingsException($"unable to parse --reserved-cpus, error: {e.Message}"); }
            if (!given.IsSubsetOf(machine.All)) throw new PlacementSettingsException($"unable to reserve CPUs \"{given}\": this machine has \"{machine.All}\"");
            return bare with { Reserved = given };
        }
        long milli = settings.SystemReserved["cpu"].Add(settings.KubeReserved["cpu"]).MilliValue();
        if (milli == 0) throw new PlacementSettingsException("the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero");
        int count = (int)((milli + 999) / 1000); // nobody can have a part of a CPU for himself
        if (count > machine.All.Count) throw new PlacementSettingsException($"[cpumanager] unable to reserve the required amount of CPUs (size of {CpuSet.Empty} did not equal {count})");
        return bare with { Reserved = bare.Take(machine.All, count) };
    }

    CpuSet Assignable => Options.StrictReservation ? Machine.All.Except(Reserved) : Machine.All;

    public CpuSet Allocatable => Machine.All.Except(Reserved);

    public CpuSet Available(CpuState state) => state.Shared.Except(Reserved);

    /// <summary>The state to go on from; a fresh one when there was none.</summary>
    /// <exception cref="PlacementSettingsException">The machine, or what is reserved of it, is not what it was.</exception>
    public CpuState Start(CpuState? kept)
    {
        if (kept is null || kept.Shared.IsEmpty)
            return kept is null || kept.Entries.IsEmpty ? CpuState.Empty with { Shared = Assignable } : throw new PlacementSettingsException("default cpuset cannot be empty");
        var both = Reserved.Intersect(kept.Shared);
        if (Options.StrictReservation && !both.IsEmpty) throw new PlacementSettingsException($"some of strictly reserved cpus: \"{both}\" are present in defaultCpuSet: \"{kept.Shared}\"");
        if (!Options.StrictReservation && !both.Equals(Reserved)) throw new PlacementSettingsException($"not all reserved cpus: \"{Reserved}\" are present in defaultCpuSet: \"{kept.Shared}\"");
        foreach (var (uid, pod) in kept.Entries)
            foreach (var (name, cpus) in pod)
                if (!cpus.Intersect(kept.Shared).IsEmpty) throw new PlacementSettingsException($"pod: {uid}, container: {name} cpuset: \"{cpus}\" overlaps with default cpuset \"{kept.Shared}\"");
        var known = kept.Shared.Union(kept.Exclusive);
        return known.Equals(Assignable) ? kept : throw new PlacementSettingsException($"current set of available CPUs \"{Assignable}\" doesn't match with CPUs in state \"{known}\"");
    }

    /// <summary>How many CPUs the container is to have for itself.</summary>
    public static int Wanted(Pod pod, Container container)
    {
        if (pod.Spec.Resources is { } whole && (!whole.Requests.IsEmpty || !whole.Limits.IsEmpty) || PodQos.Of(pod.Spec) != "Guaranteed") return 0; // those of Pods as a whole are not given CPUs, as upstream
        long milli = (container.Resources.Requests.TryGet("cpu", out var asked) ? asked : container.Resources.Limits["cpu"]).MilliValue();
        return milli % 1000 == 0 ? (int)(milli / 1000) : 0;
    }

    static int Wanted(Pod pod)
    {
        int sidecars = 0, most = 0, apps = pod.Spec.Containers.Sum(c => Wanted(pod, c));
        foreach (var init in pod.Spec.InitContainers)
            if (init.IsSidecar()) sidecars += Wanted(pod, init);
            else most = Math.Max(most, sidecars + Wanted(pod, init));
        return Math.Max(most, apps + sidecars);
    }

    /// <summary>What plain init containers had, and no container after them has taken over.</summary>
    static CpuSet Reusable(CpuState state, Pod pod, string until)
    {
        var reusable = CpuSet.Empty;
        foreach (var container in pod.Spec.InitContainers.Concat(pod.Spec.Containers))
        {
            if (container.Name == until) break;
            if (state.Find(pod.Metadata.Uid, container.Name) is not { } has) continue;
            bool over = pod.Spec.InitContainers.Exists(i => i.Name == container.Name) && !container.IsSidecar();
            reusable = over ? reusable.Union(has) : reusable.Except(has);
        }
        return reusable;
    }

    /// <exception cref="PlacementException"/>
    /// <exception cref="NotEnoughCpusException"/>
    public CpuState Allocate(CpuState state, Pod pod, Container container, TopologyHint hint)
    {
        int wanted = Wanted(pod, container);
        if (wanted == 0 || state.Find(pod.Metadata.Uid, container.Name) is not null) return state;
        var reusable = Reusable(state, pod, container.Name);
        if (Options.FullCores)
        {
            int perCore = Machine.CpusPerCore;
            if (wanted % perCore != 0) throw new PlacementException("SMTAlignmentError", $"SMT Alignment Error: requested {wanted} cpus not multiple cpus per core = {perCore}");
            // A core of which a thread is reserved is no whole one.
            int whole = state.Shared.Except(Machine.WholeCores(Reserved)).Union(reusable).Count;
            if (wanted > whole)
                throw new PlacementException("SMTAlignmentError", $"SMT Alignment Error: not enough free physical CPUs: available physical CPUs = {whole}, requested CPUs = {wanted}, CPUs per core = {perCore}");
        }
        var free = Available(state).Union(reusable);
        var chosen = CpuSet.Empty;
        if (hint.Nodes is { } nodes)
        {
            var aligned = free.Intersect(Near(nodes));
            chosen = Take(aligned, Math.Min(wanted, aligned.Count));
        }
        return state.Give(pod.Metadata.Uid, container.Name, chosen.Union(Take(free.Except(chosen), wanted - chosen.Count)));
    }

    CpuSet Near(NumaMask nodes)
    {
        if (!Options.AlignBySocket) return Machine.In(nodes);
        var sockets = SocketsOf(nodes);
        return CpuSet.Of(Machine.Cpus.Where(c => sockets.Contains(c.Socket)).Select(c => c.Id));
    }

    HashSet<int> SocketsOf(NumaMask nodes) => [.. Machine.Cpus.Where(c => nodes.Has(c.Node)).Select(c => c.Socket)];

    CpuSet Take(CpuSet from, int count) => Options.AcrossNodes
        ? CpuSpread.Take(Machine, from, count, Options.FullCores ? Machine.CpusPerCore : 1, Options.AcrossCores)
        : CpuTake.Packed(Machine, from, count, Options.AcrossCores, Options.AlignByUncore);

    public IReadOnlyList<ResourceHints> Hints(CpuState state, Pod pod, Container container)
    {
        int wanted = Wanted(pod, container);
        if (wanted == 0) return [];
        if (state.Find(pod.Metadata.Uid, container.Name) is { } has) return [new("cpu", has.Count == wanted ? Hints(has, CpuSet.Empty, wanted) : [])];
        return [new("cpu", Hints(Available(state), Reusable(state, pod, container.Name), wanted))];
    }

    public IReadOnlyList<ResourceHints> Hints(CpuState state, Pod pod)
    {
        int wanted = Wanted(pod);
        if (wanted == 0) return [];
        var has = CpuSet.Empty;
        foreach (var container in pod.Spec.InitContainers.Concat(pod.Spec.Containers))
            if (state.Find(pod.Metadata.Uid, container.Name) is { } own)
            {
                if (own.Count != Wanted(pod, container)) return [new("cpu", [])];
                has = has.Union(own);
            }
        return [new("cpu", has.Count == wanted ? Hints(has, CpuSet.Empty, wanted) : Hints(Available(state), Reusable(state, pod, "").Union(has), wanted))];
    }

    ImmutableArray<TopologyHint> Hints(CpuSet available, CpuSet reusable, int wanted)
    {
        int fewest = Machine.CpuNodes.Length;
        List<NumaMask> able = [];
        foreach (var mask in NumaMask.Choices(Machine.CpuNodes))
        {
            if (mask.Count < fewest && Machine.In(mask).Count >= wanted) fewest = mask.Count;
            var near = Machine.In(mask);
            if (reusable.IsSubsetOf(near) && reusable.Count + available.Intersect(near).Count >= wanted) able.Add(mask);
        }
        return [.. able.Select(mask => new TopologyHint(mask, mask.Count == fewest || Options.AlignBySocket && OnFewestSockets(mask, fewest)))];
    }

    bool OnFewestSockets(NumaMask nodes, int fewest)
    {
        int perSocket = Machine.CpuNodes.Length / Machine.Sockets;
        return perSocket > 0 && SocketsOf(nodes).Count == (fewest + perSocket - 1) / perSocket;
    }
}
