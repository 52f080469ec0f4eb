using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Scheduler.Volumes;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps Pods apart that cannot share a disk, and a claim that one Pod may have from a second.</summary>
internal sealed class VolumeRestrictions : IPreFilter, IFilter
{
    readonly List<Key> _exclusive = [];
    StorageState _storage = new();
    bool _disks;

    public string Name => "VolumeRestrictions";
    public Change Cures => Change.PodRemoved | Change.Claim | Change.NodeAdded;

    public bool MayCure(PodInfo pod, in ClusterChange change)
    {
        if (change.New is PersistentVolumeClaim claim) return pod.Claims.Any(c => c.Claim == Key.Of(claim));
        if (change.What != Change.PodRemoved || change.Pod is not { } gone) return true;
        return gone.Spec.Volumes.Exists(g => pod.Pod.Spec.Volumes.Exists(v => Clash(v, g)))
            || (gone.Metadata.Namespace == pod.Key.Namespace && ClaimUse.Of(gone).Any(c => pod.Claims.Contains(c)));
    }

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _exclusive.Clear();
        _storage = snapshot.Storage;
        if (!pod.HasVolumes) return Prefiltered.Nothing;
        _disks = pod.Pod.Spec.Volumes.Exists(v => v.GcePersistentDisk is not null || v.AwsElasticBlockStore is not null || v.Rbd is not null || v.Iscsi is not null);
        foreach (var use in pod.Claims)
        {
            if (!_storage.Claims.TryGetValue(use.Claim, out var claim))
                return use.Ephemeral ? Prefiltered.Go : new(Verdict.Refuse($"persistentvolumeclaim \"{use.Claim.Name}\" not found", hopeless: true));
            if (claim.Spec.AccessModes.Contains("ReadWriteOncePod")) _exclusive.Add(use.Claim);
        }
        return new(Skip: !_disks && _exclusive.Count == 0);
    }

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        if (_disks && node.PodsWithVolumes > 0)
            foreach (var other in node.Pods)
                if (other.HasVolumes && pod.Pod.Spec.Volumes.Exists(v => other.Pod.Spec.Volumes.Exists(o => Clash(v, o)))) return Verdict.Refuse("node(s) had no available disk");
        foreach (var claim in _exclusive)
            if (_storage.Uses(claim) > 0) return Verdict.Refuse("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode");
        return Verdict.Fits;
    }

    static bool Clash(Volume a, Volume b)
    {
        if (a.GcePersistentDisk is { } g && b.GcePersistentDisk is { } h) return g.PdName == h.PdName && !(g.ReadOnly && h.ReadOnly);
        if (a.AwsElasticBlockStore is { } e && b.AwsElasticBlockStore is { } f) return e.VolumeID == f.VolumeID;
        if (a.Iscsi is { } i && b.Iscsi is { } j) return i.Iqn == j.Iqn && !(i.ReadOnly && j.ReadOnly);
        if (a.Rbd is { } r && b.Rbd is { } s) return r.Pool == s.Pool && r.Image == s.Image && r.Monitors.Any(s.Monitors.Contains) && !(r.ReadOnly && s.ReadOnly);
        return false;
    }
}
