using Hanbae.Kubelet.Volumes.Disk;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Opens a part of a volume so that what is opened lies in the volume, whatever links a container made there and whenever it makes them.</summary>
/// <remarks>Upstream looks, opens step by step and looks again (CVE-2017-1002101, CVE-2021-25741); <c>openat2</c> lets the kernel do it in one.</remarks>
static class SubPaths
{
    /// <exception cref="VolumeException">The path is not one that may be asked for.</exception>
    public static string Check(string subPath)
    {
        if (subPath.StartsWith('/')) throw new VolumeException($"error SubPath `{subPath}` must not be an absolute path");
        if (subPath.Split('/').Contains("..")) throw new VolumeException($"unable to provision SubPath `{subPath}`: must not contain '..'");
        return string.Join('/', subPath.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(s => s != "."));
    }

    /// <summary>Opens the path; what is missing becomes folders, with the permissions of the volume's top.</summary>
    /// <exception cref="IOException"/>
    public static SafeFileHandle Open(string volume, string subPath)
    {
        // The volume itself may be a link (a hostPath): it was the Pod's author who named it, not a container.
        using var top = OpenTop(volume);
        if (subPath.Length == 0) return Native.OpenBeneath(top, ".", out int self) ?? throw Tree.Failure("open", volume, self);
        if (Native.OpenBeneath(top, subPath, out int error) is { } there) return there;
        if (error != Native.NoEntry) throw Refused(volume, subPath, error);

        uint mode = Native.Status(top)?.Permissions ?? 0x1ED;
        var at = Native.OpenBeneath(top, ".", out error) ?? throw Refused(volume, subPath, error);
        string[] steps = subPath.Split('/');
        for (int i = 0; i < steps.Length; i++)
        {
            var next = Native.OpenBeneath(top, string.Join('/', steps[..(i + 1)]), out error);
            if (next is null && error == Native.NoEntry)
            {
                error = Native.MakeFolderAt(at, steps[i], 0x1C0); // nobody's until it has its permissions
                if (error is 0 or Native.Exists)
                {
                    bool made = error == 0;
                    next = Native.OpenAt(at, Native.Bytes(steps[i]), Native.PathOnly | Native.Folder, out error);
                    if (next is not null && made) error = Native.SetMode(next, mode | (Native.Status(next)!.Value.Permissions & 0x400));
                }
            }
            at.Dispose();
            if (next is null || error != 0) { next?.Dispose(); throw Refused(volume, subPath, error); }
            at = next;
        }
        return at;
    }

    static SafeFileHandle OpenTop(string volume) =>
        Native.OpenAt(null, Native.Bytes(Directory.ResolveLinkTarget(volume, returnFinalTarget: true)?.FullName ?? volume), Native.PathOnly | Native.Folder, out int error)
        ?? throw Tree.Failure("open", volume, error);

    static IOException Refused(string volume, string subPath, int error) => error switch
    {
        Native.CrossDevice or Native.Loop => new($"subPath \"{subPath}\" not within volume path \"{volume}\""),
        Native.NoSystemCall => new("subPath needs Linux 5.6 or later (openat2)"),
        _ => Tree.Failure("open", volume + "/" + subPath, error),
    };
}
