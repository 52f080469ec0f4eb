using System.Collections.Immutable;

namespace Hanbae.Kubelet.Placement.Cpus;

/// <summary>Which containers have which CPUs for themselves, and what is left for all others.</summary>
sealed record CpuState(CpuSet Shared, ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, CpuSet>> Entries)
{
    public static CpuState Empty { get; } = new(CpuSet.Empty, ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, CpuSet>>(StringComparer.Ordinal));

    public CpuSet? Find(string podUid, string container) => Entries.TryGetValue(podUid, out var pod) && pod.TryGetValue(container, out var cpus) ? cpus : null;

    public CpuSet Of(string podUid) => Entries.TryGetValue(podUid, out var pod) ? pod.Values.Aggregate(CpuSet.Empty, (all, cpus) => all.Union(cpus)) : CpuSet.Empty;

    public CpuSet Exclusive => Entries.Keys.Aggregate(CpuSet.Empty, (all, uid) => all.Union(Of(uid)));

    public CpuState Give(string podUid, string container, CpuSet cpus)
    {
        var pod = Entries.GetValueOrDefault(podUid) ?? ImmutableSortedDictionary.Create<string, CpuSet>(StringComparer.Ordinal);
        return new(Shared.Except(cpus), Entries.SetItem(podUid, pod.SetItem(container, cpus)));
    }

    public CpuState Release(string podUid) => Entries.ContainsKey(podUid) ? new(Shared.Union(Of(podUid)), Entries.Remove(podUid)) : this;
}
