using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Volumes;
using Hanbae.Client;
using Hanbae.Scheduler.Configuration;
using Hanbae.Scheduler.Volumes;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Leaves a Pod the nodes that reach its volumes, and finds volumes for claims that waited for the Pod.</summary>
internal sealed class VolumeBinding(VolumeBindingArgs args) : IPreFilter, IFilter, IReserve, IPreBind
{
    const string OutOfReach = "node(s) didn't match PersistentVolume's node affinity", NoneFound = "node(s) didn't find available persistent volumes to bind",
        NoRoom = "node(s) did not have enough free storage", Gone = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

    readonly List<PersistentVolumeClaim> _bound = [], _open = [];
    /// <summary>Of Pods between decision and binding, which happens beside the loop.</summary>
    readonly ConcurrentDictionary<string, VolumePlan> _plans = [];
    StorageState _storage = new();

    public string Name => "VolumeBinding";
    public Change Cures => Change.Claim | Change.Volume | Change.StorageClass | Change.StorageCapacity | Change.CsiDriver | Change.CsiNode | Change.NodeAdded | Change.NodeLabels;
    public bool MayCure(PodInfo pod, in ClusterChange change) => (change.Old, change.New) switch
    {
        (_, PersistentVolumeClaim claim) => pod.Claims.Any(c => c.Claim == Key.Of(claim)),
        (StorageClass before, var now) => now is StorageClass other && other.AllowedTopologies != before.AllowedTopologies,
        (CSIStorageCapacity before, CSIStorageCapacity now) => Largest(now) > Largest(before),
        // Whose room is not asked about any more has enough.
        (CSIDriver before, CSIDriver now) => before.Spec.StorageCapacity == true && now.Spec.StorageCapacity != true,
        _ => true,
    };

    static long Largest(CSIStorageCapacity capacity) => (capacity.MaximumVolumeSize ?? capacity.Capacity)?.Value() ?? 0;

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _bound.Clear();
        _open.Clear();
        _storage = snapshot.Storage;
        if (pod.Claims.IsEmpty) return Prefiltered.Nothing;
        foreach (var use in pod.Claims)
        {
            if (Unusable(pod, use, _storage, out var claim) is { } why) return new(Verdict.Refuse(why, hopeless: true));
            if (StorageState.Bound(claim!)) _bound.Add(claim!);
            else if (_storage.Delayed(claim!)) _open.Add(claim!);
            else return new(Verdict.Refuse("pod has unbound immediate PersistentVolumeClaims", hopeless: true));
        }
        // Small claims first, so that they do not take the large volumes.
        _open.Sort((a, b) => Size(a).CompareTo(Size(b)));
        return Prefiltered.Go;
    }

    static long Size(PersistentVolumeClaim claim) => claim.Spec.Resources.Requests.TryGet("storage", out var size) ? size.Value() : 0;

    /// <summary>Why a claim cannot be used by a Pod whatever the node.</summary>
    internal static string? Unusable(PodInfo pod, ClaimUse use, StorageState storage, out PersistentVolumeClaim? claim)
    {
        if (!storage.Claims.TryGetValue(use.Claim, out claim))
            return use.Ephemeral ? $"waiting for ephemeral volume controller to create the persistentvolumeclaim \"{use.Claim.Name}\"" : $"persistentvolumeclaim \"{use.Claim.Name}\" not found";
        if (claim.Status.Phase == "Lost") return $"persistentvolumeclaim \"{use.Claim.Name}\" bound to non-existent persistentvolume \"{claim.Spec.VolumeName}\"";
        if (claim.Metadata.DeletionTimestamp is not null) return $"persistentvolumeclaim \"{use.Claim.Name}\" is being deleted";
        if (use.Ephemeral && !claim.Metadata.OwnerReferences.Exists(o => o.Controller == true && o.Uid == pod.Uid))
            return $"PVC {use.Claim} was not created for pod {pod.Key} (pod is not owner)";
        return null;
    }

    public Verdict Filter(PodInfo pod, NodeInfo node) => Plan(node, out string? refusal) is null ? Verdict.Refuse(refusal!, hopeless: true) : Verdict.Fits;

    VolumePlan? Plan(NodeInfo node, out string? refusal)
    {
        refusal = null;
        bool reaches = true, exists = true, found = true, room = true;
        foreach (var claim in _bound)
            if (!_storage.Volumes.TryGetValue(claim.Spec.VolumeName, out var volume)) exists = false;
            else reaches &= _storage.Reaches(volume, node.Node!);
        var plan = new VolumePlan([], []);
        List<PersistentVolume>? taken = null;
        foreach (var claim in _open)
        {
            string? chosen = _storage.PromisedNodes.GetValueOrDefault(Key.Of(claim)) ?? (claim.Metadata.Annotations.TryGet(VolumeNotes.SelectedNode, out string? named) ? named : null);
            if (chosen is not null && chosen != node.Name) { found = false; break; }
            if (chosen is null && _storage.Match(claim, node.Node!, taken ??= []) is { } volume)
            {
                taken.Add(volume);
                plan.Bind.Add((claim, volume));
                continue;
            }
            if (!_storage.Provisions(claim, node.Node!, out bool enough)) { found = false; break; }
            room &= enough;
            plan.Provision.Add(claim);
        }
        if (reaches && exists && found && room) return plan;
        if (!reaches) Add(OutOfReach, ref refusal);
        if (!found) Add(NoneFound, ref refusal);
        if (!room) Add(NoRoom, ref refusal);
        if (!exists) Add(Gone, ref refusal);
        return null;

        static void Add(string reason, ref string? all) => all = all is null ? reason : all + "\n" + reason;
    }

    public string? Reserve(PodInfo pod, NodeInfo node, Snapshot snapshot)
    {
        if (pod.Claims.IsEmpty) return null;
        if (PreFilter(pod, snapshot).Refusal is { Ok: false } refused) return refused.Reason;
        if (Plan(node, out string? refusal) is not { } plan) return refusal;
        if (plan.IsEmpty) return null;
        foreach (var (claim, volume) in plan.Bind) _storage.PromisedVolumes[volume.Metadata.Name] = Key.Of(claim);
        foreach (var claim in plan.Provision) _storage.PromisedNodes[Key.Of(claim)] = node.Name;
        _plans[pod.Uid] = plan;
        return null;
    }

    public void Unreserve(PodInfo pod, Snapshot snapshot)
    {
        if (!_plans.TryRemove(pod.Uid, out var plan)) return;
        foreach (var (_, volume) in plan.Bind) snapshot.Storage.PromisedVolumes.Remove(volume.Metadata.Name);
        foreach (var claim in plan.Provision) snapshot.Storage.PromisedNodes.Remove(Key.Of(claim));
    }

    public bool Concerns(PodInfo pod) => _plans.ContainsKey(pod.Uid);

    public Task<string?> PreBindAsync(PodInfo pod, string node, IClusterAccess cluster, CancellationToken ct) =>
        _plans.TryGetValue(pod.Uid, out var plan) ? new ClaimBinder(cluster, args.BindTimeout).BindAsync(plan, node, ct) : Task.FromResult<string?>(null);
}
