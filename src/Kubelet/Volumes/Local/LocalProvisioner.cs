using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Storage.V1;
using Hanbae.Client;
using Hanbae.Machinery.Volumes;

namespace Hanbae.Kubelet.Volumes.Local;

/// <summary>Makes volumes for claims of classes with the provisioner <c>hanbae.dev/local</c>: a folder on the node where the Pod runs; and removes them, and lets them grow.</summary>
/// <remarks>
/// Acts as upstream's external provisioners do, so that the volume controller needs to know nothing of it: it is asked by an annotation of the
/// claim, and answers with a volume that names the claim. Keys without a namespace are volumes, the others claims. The size is a promise about
/// scheduling only, and a folder as large as its disk, unless the class has it enforced.
/// </remarks>
/// <param name="diskOf">The disk of a node by its name; null for nodes that somebody else serves.</param>
public sealed class LocalProvisioner(IClusterAccess cluster, Func<string, ILocalDisk?> diskOf) : IReconciler
{
    public const string Name = LocalVolume.Provisioner;

    readonly ICache<PersistentVolumeClaim> _claims = cluster.Cache<PersistentVolumeClaim>();
    readonly ICache<PersistentVolume> _volumes = cluster.Cache<PersistentVolume>();
    readonly ICache<StorageClass> _classes = cluster.Cache<StorageClass>();
    readonly ICache<Node> _nodes = cluster.Cache<Node>();

    public void Watch(Triggers on) => on
        .Needs(_nodes).Needs(_classes)
        .When(_claims, e => e.New is { } claim && claim.Metadata.Annotations[VolumeNotes.Provisioner] == Name)
        .When(_volumes, e => e.New is { } volume && Made(volume))
        // A claim that became bound may have grown before.
        .Map(_volumes, v => Made(v) && v.Spec.ClaimRef is { } claim ? [new Key(claim.Namespace, claim.Name)] : [])
        // A node that has come, or may be used now, may be what a claim waits for, and so may its class: which of them is seen first nobody says.
        .From(add => _nodes.Subscribe(e =>
        {
            if (e is { New: null, Old: { } gone }) Wake(add, c => c.Spec.VolumeName.Length == 0 && c.Metadata.Annotations[VolumeNotes.SelectedNode] == gone.Metadata.Name);
            if (e.New is not { } node || diskOf(node.Metadata.Name) is null) return;
            if (e.Old is { } old && old.Spec.Unschedulable == node.Spec.Unschedulable && old.Metadata.Labels == node.Metadata.Labels) return;
            Wake(add, static c => c.Spec.VolumeName.Length == 0);
        }))
        .From(add => _classes.Subscribe(e => { if (e.New is { Provisioner: Name } now) Wake(add, c => VolumeNotes.ClassOf(c) == now.Metadata.Name); }));

    void Wake(Action<Key> add, Func<PersistentVolumeClaim, bool> which)
    {
        foreach (var claim in _claims.All)
            if (claim.Metadata.Annotations[VolumeNotes.Provisioner] == Name && which(claim)) add(Key.Of(claim));
    }

    static bool Made(PersistentVolume volume) => volume.Metadata.Annotations[VolumeNotes.ProvisionedBy] == Name;

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (key.Namespace.Length == 0)
        {
            if (_volumes.Find(key) is { } volume && Made(volume)) await ReclaimAsync(volume, ct);
        }
        else if (_claims.Find(key) is { } claim)
        {
            if (claim.Spec.VolumeName.Length > 0) await GrowAsync(claim, ct);
            else if (claim.Metadata.DeletionTimestamp is null && claim.Metadata.Annotations[VolumeNotes.Provisioner] == Name) await MakeAsync(claim, ct);
        }
        return Again.OnChange;
    }

    async Task MakeAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        string name = LocalVolume.NameFor(claim);
        if (_volumes.Find(new("", name)) is not null || _classes.Find(new("", VolumeNotes.ClassOf(claim))) is not { Provisioner: Name } made) return;
        if (Place(claim, made) is not { } node)
        {
            await RescheduleAsync(claim, ct);
            return;
        }
        if (diskOf(node.Metadata.Name) is not { } disk) return;
        void Tell(string type, string reason, string message) => cluster.Recorder.Event(claim, type, reason, message);
        if (LocalVolume.Unfit(claim, made) is { } why)
        {
            Tell("Warning", "ProvisioningFailed", $"failed to provision volume with StorageClass \"{made.Metadata.Name}\": {why}");
            return;
        }
        Tell("Normal", "Provisioning", $"External provisioner is provisioning volume for claim \"{Key.Of(claim)}\"");
        string path;
        try { path = await disk.MakeAsync(name, LocalVolume.LimitOf(claim, made), ct); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Tell("Warning", "ProvisioningFailed", $"failed to provision volume with StorageClass \"{made.Metadata.Name}\": {e.Message}");
            throw;
        }
        try { await cluster.Client.CreateAsync(LocalVolume.For(claim, made, node, path), ct); }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // Made before the cache knew, or, for a claim that is not to wait for its Pod, by another node: then the folder here is nobody's.
            var there = await cluster.Client.FindAsync<PersistentVolume>(new("", name), ct);
            if (there is not null && there.Metadata.Annotations[LocalVolume.NodeNote] != node.Metadata.Name) await disk.RemoveAsync(name, path, ct);
            return;
        }
        Tell("Normal", "ProvisioningSucceeded", $"Successfully provisioned volume {name}");
    }

    /// <summary>As upstream's: where the chosen node is gone, the scheduler is to choose another. It may only not be in the cache yet.</summary>
    async Task RescheduleAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        if (!claim.Metadata.Annotations.TryGet(VolumeNotes.SelectedNode, out string? chosen) || await cluster.Client.FindAsync<Node>(new("", chosen), ct) is not null) return;
        await cluster.Client.UpdateAsync(claim with { Metadata = claim.Metadata with { Annotations = claim.Metadata.Annotations.Remove(VolumeNotes.SelectedNode) } }, ct);
    }

    /// <summary>The node that the scheduler chose, or any when the class does not wait for it.</summary>
    Node? Place(PersistentVolumeClaim claim, StorageClass made)
    {
        if (claim.Metadata.Annotations.TryGet(VolumeNotes.SelectedNode, out string? chosen)) return _nodes.Find(new("", chosen));
        if (made.VolumeBindingMode == "WaitForFirstConsumer") return null;
        return _nodes.All.Where(n => !n.Spec.Unschedulable && diskOf(n.Metadata.Name) is not null && LocalVolume.Allowed(made, n))
            .OrderBy(n => diskOf(n.Metadata.Name) is SimulatedDisk).ThenBy(n => n.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();
    }

    ILocalDisk? DiskOf(PersistentVolume volume) => volume.Metadata.Annotations.TryGet(LocalVolume.NodeNote, out string? node) ? diskOf(node) : null;

    /// <summary>Removes what its claim, or its deletion, has set free; with another policy than Delete only the mark goes, and the data stays.</summary>
    async Task ReclaimAsync(PersistentVolume volume, CancellationToken ct)
    {
        bool deleted = volume.Metadata.DeletionTimestamp is not null, held = volume.Metadata.Finalizers.Contains(LocalVolume.Finalizer);
        bool removes = volume is { Spec.PersistentVolumeReclaimPolicy: "Delete", Status.Phase: "Released" or "Failed" };
        if (DiskOf(volume) is not { } disk || volume.Status.Phase == "Bound" || !(removes || (deleted && held))) return;
        if (removes || volume.Spec.PersistentVolumeReclaimPolicy == "Delete")
            try { await disk.RemoveAsync(volume.Metadata.Name, volume.Spec.Local?.Path ?? "", ct); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                cluster.Recorder.Event(volume, "Warning", "VolumeFailedDelete", e.Message);
                throw;
            }
        if (!deleted) await cluster.Client.TryDeleteAsync<PersistentVolume>(Key.Of(volume), new() { Preconditions = new() { Uid = volume.Metadata.Uid } }, ct);
        else if (held) await cluster.Client.UpdateAsync(volume with { Metadata = volume.Metadata with { Finalizers = volume.Metadata.Finalizers.Where(f => f != LocalVolume.Finalizer).ToSeq() } }, ct);
    }

    /// <summary>A folder needs nothing to be larger, and one with a limit is made so, in use or not: what was asked becomes what there is.</summary>
    async Task GrowAsync(PersistentVolumeClaim claim, CancellationToken ct)
    {
        if (claim.Status.Phase != "Bound" || _volumes.Find(new("", claim.Spec.VolumeName)) is not { } volume || !Made(volume) || DiskOf(volume) is not { } disk
            || volume.Spec.ClaimRef?.Uid != claim.Metadata.Uid) return;
        var asked = claim.Spec.Resources.Requests["storage"];
        if (claim.Status.Capacity["storage"] >= asked) return;
        if (volume.Spec.Capacity["storage"] < asked)
        {
            if (_classes.Find(new("", VolumeNotes.ClassOf(claim))) is not { AllowVolumeExpansion: true }) return;
            cluster.Recorder.Event(claim, "Normal", "Resizing", $"External resizer is resizing volume {volume.Metadata.Name}");
            try { await disk.GrowAsync(volume.Metadata.Name, asked.Value(), ct); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                cluster.Recorder.Event(claim, "Warning", "VolumeResizeFailed", $"resize volume \"{volume.Metadata.Name}\" failed: {e.Message}");
                throw;
            }
            await cluster.Client.UpdateAsync(volume with { Spec = volume.Spec with { Capacity = volume.Spec.Capacity.Set("storage", asked) } }, ct);
        }
        await cluster.Client.UpdateStatusAsync(claim with
        {
            Status = claim.Status with
            {
                Capacity = claim.Status.Capacity.Set("storage", asked), AllocatedResources = claim.Status.AllocatedResources.Set("storage", asked),
                Conditions = claim.Status.Conditions.Where(c => c.Type is not ("Resizing" or "FileSystemResizePending")).ToSeq(),
            },
        }, ct);
        cluster.Recorder.Event(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded");
    }
}
