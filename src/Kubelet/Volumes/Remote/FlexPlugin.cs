using System.Collections.Concurrent;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Csi;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Storage whose driver is a program on the node (FlexVolume): older than CSI and deprecated, and still in upstream.</summary>
/// <remarks>
/// Upstream's control plane attaches and detaches; here the node does, which has the driver anyway. What drivers are asked for is on disk before
/// (<see cref="DiskBook"/>), so that the next kubelet finishes or undoes it.
/// </remarks>
sealed class FlexPlugin(VolumeContext context, ProgramMounts mounts) : IRemotePlugin
{
    readonly DiskMount _format = new(context, mounts);
    readonly DiskBook _book = new(context, "kubernetes.io/flexvolume");
    readonly Turns _turns = new();
    /// <summary>Volumes of Pods that drivers have mounted, and whether they are the group's by now: not every driver leaves a mount. Bound: those of Pods that are there.</summary>
    readonly ConcurrentDictionary<(string Uid, string Volume), bool> _mounted = new();

    public string Name => "kubernetes.io/flexvolume";

    public bool Serves(Volume volume) => volume.FlexVolume is not null;

    public bool Serves(PersistentVolumeSpec spec) => spec.FlexVolume is not null;

    public Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct) => PrepareAsync(RemoteWish.Of(pod, volume), ct);

    public async Task<PreparedVolume> PrepareAsync(RemoteWish wish, CancellationToken ct)
    {
        if (wish.Block) throw new VolumeException($"volume {wish.Name} has volumeMode Block, but no block volume plugin matched") { Volume = wish.Name };
        var source = Source.Of(wish);
        var driver = new FlexDriver(mounts.Programs, source.Driver);
        string target = context.Folders.Volume(wish.Uid, source.Driver, wish.Name);
        var made = new PreparedVolume(target) { ReadOnly = source.ReadOnly, IsRemote = true };
        if (_mounted.TryGetValue((wish.Uid, wish.Name), out bool done) ? done : MountTable.Read().At(target) is not null) return made;
        if (!driver.IsThere) throw new UnprocessedVolumeException(wish.Name, PersistentVolumePlugin.Unmatched(wish.Name));
        if (!context.Mounts.CanOwn) // a node without real containers
        {
            Directory.CreateDirectory(target);
            return made;
        }
        try
        {
            var can = await driver.CallAsync(ct, "init").ConfigureAwait(false) ?? new("", Attaches: true, Owns: true);
            string folder = _book.FolderOf($"{source.Driver}\n{(can.Attaches ? "" : wish.Uid + "/")}{wish.Name}");
            await _turns.AloneAsync(folder, () => MountAsync(wish, source, driver, can, folder, target, ct), ct).ConfigureAwait(false);
        }
        catch (VolumeException e) when (e.Volume.Length == 0) { throw new VolumeException(e.Message, e) { Step = e.Step, Volume = wish.Name }; }
        return made;
    }

    async Task MountAsync(RemoteWish wish, Source source, FlexDriver driver, FlexAnswer can, string folder, string target, CancellationToken ct)
    {
        string node = context.Objects.Node?.Metadata.Name ?? "", shared = DiskBook.MountOf(folder), options = source.Options(wish.Name, []);
        DiskBook.Write(folder, wish.Uid, wish.Name, [new("driver", source.Driver), new("volume", wish.Name), new("node", can.Attaches ? node : "")]);
        if (can.Attaches && MountTable.Read().At(shared) is null)
            try
            {
                string device = (await driver.CallAsync(ct, "attach", options, node).ConfigureAwait(false))?.Device ?? "";
                device = (await driver.CallAsync(ct, "waitforattach", device, options).ConfigureAwait(false))?.Device ?? device;
                Directory.CreateDirectory(shared);
                bool mounts = await driver.CallAsync(ct, "mountdevice", shared, device, options).ConfigureAwait(false) is not null;
                if (!mounts && device.Length > 0) await _format.MountAsync(device, shared, source.FsType, source.ReadOnly, [], ct).ConfigureAwait(false);
            }
            catch (VolumeException e) { throw new VolumeException(e.Message, e) { Step = "MountDevice" }; }
        if (!_mounted.ContainsKey((wish.Uid, wish.Name)))
        {
            VolumeContext.MakePrivate(context.Folders.Volumes(wish.Uid));
            VolumeContext.MakePrivate(target);
            try
            {
                options = source.Options(wish.Name, await ExtrasAsync(wish, source, ct).ConfigureAwait(false));
                if (await driver.CallAsync(ct, "mount", target, options).ConfigureAwait(false) is null) Bind(shared, target, source.ReadOnly);
            }
            catch
            {
                await context.Mounts.UnmountAsync(target, CancellationToken.None).ConfigureAwait(false);
                throw;
            }
            _mounted[(wish.Uid, wish.Name)] = false;
        }
        if (!source.ReadOnly && can.Owns) FsGroup.Give(target, wish.Pod, ct);
        _mounted[(wish.Uid, wish.Name)] = true;
    }

    void Bind(string shared, string target, bool readOnly)
    {
        using var opened = Native.OpenAt(null, Native.Bytes(shared), Native.PathOnly | Native.Folder, out int error) ?? throw Tree.Failure("open", shared, error);
        context.Mounts.Bind(opened, target, readOnly);
    }

    /// <summary>What a driver is told besides when it mounts for a Pod.</summary>
    async Task<List<KeyValuePair<string, string>>> ExtrasAsync(RemoteWish wish, Source source, CancellationToken ct)
    {
        var pod = wish.Pod;
        List<KeyValuePair<string, string>> extras =
        [
            new("kubernetes.io/pod.name", pod.Metadata.Name), new("kubernetes.io/pod.namespace", pod.Metadata.Namespace), new("kubernetes.io/pod.uid", pod.Metadata.Uid),
            new("kubernetes.io/serviceAccount.name", pod.Spec.ServiceAccountName),
        ];
        if (pod.Spec.SecurityContext?.FsGroup is { } group) extras.Add(new("kubernetes.io/fsGroup", group.ToString(CultureInfo.InvariantCulture)));
        if (source.Secret.Length > 0)
            foreach (var (key, value) in (await RemoteWish.SecretAsync(context, source.SecretNamespace, source.Secret, ct).ConfigureAwait(false)).Data)
                extras.Add(new("kubernetes.io/secret/" + key, Convert.ToBase64String(value.Memory.Span)));
        return extras;
    }

    /// <remarks>That the Pod has it is forgotten last: whatever breaks in between, the next try finds it.</remarks>
    public async Task TearDownAsync(string podUid, CancellationToken ct)
    {
        foreach (string folder in _book.All)
            foreach (var (_, volume) in DiskBook.Users(folder).Where(u => u.Uid == podUid))
                await _turns.AloneAsync(folder, () => ReleaseAsync(folder, podUid, volume, ct), ct).ConfigureAwait(false);
    }

    async Task ReleaseAsync(string folder, string uid, string volume, CancellationToken ct)
    {
        bool last = DiskBook.Users(folder).Count == 1;
        if (DiskBook.Read(folder) is { } how)
        {
            var driver = new FlexDriver(mounts.Programs, how["driver"]);
            string target = context.Folders.Volume(uid, how["driver"], volume), shared = DiskBook.MountOf(folder);
            if (Directory.Exists(target) && driver.IsThere) await driver.CallAsync(ct, "unmount", target).ConfigureAwait(false);
            await context.Mounts.UnmountAsync(target, ct).ConfigureAwait(false);
            if (last && how["node"].Length > 0)
            {
                if (driver.IsThere && MountTable.Read().At(shared) is not null)
                    try { await driver.CallAsync(ct, "unmountdevice", shared).ConfigureAwait(false); }
                    catch (VolumeException) { } // the kernel unmounts it as well, or says why not
                await context.Mounts.UnmountAsync(shared, ct).ConfigureAwait(false);
                if (driver.IsThere) await driver.CallAsync(ct, "detach", how["volume"], how["node"]).ConfigureAwait(false);
            }
        }
        DiskBook.Forget(folder, uid, volume);
        if (last) Tree.Delete(folder);
        _mounted.TryRemove((uid, volume), out _);
    }

    /// <summary>An inline volume's and a PersistentVolume's source in one form.</summary>
    sealed record Source(string Driver, string FsType, bool ReadOnly, Map<string> Given, string Secret, string SecretNamespace)
    {
        public static Source Of(RemoteWish wish) =>
            wish.Inline?.FlexVolume is { } inline ? new(inline.Driver, inline.FsType ?? "", inline.ReadOnly, inline.Options, inline.SecretRef?.Name ?? "", wish.Namespace)
            : wish.Persistent!.FlexVolume is { } volume
                ? new(volume.Driver, volume.FsType ?? "", wish.ReadOnly || volume.ReadOnly, volume.Options, volume.SecretRef?.Name ?? "", volume.SecretRef?.Namespace is { Length: > 0 } own ? own : wish.Namespace)
            : throw new InvalidOperationException();

        public string Options(string volume, IEnumerable<KeyValuePair<string, string>> extras) => CsiNodes.Text(
        [
            new("kubernetes.io/fsType", FsType), new("kubernetes.io/readwrite", ReadOnly ? "ro" : "rw"), new("kubernetes.io/pvOrVolumeName", volume),
            .. extras, .. Given.Select(o => new KeyValuePair<string, string>(o.Key, o.Value)),
        ]);
    }
}
