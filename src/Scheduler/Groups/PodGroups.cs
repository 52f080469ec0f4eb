using Hanbae.Api;
using Hanbae.Api.Scheduling.V1alpha2;

namespace Hanbae.Scheduler.Groups;

/// <summary>The PodGroups that there are, and who belongs to them: Pods that wait, and Pods that have a node (KEP-4671).</summary>
/// <remarks>Guarded by the scheduler's lock. Bounded by the groups and their Pods.</remarks>
internal sealed class PodGroups(Snapshot snapshot)
{
    readonly Dictionary<Key, PodGroup> _groups = [];
    readonly Dictionary<Key, Dictionary<string, Key>> _members = [];

    /// <summary>The server has such objects: where it has not, Pods that name one are Pods like others.</summary>
    public bool AreServed { get; set; }

    /// <summary>The group by which a Pod is scheduled; null when it is on its own.</summary>
    public Key? Of(PodInfo pod) => AreServed ? pod.Group : null;

    public PodGroup? Find(Key group) => _groups.GetValueOrDefault(group);
    public void Set(PodGroup group) => _groups[Key.Of(group)] = group;
    public void Remove(PodGroup group) => _groups.Remove(Key.Of(group));

    /// <returns>Whether it is a new member.</returns>
    public bool Join(PodInfo pod)
    {
        if (pod.Group is not { } group) return false;
        if (!_members.TryGetValue(group, out var members)) _members[group] = members = [];
        return members.TryAdd(pod.Uid, pod.Key);
    }

    public void Leave(Api.Core.V1.Pod pod)
    {
        if (PodInfo.GroupOf(pod) is not { } group || !_members.TryGetValue(group, out var members)) return;
        members.Remove(pod.Metadata.Uid);
        if (members.Count == 0) _members.Remove(group);
    }

    /// <summary>Pods of the group, with a node or without.</summary>
    public int Count(Key group) => _members.TryGetValue(group, out var members) ? members.Count : 0;

    /// <summary>Of these: those that have a node, or are assumed to.</summary>
    public int Placed(Key group)
    {
        int placed = 0;
        foreach (var (uid, _) in _members.GetValueOrDefault(group) ?? []) if (snapshot.PlaceOf(uid).Length > 0) placed++;
        return placed;
    }

    public IEnumerable<Key> Members(Key group) => _members.TryGetValue(group, out var members) ? members.Values : [];
}
