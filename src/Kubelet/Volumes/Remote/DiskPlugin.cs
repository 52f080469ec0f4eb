using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Disks of other machines: brought to the node once, mounted once, and bound for each Pod; let go of with the last one.</summary>
/// <remarks>What is asked of helpers is on disk before (<see cref="DiskBook"/>), so that a kubelet that was killed anywhere in between has its work finished or undone by the next.</remarks>
abstract class DiskPlugin : IRemotePlugin
{
    readonly VolumeContext _context;
    readonly ProgramMounts _mounts;
    readonly DiskMount _format;
    readonly DiskBook _book;
    readonly Turns _turns = new();

    protected DiskPlugin(VolumeContext context, ProgramMounts mounts)
    {
        (_context, _mounts, _format) = (context, mounts, new(context, mounts));
        _book = new(context, Name);
    }

    public abstract string Name { get; }
    protected VolumeContext Context => _context;
    protected Programs Programs => _mounts.Programs;

    public abstract bool Serves(Volume volume);
    public abstract bool Serves(PersistentVolumeSpec spec);
    protected abstract WantedDisk Wanted(RemoteWish wish);
    /// <summary>Brings the disk to the node, or finds it there.</summary>
    /// <returns>Its device.</returns>
    /// <exception cref="VolumeException"/>
    protected abstract Task<string> AttachAsync(RemoteWish wish, WantedDisk disk, CancellationToken ct);
    /// <summary>Lets go of a disk that nobody has mounted any more; of one that is not there, too.</summary>
    /// <param name="how">As <see cref="WantedDisk.How"/>.</param>
    /// <param name="others">The same of the kind's other disks on this node.</param>
    /// <exception cref="VolumeException"/>
    protected abstract Task DetachAsync(IReadOnlyDictionary<string, string> how, Func<IEnumerable<IReadOnlyDictionary<string, string>>> others, CancellationToken ct);

    public Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct) => PrepareAsync(RemoteWish.Of(pod, volume), ct);

    public async Task<PreparedVolume> PrepareAsync(RemoteWish wish, CancellationToken ct)
    {
        var disk = Wanted(wish);
        bool readOnly = wish.ReadOnly || disk.ReadOnly;
        string target = TargetOf(wish.Uid, wish.Name), link = LinkOf(wish.Uid, wish.Name);
        if (!wish.Block && MountTable.Read().At(target) is not null) return new(target) { ReadOnly = readOnly };
        if (wish.Block && Native.Status(link, follow: true) is { IsBlockDevice: true }) return new(Native.RealPath(link)) { ReadOnly = readOnly, IsDevice = true };
        if (!_context.Mounts.CanOwn) // a node without real containers
        {
            Directory.CreateDirectory(target);
            return new(target) { ReadOnly = readOnly };
        }
        string folder = _book.FolderOf(disk.Id);
        try
        {
            return await _turns.AloneAsync(folder, async () =>
            {
                DiskBook.Write(folder, wish.Uid, wish.Name, disk.How);
                string device = await AttachAsync(wish, disk, ct).ConfigureAwait(false);
                return wish.Block ? Link(device, link, readOnly) : await BindAsync(wish, disk, device, folder, target, readOnly, ct).ConfigureAwait(false);
            }, ct).ConfigureAwait(false);
        }
        catch (VolumeException e) when (e.Volume.Length == 0) { throw new VolumeException(e.Message, e) { Step = wish.Block ? "SetUpDevice" : "MountDevice", Volume = wish.Name }; }
    }

    async Task<PreparedVolume> BindAsync(RemoteWish wish, WantedDisk disk, string device, string folder, string target, bool readOnly, CancellationToken ct)
    {
        string mount = DiskBook.MountOf(folder);
        await _format.MountAsync(device, mount, disk.FsType, disk.ReadOnly, wish.MountOptions, ct).ConfigureAwait(false);
        if (!readOnly) Give(wish, mount, target, ct); // before it is seen: what is bound is finished
        VolumeContext.MakePrivate(_context.Folders.Volumes(wish.Uid));
        using var source = Native.OpenAt(null, Native.Bytes(mount), Native.PathOnly | Native.Folder, out int error) ?? throw Tree.Failure("open", mount, error);
        return new(_context.Mounts.Bind(source, target, readOnly)) { ReadOnly = readOnly };
    }

    /// <summary>Has the Pod's group own what is mounted, before it is bound for the Pod.</summary>
    protected virtual void Give(RemoteWish wish, string mount, string target, CancellationToken ct) => FsGroup.Give(mount, wish.Pod, ct);

    static PreparedVolume Link(string device, string link, bool readOnly)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        if (Native.Status(link) is not null) File.Delete(link);
        File.CreateSymbolicLink(link, device);
        return Native.Status(link, follow: true) is { IsBlockDevice: true } ? new(Native.RealPath(link)) { ReadOnly = readOnly, IsDevice = true } : throw new VolumeException($"{device} is not a block device");
    }

    string TargetOf(string uid, string volume) => _context.Folders.Volume(uid, Name, volume);

    string LinkOf(string uid, string volume) => Path.Combine(_context.Folders.VolumeDevices(uid), Name.Replace('/', '~'), volume);

    /// <remarks>That the Pod has it is forgotten last: whatever breaks in between, the next try finds it.</remarks>
    public async Task TearDownAsync(string podUid, CancellationToken ct)
    {
        foreach (string folder in _book.All)
            foreach (var (_, volume) in DiskBook.Users(folder).Where(u => u.Uid == podUid))
                await _turns.AloneAsync(folder, () => ReleaseAsync(folder, podUid, volume, ct), ct).ConfigureAwait(false);
    }

    async Task ReleaseAsync(string folder, string uid, string volume, CancellationToken ct)
    {
        await _context.Mounts.UnmountAsync(TargetOf(uid, volume), ct).ConfigureAwait(false);
        if (Native.Status(LinkOf(uid, volume)) is not null) File.Delete(LinkOf(uid, volume));
        if (DiskBook.Users(folder).Count == 1)
        {
            await _context.Mounts.UnmountAsync(DiskBook.MountOf(folder), ct).ConfigureAwait(false);
            if (DiskBook.Read(folder) is { } how)
                try { await DetachAsync(how, () => _book.All.Where(f => f != folder).Select(DiskBook.Read).OfType<IReadOnlyDictionary<string, string>>(), ct).ConfigureAwait(false); }
                catch (VolumeException e) { throw new VolumeException($"UnmountDevice failed for volume \"{volume}\" : {e.Message}", e); }
            DiskBook.Forget(folder, uid, volume);
            Tree.Delete(folder);
        }
        else DiskBook.Forget(folder, uid, volume);
    }

    /// <summary>The multipath device over a disk; null when there is none.</summary>
    protected string? Multipath(string device)
    {
        string name = Path.GetFileName(Native.RealPath(device)), blocks = Path.Combine(Programs.Options.Sys, "block");
        if (!Directory.Exists(blocks)) return null;
        return Directory.EnumerateDirectories(blocks, "dm-*").Where(dm => Path.Exists(Path.Combine(dm, "slaves", name))).Select(dm => Path.Combine(Programs.Options.Dev, Path.GetFileName(dm))).FirstOrDefault();
    }

    /// <summary>Has the kernel forget SCSI disks, and the multipath device over them.</summary>
    /// <param name="names">As <c>sdb</c>.</param>
    protected async Task RemoveAsync(IEnumerable<string> names, CancellationToken ct)
    {
        string[] disks = [.. names];
        string blocks = Path.Combine(Programs.Options.Sys, "block");
        if (Programs.Find("multipath") is not null && Directory.Exists(blocks))
            foreach (string dm in Directory.EnumerateDirectories(blocks, "dm-*").Where(dm => disks.Any(d => Path.Exists(Path.Combine(dm, "slaves", d)))))
                await Programs.RunAsync("multipath", ["-f", Path.Combine(Programs.Options.Dev, Path.GetFileName(dm))], ct).ConfigureAwait(false);
        foreach (string disk in disks)
        {
            if (Programs.Find("blockdev") is not null) await Programs.RunAsync("blockdev", ["--flushbufs", Path.Combine(Programs.Options.Dev, disk)], ct).ConfigureAwait(false);
            Tell(Path.Combine(blocks, disk, "device", "delete"), "1");
        }
    }

    /// <summary>Writes to one of the kernel's files, if it is there.</summary>
    protected static void Tell(string file, string what)
    {
        try { if (File.Exists(file)) File.WriteAllText(file, what); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { } // the kernel has its reasons; what matters is whether the disk is there
    }
}

/// <summary>A disk that a Pod's volume is on.</summary>
/// <param name="Id">The same for all volumes on one disk of one kind.</param>
/// <param name="How">What it takes to let go of it.</param>
sealed record WantedDisk(string Id, bool ReadOnly, string FsType, IReadOnlyDictionary<string, string> How);
