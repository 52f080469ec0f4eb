using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;

namespace Hanbae.Scheduler.Plugins;

/// <summary>Keeps Pods in the zones of their volumes, where those are said by labels as they were before volumes had node affinity.</summary>
internal sealed class VolumeZone : IPreFilter, IFilter
{
    static readonly string[] Labels =
        ["topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region"];

    readonly List<(string Label, string[] Values)> _wanted = [];

    public string Name => "VolumeZone";
    public Change Cures => Change.Claim | Change.Volume | Change.StorageClass | Change.NodeAdded | Change.NodeLabels;

    /// <summary>Of claims only the Pod's own, of volumes only what says where they are, of classes new ones that wait for Pods.</summary>
    public bool MayCure(PodInfo pod, in ClusterChange change) => change.New switch
    {
        _ when change.What == Change.StorageClass => change is { Old: null, New: StorageClass { VolumeBindingMode: "WaitForFirstConsumer" } },
        PersistentVolumeClaim claim => pod.Claims.Any(c => c.Claim == Key.Of(claim)),
        PersistentVolume volume => change.Old is not PersistentVolume before || Array.Exists(Labels, l => before.Metadata.Labels[l] != volume.Metadata.Labels[l]),
        _ => true,
    };

    public Prefiltered PreFilter(PodInfo pod, Snapshot snapshot)
    {
        _wanted.Clear();
        foreach (var use in pod.Claims)
        {
            if (!snapshot.Storage.Claims.TryGetValue(use.Claim, out var claim) || claim.Spec.VolumeName is not { Length: > 0 } name) continue;
            if (!snapshot.Storage.Volumes.TryGetValue(name, out var volume)) return new(Verdict.Refuse($"persistentvolume \"{name}\" not found", hopeless: true));
            foreach (string label in Labels)
                // Several zones stand in one label, as upstream's cloud providers wrote them.
                if (volume.Metadata.Labels.TryGet(label, out string? value)) _wanted.Add((label, value.Split("__")));
        }
        return new(Skip: _wanted.Count == 0);
    }

    public Verdict Filter(PodInfo pod, NodeInfo node)
    {
        var labels = node.Node!.Metadata.Labels;
        // A node that says nothing of zones is in a cluster that has none.
        if (!Array.Exists(Labels, labels.ContainsKey)) return Verdict.Fits;
        foreach (var (label, values) in _wanted)
            if (!(labels.TryGet(label, out string? has) || labels.TryGet(Twin(label), out has)) || !values.Contains(has)) return Verdict.Refuse("node(s) had no available volume zone", hopeless: true);
        return Verdict.Fits;
    }

    /// <summary>The other name of the same label.</summary>
    static string Twin(string label) => Labels[(Array.IndexOf(Labels, label) + 2) % 4];
}
