using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Disk;
using Hanbae.Kubelet.Volumes.Remote;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Finds for each volume of a Pod the plugin that makes it, and tells in upstream's words when one cannot be had.</summary>
public sealed class PodVolumes : IVolumes
{
    readonly Patient _patient;
    readonly VolumeContext _context;
    readonly IReadOnlyList<IVolumePlugin> _plugins;
    readonly CsiVolumes _csi;
    readonly VolumeFigures _figures;

    /// <param name="canMount">False for nodes without real containers: volumes are then plain folders, and ownership stays as it is.</param>
    /// <param name="drivers">CSI drivers of this node, as they register.</param>
    /// <param name="events">Where Pods' users are told of their volumes' growth and health.</param>
    /// <param name="helpers">The node's own programs for storage elsewhere.</param>
    public PodVolumes(PodFolders folders, IPodObjects objects, IPersistentVolumes persistent, TimeProvider time, bool canMount = true, CsiDrivers? drivers = null, IRecorder? events = null,
        ProgramOptions? helpers = null)
    {
        helpers ??= new();
        var mounts = canMount ? new KernelMounts(new(Native.Unmount, time, helpers.UnmountPatience)) : (IMounts)new PlainFolders();
        _context = new VolumeContext(folders, objects, persistent, mounts, time, events) { Drivers = drivers ?? new() };
        _csi = new(_context);
        _figures = new(time);
        _plugins = Catalog.Of(_context, _csi, new(helpers, time));
        _patient = new(time, helpers.LookPatience);
    }

    /// <summary>Volumes that the cluster must not take away from this node: for the node's status.</summary>
    public Seq<string> InUse => _csi.Attachments.InUse;

    /// <summary>Called when <see cref="InUse"/> has changed, so that the node tells it at once. Must not block.</summary>
    public Action InUseChanged { set => _csi.Attachments.Changed = value; }

    /// <summary>Called with the name of a driver that can bring no more volumes here. Must not block.</summary>
    internal Action<string> Exhausted { set => _csi.Attachments.Exhausted = value; }

    /// <summary>How full a volume is, as its driver says; null when it does not.</summary>
    internal VolumeUse? UseOf(string podUid, string volume) => _csi.UseOf(podUid, volume);

    internal VolumeFigures Figures => _figures;

    /// <summary>Takes off the node, now and then, what no Pod has any more and what a driver could not take off when the last Pod went.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(s_leftPeriod, _context.Time, ct).ConfigureAwait(false);
            await LeaveAsync(ct).ConfigureAwait(false);
        }
    }

    internal Task LeaveAsync(CancellationToken ct) => _csi.LeaveAllAsync(ct);

    static readonly TimeSpan s_leftPeriod = TimeSpan.FromMilliseconds(500);

    public async Task<PreparedVolumes> PrepareAsync(Pod pod, CancellationToken ct)
    {
        Dictionary<string, PreparedVolume> prepared = [];
        var used = UsedBy(pod);
        await EachAsync(pod, used, (plugin, volume) =>
            _figures.SetUpAsync(pod.Metadata.Uid, volume.Name, () => plugin.NameOf(pod, volume), async () => prepared[volume.Name] = await plugin.PrepareAsync(pod, volume, ct)));
        return new(prepared);
    }

    public Task RefreshAsync(Pod pod, CancellationToken ct) =>
        EachAsync(pod, UsedBy(pod), (plugin, volume) => plugin.RefreshAsync(pod, volume, ct));

    /// <summary>All volumes are tried before the first failure is told, so that one that is missing does not hold up the others.</summary>
    async Task EachAsync(Pod pod, HashSet<string> used, Func<IVolumePlugin, Volume, Task> work)
    {
        List<string> setUp = [], unprocessed = [], missing = [];
        Exception? first = null;
        string refusal = "";
        var devices = pod.Spec.InitContainers.Concat(pod.Spec.Containers).SelectMany(c => c.VolumeDevices).Select(d => d.Name).ToHashSet();
        bool allDevices = true;
        foreach (var volume in pod.Spec.Volumes)
        {
            if (!used.Contains(volume.Name)) continue; // as upstream: what no container mounts is not made
            try
            {
                var plugin = _plugins.FirstOrDefault(p => p.Serves(volume))
                    ?? throw new UnprocessedVolumeException(volume.Name, PersistentVolumePlugin.Unmatched(volume.Name));
                await work(plugin, volume);
            }
            catch (UnprocessedVolumeException e)
            {
                first ??= e;
                unprocessed.Add(e.Message);
                missing.Add(volume.Name);
            }
            catch (VolumeException e)
            {
                first ??= e;
                if (e.Refusal.Length > 0) refusal = e.Refusal;
                bool isDevice = devices.Contains(volume.Name);
                allDevices &= isDevice;
                string operation = !isDevice ? "MountVolume." + e.Step : e.Step == "SetUp" ? "MapVolume.SetUpDevice" : "MapVolume." + e.Step;
                setUp.Add($"{operation} failed for volume \"{(e.Volume.Length > 0 ? e.Volume : volume.Name)}\" : {e.Message}");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ApiException)
            {
                first ??= e;
                allDevices = false;
                setUp.Add($"MountVolume.SetUp failed for volume \"{volume.Name}\" : {e.Message}");
            }
        }
        if (unprocessed.Count > 0)
        {
            string names = string.Join(" ", missing);
            setUp.Add($"Unable to attach or mount volumes: unmounted volumes=[{names}], unattached volumes=[], failed to process volumes=[{names}]: {string.Join(", ", unprocessed)}");
        }
        if (setUp.Count == 0) return;
        throw new VolumeException(string.Join("; ", setUp), first) { Refusal = refusal, Event = allDevices && unprocessed.Count == 0 ? "FailedMapVolume" : "FailedMount" };
    }

    /// <summary>Volumes that a container mounts, has as a device, or reads variables from.</summary>
    static HashSet<string> UsedBy(Pod pod)
    {
        HashSet<string> used = [];
        foreach (var c in pod.Spec.InitContainers.Concat(pod.Spec.Containers))
        {
            used.UnionWith(c.VolumeMounts.Select(m => m.Name));
            used.UnionWith(c.VolumeDevices.Select(d => d.Name));
            used.UnionWith(c.Env.Select(e => e.ValueFrom?.FileKeyRef?.VolumeName ?? ""));
        }
        foreach (var c in pod.Spec.EphemeralContainers) used.UnionWith(c.VolumeMounts.Select(m => m.Name));
        return used;
    }

    public async Task<string> SubPathAsync(Pod pod, string container, VolumeMount mount, string subPath, PreparedVolumes volumes, CancellationToken ct)
    {
        if (!volumes.ByName.TryGetValue(mount.Name, out var volume) || volume.HostPath.Length == 0)
            throw new VolumeException($"failed to prepare subPath for volumeMount \"{mount.Name}\" of container \"{container}\": no such volume");
        string path = SubPaths.Check(subPath), folder = _context.Folders.SubPaths(pod.Metadata.Uid), target = Path.Combine(folder, mount.Name, container, $"{IndexOf(pod, container, mount)}");
        try { return volume.IsRemote ? await _patient.RunAsync(target, Bind, ct) : Bind(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TimeoutException)
        {
            throw new VolumeException($"failed to prepare subPath for volumeMount \"{mount.Name}\" of container \"{container}\": {e.Message}", e);
        }

        string Bind()
        {
            using var opened = SubPaths.Open(volume.HostPath, path);
            VolumeContext.MakePrivate(folder);
            return _context.Mounts.Bind(opened, target, readOnly: false); // read-only is the container's mount, and may differ between two
        }
    }

    static int IndexOf(Pod pod, string container, VolumeMount mount)
    {
        var mounts = pod.Spec.Containers.Concat(pod.Spec.InitContainers).FirstOrDefault(c => c.Name == container)?.VolumeMounts
            ?? pod.Spec.EphemeralContainers.Find(c => c.Name == container)?.VolumeMounts ?? default;
        return Math.Max(0, mounts.IndexOf(m => m == mount));
    }

    public Task TearDownAsync(string podUid, CancellationToken ct) => _figures.TearDownAsync(podUid, () => TakeDownAsync(podUid, ct));

    async Task TakeDownAsync(string podUid, CancellationToken ct)
    {
        if (podUid.Length == 0 || podUid.Contains('/') || podUid is "." or "..") throw new VolumeException($"\"{podUid}\" is no uid of a Pod");
        _context.Tokens.Forget(podUid);
        _context.Certificates.Forget(podUid);
        foreach (var plugin in _plugins) plugin.Forget(podUid);
        try
        {
            // Subpaths lie on volumes, so they come off before drivers are asked; all other mounts then. Nothing is removed while one is left, for it would be removed through the mount.
            await _context.Mounts.UnmountBeneathAsync(_context.Folders.SubPaths(podUid), ct);
            foreach (var plugin in _plugins) await plugin.TearDownAsync(podUid, ct);
            await _context.Mounts.UnmountBeneathAsync(_context.Folders.Pod(podUid), ct);
            Tree.Delete(_context.Folders.SubPaths(podUid));
            Tree.Delete(_context.Folders.Volumes(podUid));
            Tree.Delete(_context.Folders.VolumeDevices(podUid));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VolumeException($"UnmountVolume.TearDown failed for pod \"{podUid}\" : {e.Message}", e);
        }
    }

    /// <summary>Pods that have volumes on this disk: after a start, those that nobody knows any more are to be torn down.</summary>
    public IReadOnlyList<string> PodsOnDisk()
    {
        if (!Directory.Exists(_context.Folders.Pods)) return [];
        return [.. Directory.EnumerateDirectories(_context.Folders.Pods).Select(f => Path.GetFileName(f))
            .Where(uid => Directory.Exists(_context.Folders.Volumes(uid)) || Directory.Exists(_context.Folders.VolumeDevices(uid)) || Directory.Exists(_context.Folders.SubPaths(uid)))];
    }
}
