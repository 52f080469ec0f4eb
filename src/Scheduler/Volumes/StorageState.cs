using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Nodes;
using Hanbae.Machinery.Volumes;
using Hanbae.Machinery.Volumes.Clouds;
using Hanbae.Scheduler.Tallies;

namespace Hanbae.Scheduler.Volumes;

/// <summary>Claims, volumes and what makes volumes; and what decisions have promised of them that the API does not say yet.</summary>
internal sealed class StorageState
{
    readonly Dictionary<Key, int> _uses = [];

    public Dictionary<Key, PersistentVolumeClaim> Claims { get; } = [];
    public Dictionary<string, PersistentVolume> Volumes { get; } = [];
    public Dictionary<string, StorageClass> Classes { get; } = [];
    public Dictionary<string, CSINode> CsiNodes { get; } = [];
    public Dictionary<string, CSIDriver> Drivers { get; } = [];
    public Dictionary<Key, CSIStorageCapacity> Capacities { get; } = [];
    /// <summary>By node and name: a volume takes its place on a node as long as it is attached, though the Pod be gone.</summary>
    public Dictionary<string, Dictionary<string, VolumeAttachment>> Attachments { get; } = [];
    /// <summary>Volumes promised to claims by decisions under way.</summary>
    public Dictionary<string, Key> PromisedVolumes { get; } = [];
    /// <summary>Claims that are to be provisioned for a node, by decisions under way.</summary>
    public Dictionary<Key, string> PromisedNodes { get; } = [];

    public void Attach(VolumeAttachment attachment)
    {
        if (!Attachments.TryGetValue(attachment.Spec.NodeName, out var there)) Attachments[attachment.Spec.NodeName] = there = [];
        there[attachment.Metadata.Name] = attachment;
    }

    public void Detach(VolumeAttachment attachment)
    {
        if (Attachments.TryGetValue(attachment.Spec.NodeName, out var there) && there.Remove(attachment.Metadata.Name) && there.Count == 0) Attachments.Remove(attachment.Spec.NodeName);
    }

    public void Use(Key claim, int change)
    {
        int now = _uses.GetValueOrDefault(claim) + change;
        if (now == 0) _uses.Remove(claim); else _uses[claim] = now;
    }

    /// <summary>How many Pods that have a node mount the claim.</summary>
    public int Uses(Key claim) => _uses.GetValueOrDefault(claim);

    public static bool Bound(PersistentVolumeClaim claim) => claim.Spec.VolumeName.Length > 0 && claim.Metadata.Annotations.ContainsKey(VolumeNotes.BindCompleted);

    /// <summary>Whether the claim waits for a Pod to be placed.</summary>
    public bool Delayed(PersistentVolumeClaim claim) =>
        claim.Spec.VolumeName.Length == 0 && Classes.TryGetValue(VolumeNotes.ClassOf(claim), out var made) && made.VolumeBindingMode == "WaitForFirstConsumer";

    /// <remarks>A cloud's disk of old is asked about in its driver's terms, on nodes that have the driver asked.</remarks>
    public bool Reaches(PersistentVolume volume, Node node) =>
        CloudDisks.TryTranslate(volume, CsiNodes.GetValueOrDefault(node.Metadata.Name)).Spec.NodeAffinity?.Required is not { } required || NodeTerms.Matches(required, node);

    /// <summary>The smallest volume that a claim can have on a node.</summary>
    /// <param name="taken">Volumes that other claims of the same Pod get.</param>
    public PersistentVolume? Match(PersistentVolumeClaim claim, Node node, IReadOnlyCollection<PersistentVolume> taken)
    {
        long wanted = claim.Spec.Resources.Requests.TryGet("storage", out var asked) ? asked.Value() : 0;
        var selector = claim.Spec.Selector is null ? null : PodScope.SelectorOf(claim.Spec.Selector);
        string @class = VolumeNotes.ClassOf(claim);
        PersistentVolume? best = null;
        long bestSize = long.MaxValue;
        foreach (var volume in Volumes.Values)
        {
            if (volume.Metadata.DeletionTimestamp is not null || taken.Contains(volume)) continue;
            long size = volume.Spec.Capacity.TryGet("storage", out var capacity) ? capacity.Value() : 0;
            if (size < wanted || (claim.Spec.VolumeMode ?? "Filesystem") != (volume.Spec.VolumeMode ?? "Filesystem")) continue;
            if (PromisedVolumes.TryGetValue(volume.Metadata.Name, out var promised) && promised != Key.Of(claim)) continue;
            if (volume.Spec.ClaimRef is { } claimed)
            {
                // One that is set aside for this very claim is it: where the node does not reach it, no other will do.
                if (claimed.Name == claim.Metadata.Name && claimed.Namespace == claim.Metadata.Namespace && (claimed.Uid.Length == 0 || claimed.Uid == claim.Metadata.Uid))
                    return Reaches(volume, node) ? volume : null;
                continue;
            }
            if (!Allows(claim, volume) || !Reaches(volume, node)) continue;
            if (volume.Status.Phase is not ("Available" or "") || VolumeNotes.ClassOf(volume) != @class || (selector is not null && !selector.Matches(volume.Metadata.Labels))) continue;
            if ((claim.Spec.VolumeAttributesClassName ?? "") != (volume.Spec.VolumeAttributesClassName ?? "")) continue;
            if (size < bestSize || (size == bestSize && string.CompareOrdinal(volume.Metadata.Name, best!.Metadata.Name) < 0)) (best, bestSize) = (volume, size);
        }
        return best;
    }

    static bool Allows(PersistentVolumeClaim claim, PersistentVolume volume)
    {
        foreach (string mode in claim.Spec.AccessModes) if (!volume.Spec.AccessModes.Contains(mode)) return false;
        return true;
    }

    /// <summary>Whether a volume for the claim can be made where the node reaches it.</summary>
    /// <param name="room">False when only its size is in the way.</param>
    public bool Provisions(PersistentVolumeClaim claim, Node node, out bool room)
    {
        room = true;
        if (!Classes.TryGetValue(VolumeNotes.ClassOf(claim), out var made) || made.Provisioner is "" or "kubernetes.io/no-provisioner") return false;
        if (!made.AllowedTopologies.IsEmpty && !made.AllowedTopologies.Exists(t => Allows(t, node))) return false;
        if (!Drivers.TryGetValue(made.Provisioner, out var driver) || driver.Spec.StorageCapacity != true) return true;
        long wanted = claim.Spec.Resources.Requests.TryGet("storage", out var asked) ? asked.Value() : 0;
        room = false;
        foreach (var capacity in Capacities.Values)
        {
            if (capacity.StorageClassName != made.Metadata.Name || (capacity.MaximumVolumeSize ?? capacity.Capacity) is not { } most || most.Value() < wanted) continue;
            // Without a topology the storage is not to be had from anywhere.
            if (capacity.NodeTopology is not null && PodScope.SelectorOf(capacity.NodeTopology).Matches(node.Metadata.Labels)) room = true;
        }
        return true;
    }

    static bool Allows(TopologySelectorTerm term, Node node)
    {
        foreach (var e in term.MatchLabelExpressions)
            if (!node.Metadata.Labels.TryGet(e.Key, out string? value) || !e.Values.Contains(value)) return false;
        return true;
    }
}
