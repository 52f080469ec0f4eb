using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Volumes;
using Hanbae.Machinery.Volumes.Clouds;
using Hanbae.Scheduler.Volumes;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps a node from being given more volumes than its drivers can attach.</summary>
internal sealed class NodeVolumeLimits : IPreFilter, IFilter
{
    readonly HashSet<(string Driver, string Handle)> _wanted = [], _there = [];
    StorageState _storage = new();

    public string Name => "NodeVolumeLimits";
    public Change Cures => Change.CsiNode | Change.PodRemoved | Change.Claim | Change.NodeAdded | Change.VolumeDetached;

    public bool MayCure(PodInfo pod, in ClusterChange change) => (change.Old, change.New) switch
    {
        (Pod gone, null) => gone.Spec.Volumes.Exists(v => v.PersistentVolumeClaim is not null || v.Ephemeral is not null || CloudDisks.IsInline(v)),
        (VolumeAttachment gone, null) => !pod.Claims.IsEmpty || pod.Pod.Spec.Volumes.Exists(v => CloudDisks.IsInline(v) && InlineCsi(v, pod.Key.Namespace)?.Driver == gone.Spec.Attacher),
        (_, PersistentVolumeClaim claim) => pod.Claims.Any(c => c.Claim == Key.Of(claim)),
        (CSINode before, CSINode now) => now.Spec.Drivers.Exists(d => before.Spec.Drivers.Find(b => b.Name == d.Name) is not { } had || (had.Allocatable?.Count is { } limit && !(d.Allocatable?.Count <= limit))),
        _ => true,
    };

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _storage = snapshot.Storage;
        _wanted.Clear();
        Collect(pod, _wanted);
        return new(Skip: _wanted.Count == 0);
    }

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        if (!_storage.CsiNodes.TryGetValue(node.Name, out var csi)) return Verdict.Fits;
        _there.Clear();
        if (node.PodsWithVolumes > 0) foreach (var other in node.Pods) if (other.HasVolumes) Collect(other, _there);
        if (_storage.Attachments.TryGetValue(node.Name, out var attached)) foreach (var attachment in attached.Values) Collect(attachment, _there);
        foreach (var driver in csi.Spec.Drivers)
        {
            if (driver.Allocatable?.Count is not { } most) continue;
            int more = 0, has = 0;
            foreach (var v in _wanted) if (v.Driver == driver.Name && !_there.Contains(v)) more++;
            foreach (var v in _there) if (v.Driver == driver.Name) has++;
            if (more > 0 && has + more > most) return Verdict.Refuse("node(s) exceed max volume count");
        }
        return Verdict.Fits;
    }

    void Collect(PodInfo pod, HashSet<(string, string)> volumes)
    {
        if (pod.HasVolumes)
            foreach (var inline in pod.Pod.Spec.Volumes)
                if (CloudDisks.IsInline(inline) && InlineCsi(inline, pod.Key.Namespace) is { } disk) volumes.Add((disk.Driver, disk.VolumeHandle));
        foreach (var use in pod.Claims)
        {
            if (!_storage.Claims.TryGetValue(use.Claim, out var claim)) continue;
            if (_storage.Volumes.TryGetValue(claim.Spec.VolumeName, out var volume))
            {
                if (CloudDisks.TryTranslate(volume).Spec.Csi is { } csi) volumes.Add((csi.Driver, csi.VolumeHandle));
            }
            // What is still to be made will be the driver's of the class; one volume a claim.
            else if (_storage.Classes.TryGetValue(VolumeNotes.ClassOf(claim), out var made)) volumes.Add((made.Provisioner, use.Claim.ToString()));
        }
    }

    void Collect(VolumeAttachment attachment, HashSet<(string, string)> volumes)
    {
        if (attachment.Spec.Source.PersistentVolumeName is { Length: > 0 } name && _storage.Volumes.TryGetValue(name, out var volume) && CloudDisks.TryTranslate(volume).Spec.Csi is { } csi)
            volumes.Add((csi.Driver, csi.VolumeHandle));
    }

    static CSIPersistentVolumeSource? InlineCsi(Volume volume, string ns)
    {
        try { return CloudDisks.Inline(volume, ns)?.Spec.Csi; }
        catch (FormatException) { return null; } // the kubelet will say so
    }
}
