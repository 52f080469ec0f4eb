using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Host.Runtime;

/// <summary>Takes away what is mounted.</summary>
static class Mounts
{
    /// <summary>Takes away all that is mounted below a folder.</summary>
    /// <returns>Each that there was, and why it is there still; null when it is gone.</returns>
    public static IReadOnlyList<(MountPoint Mount, string? Why)> Detach(string folder)
    {
        List<(MountPoint, string?)> done = [];
        foreach (var mount in MountTable.Read().Beneath(folder).ToList())
            if (DetachOne(mount) is not { } why) done.Add((mount, null));
            else if (MountTable.Read().At(mount.Path) is not null) done.Add((mount, why)); // or it went with another one that propagated its unmounting
        return done;
    }

    /// <returns>Why it is there still; null when it is gone.</returns>
    public static string? DetachOne(MountPoint mount)
    {
        try
        {
            Native.Detach(mount.Path);
            return null;
        }
        catch (IOException e) { return e.Message; }
    }
}
