using System.Collections.Concurrent;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Disk;
using Hanbae.Kubelet.Volumes.Local;
using Hanbae.Kubelet.Volumes.Remote;
using Hanbae.Machinery.Volumes;
using Hanbae.Machinery.Volumes.Clouds;

namespace Hanbae.Kubelet.Volumes;

/// <summary>
/// Follows a claim to the volume it is bound to. Volumes that are folders or devices of the node can be had, those of CSI drivers, and those
/// that the node's own programs mount; for others the error says why not.
/// </summary>
sealed class PersistentVolumePlugin(VolumeContext context, CsiVolumes csiVolumes, IReadOnlyList<IRemotePlugin> remote, Programs programs) : IVolumePlugin
{
    const string Local = "kubernetes.io/local-volume", GroupNote = "pv.beta.kubernetes.io/gid", OptionsNote = "volume.beta.kubernetes.io/mount-options";

    /// <summary>What Pods' claims led to, which cannot change. Bound: one entry per Pod and volume on the node.</summary>
    readonly ConcurrentDictionary<(string PodUid, string Volume), PersistentVolume> _found = new();
    /// <summary>Who is first to have a local volume decides of its group.</summary>
    readonly Turns _turns = new();
    readonly LimitedFolder _limited = new(programs);

    public string Name => "kubernetes.io/persistent-claim";

    public bool Serves(Volume volume) => volume.PersistentVolumeClaim is not null || volume.Ephemeral is not null;

    /// <summary>The kind of the volume behind the claim, once that was found.</summary>
    public string NameOf(Pod pod, Volume volume) => !_found.TryGetValue((pod.Metadata.Uid, volume.Name), out var found) ? Name
        : found.Spec.Csi is { } csi ? CsiPlugin.NameOf(csi.Driver) : found.Spec.HostPath is not null ? "kubernetes.io/host-path" : remote.FirstOrDefault(r => r.Serves(found.Spec))?.Name ?? Local;

    public async Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        var key = (pod.Metadata.Uid, volume.Name);
        if (!_found.TryGetValue(key, out var persistent))
        {
            persistent = await FindAsync(pod, volume, ct);
            lock (_found)
            {
                // KEP-2485: the scheduler sees to it, but Pods may come here without one. With more modes nobody knows which one a Pod means.
                if (persistent.Spec.AccessModes is { Count: 1 } modes && modes[0] == "ReadWriteOncePod" && _found.Any(f => f.Key.PodUid != pod.Metadata.Uid && f.Value.Metadata.Uid == persistent.Metadata.Uid))
                    throw new VolumeException("volume uses the ReadWriteOncePod access mode and is already in use by another pod") { Volume = persistent.Metadata.Name };
                _found[key] = persistent;
            }
        }
        // As upstream: a note that is no number is none.
        long? group = persistent.Metadata.Annotations.TryGet(GroupNote, out string? note) && long.TryParse(note, NumberStyles.None, CultureInfo.InvariantCulture, out long gid) ? gid : null;
        try { return await PrepareAsync(pod, volume, persistent, ct) with { Group = group }; }
        // As upstream: what is behind a claim is told of by its own name.
        catch (VolumeException e) when (e.Volume.Length == 0) { throw new VolumeException(e.Message, e) { Step = e.Step, Refusal = e.Refusal, Volume = persistent.Metadata.Name }; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ApiException) { throw new VolumeException(e.Message, e) { Volume = persistent.Metadata.Name }; }
    }

    async Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, PersistentVolume persistent, CancellationToken ct)
    {
        try { persistent = CloudDisks.Translate(persistent); }
        catch (FormatException e) { throw new VolumeException(e.Message, e); }
        var spec = persistent.Spec;
        VolumeLocality.Check(persistent, context.Objects.Node);
        bool readOnly = volume.PersistentVolumeClaim?.ReadOnly == true;
        if (spec.Csi is not null) return await csiVolumes.PrepareAsync(CsiWish.Of(pod, volume.Name, persistent, readOnly), ct);
        if (persistent.Metadata.Annotations.TryGet(OptionsNote, out string? old)) persistent = persistent with { Spec = spec = spec with { MountOptions = old.Split(',', StringSplitOptions.RemoveEmptyEntries) } };
        if ((spec.HostPath ?? (object?)spec.FlexVolume) is not null && !spec.MountOptions.IsEmpty && spec.VolumeMode != "Block")
            throw new VolumeException("mount options are not supported for this volume type") { Step = "MountOptionSupport check" };
        if (remote.FirstOrDefault(r => r.Serves(spec)) is { } elsewhere) return await elsewhere.PrepareAsync(RemoteWish.Of(pod, persistent, readOnly), ct);
        if (spec.VolumeMode == "Block") return Device(volume, spec, readOnly);
        if (spec.HostPath is { } path) return HostPathPlugin.Prepare(path) with { ReadOnly = readOnly };
        if (spec.Local is not { } local) throw Failed(volume, Unmatched(volume.Name));
        bool limited = persistent.Metadata.Annotations[VolumeNotes.ProvisionedBy] == LocalVolume.Provisioner && LimitedFolder.IsOne(local.Path) && context.Mounts.CanOwn;
        string name = persistent.Metadata.Name;
        return await _turns.AloneAsync(name, () => limited ? _limited.MountedAsync(local.Path, Bind, ct) : Task.FromResult(Bind()), ct);

        PreparedVolume Bind() => PrepareLocal(pod, name, local.Path, readOnly, spec.MountOptions, ct);
    }

    public Task RefreshAsync(Pod pod, Volume volume, CancellationToken ct) =>
        _found.TryGetValue((pod.Metadata.Uid, volume.Name), out var found) && (found.Spec.Csi is not null || CloudDisks.IsOne(found.Spec))
            ? csiVolumes.RefreshAsync(pod.Metadata.Uid, volume.Name, ct) : Task.CompletedTask;

    /// <summary>A local volume may be a device of the node.</summary>
    static PreparedVolume Device(Volume volume, PersistentVolumeSpec spec, bool readOnly) =>
        spec.Local is not { Path: var path } ? throw Failed(volume, $"volume {volume.Name} has volumeMode Block, but no block volume plugin matched")
        : Native.Status(path, follow: true) is { IsBlockDevice: true } ? new(path) { ReadOnly = readOnly, IsDevice = true }
        : throw new VolumeException($"{path} is not a block device") { Step = "MapPodDevice" };

    public static string Unmatched(string volume) =>
        $"failed to get Plugin from volumeSpec for volume \"{volume}\" err=no volume plugin matched";

    /// <summary>As upstream tells of a volume that it cannot begin to set up.</summary>
    public static UnprocessedVolumeException Failed(Volume volume, string why) => new(volume.Name, why);

    async Task<PersistentVolume> FindAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        string ns = pod.Metadata.Namespace, name = volume.PersistentVolumeClaim?.ClaimName ?? $"{pod.Metadata.Name}-{volume.Name}";
        UnprocessedVolumeException Claim(string why) => Failed(volume, $"error processing PVC {ns}/{name}: {why}");

        PersistentVolumeClaim? claim;
        try { claim = await context.Persistent.ClaimAsync(ns, name, ct); }
        catch (ApiException e) { throw Claim($"failed to fetch PVC from API server: {e.Message}"); }
        if (claim is null) throw Claim($"failed to fetch PVC from API server: persistentvolumeclaims \"{name}\" not found");
        if (volume.Ephemeral is not null && !claim.Metadata.OwnerReferences.Exists(o => o.Controller == true && o.Uid == pod.Metadata.Uid))
            throw Failed(volume, $"PVC {ns}/{name} was not created for pod {ns}/{pod.Metadata.Name} (pod is not owner)"); // KEP-1698
        if (claim.Metadata.DeletionTimestamp is not null && !HasBegun(pod)) throw Claim("PVC is being deleted");
        if (claim.Status.Phase != "Bound") throw Claim("PVC is not bound");
        string mode = claim.Spec.VolumeMode is { Length: > 0 } given ? given : "Filesystem";
        var containers = pod.Spec.InitContainers.Concat(pod.Spec.Containers);
        if (mode != "Filesystem" && containers.Any(c => c.VolumeMounts.Exists(m => m.Name == volume.Name)))
            throw Failed(volume, $"volume {volume.Name} has volumeMode {mode}, but is specified in volumeMounts");
        if (mode != "Block" && containers.Any(c => c.VolumeDevices.Exists(d => d.Name == volume.Name)))
            throw Failed(volume, $"volume {volume.Name} has volumeMode {mode}, but is specified in volumeDevices");
        if (claim.Spec.VolumeName.Length == 0) throw Claim("PVC has empty pvc.Spec.VolumeName");

        UnprocessedVolumeException Persistent(string why) => Claim(why);
        PersistentVolume? persistent;
        try { persistent = await context.Persistent.VolumeAsync(claim.Spec.VolumeName, ct); }
        catch (ApiException e) { throw Persistent($"failed to fetch PV {claim.Spec.VolumeName} from API server: {e.Message}"); }
        if (persistent is null)
            throw Persistent($"failed to fetch PV {claim.Spec.VolumeName} from API server: persistentvolumes \"{claim.Spec.VolumeName}\" not found");
        if (persistent.Spec.ClaimRef is not { } reference)
            throw Persistent($"found PV object {persistent.Metadata.Name} with nil pv.Spec.ClaimRef indicating it is not yet bound to the claim");
        if (reference.Uid != claim.Metadata.Uid)
            throw Persistent($"found PV object {persistent.Metadata.Name} with a pv.Spec.ClaimRef.UID {reference.Uid} other than the claim's {claim.Metadata.Uid}");
        return persistent;
    }

    /// <summary>It had the volume before the kubelet was restarted, and keeps it.</summary>
    static bool HasBegun(Pod pod) => pod.Status.InitContainerStatuses.Concat(pod.Status.ContainerStatuses).Any(s => s.State.Running is not null || s.State.Terminated is not null || s.RestartCount > 0);

    /// <summary>Bound into the Pod's folder, as upstream: what it means is decided once, and it comes off with the Pod.</summary>
    PreparedVolume PrepareLocal(Pod pod, string name, string path, bool readOnly, Seq<string> options, CancellationToken ct)
    {
        if (path.Split('/').Contains("..")) throw new VolumeException($"invalid path: {path}: must not contain '..'");
        if (!Path.Exists(path)) throw new VolumeException($"path \"{path}\" does not exist") { Step = "NewMounter initialization" };
        string folder = Resolve(path), target = context.Folders.Volume(pod.Metadata.Uid, Local, name);
        using var source = Native.OpenAt(null, Native.Bytes(folder), Native.PathOnly | Native.Folder, out int error)
            ?? throw new VolumeException($"path \"{path}\" is no directory: {Native.Text(error)}");
        VolumeContext.MakePrivate(context.Folders.Volumes(pod.Metadata.Uid));
        if (!readOnly && context.Mounts.CanOwn) LocalGroup.Give(context, pod, name, folder, target, ct);
        string at = context.Mounts.Bind(source, target, readOnly, options);
        return new(at) { ReadOnly = readOnly };
    }

    /// <summary>A volume of the administrator's may be a link; where it leads is his affair.</summary>
    static string Resolve(string path) => Directory.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    public void Forget(string podUid)
    {
        foreach (var key in _found.Keys) if (key.PodUid == podUid) _found.TryRemove(key, out _);
    }
}

/// <summary>A volume that cannot even be looked for: told in another form than failures to set one up.</summary>
sealed class UnprocessedVolumeException(string volume, string why) : Exception(why)
{
    public string Volume { get; } = volume;
}
