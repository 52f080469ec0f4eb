using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>Mounts with <c>mount(2)</c>, in the mount namespace of this process, which must be the runtime's too.</summary>
sealed class KernelMounts(Unmounting? unmounting = null) : IMounts
{
    readonly Unmounting _unmounting = unmounting ?? new(Native.Unmount, TimeProvider.System);

    public bool CanOwn => true;

    public void Memory(string folder, string options)
    {
        // A Secret must not reach the swap device: noswap, of Linux 6.4; upstream asks for it where it is known (KEP-2400).
        string noSwap = options.Length > 0 ? "noswap," + options : "noswap";
        Filesystem("tmpfs", folder, noSwap, options);
    }

    public void HugePages(string folder, string options) => Filesystem("hugetlbfs", folder, options, options);

    static void Filesystem(string type, string folder, string options, string otherwise)
    {
        if (MountTable.Read().At(folder)?.Type == type) return;
        int error = Native.Mount(type, folder, type, 0, options);
        if (error == Native.Invalid && options != otherwise) error = Native.Mount(type, folder, type, 0, otherwise);
        if (error != 0) throw Tree.Failure("mount " + type + " at", folder, error);
    }

    public string Bind(SafeFileHandle source, string target, bool readOnly, IEnumerable<string>? options = null)
    {
        var from = Native.Status(source) ?? throw new IOException("the source of a bind mount is gone");
        if (MountTable.Read().At(target) is not null)
        {
            if (Native.Status(target) is { } there && there.IsSameFile(from)) return target;
            if (Native.Unmount(target) is not 0 and var busy) throw Tree.Failure("unmount", target, busy);
        }
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        if (from.IsFolder)
        {
            if (Native.Status(target) is { IsFolder: false }) File.Delete(target);
            Directory.CreateDirectory(target);
        }
        else
        {
            if (Native.Status(target) is { IsFolder: true }) Directory.Delete(target);
            using var file = new FileStream(target, FileMode.OpenOrCreate); // only the place to mount on
        }
        int error = Native.Mount(Native.PathOf(source), target, "", Native.MountBind, "");
        ulong own = (readOnly ? Native.MountReadOnly : 0) | (options ?? []).Aggregate(0ul, (flags, option) => flags | FlagOf(option));
        if (error == 0 && own != 0) error = Native.Mount("", target, "", Native.MountBind | Native.MountRemount | own, "");
        return error == 0 ? target : throw Tree.Failure("bind at", target, error);
    }

    /// <summary>As in <c>linux/mount.h</c>.</summary>
    static ulong FlagOf(string option) => option switch
    {
        "ro" => Native.MountReadOnly, "nosuid" => 2, "nodev" => 4, "noexec" => 8, "noatime" => 1 << 10, "nodiratime" => 1 << 11, "relatime" => 1 << 21, "strictatime" => 1 << 24, _ => 0,
    };

    public async Task UnmountBeneathAsync(string folder, CancellationToken ct)
    {
        foreach (var point in MountTable.Read().Beneath(folder)) await AwayAsync(point, ct).ConfigureAwait(false);
        if (MountTable.Read().Beneath(folder).FirstOrDefault() is { } left) throw Tree.Failure("unmount", left.Path, Native.Busy);
    }

    public async Task UnmountAsync(string path, CancellationToken ct)
    {
        // One upon the other, when a helper that was thought dead went on.
        foreach (var point in MountTable.Read().Where(p => p.Path == path).Reverse()) await AwayAsync(point, ct).ConfigureAwait(false);
    }

    async Task AwayAsync(MountPoint point, CancellationToken ct)
    {
        if (await _unmounting.UnmountAsync(point, ct).ConfigureAwait(false) is not (0 or Native.Invalid or Native.NoEntry) and var error) throw Tree.Failure("unmount", point.Path, error);
    }
}
