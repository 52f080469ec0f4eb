using System.Text.RegularExpressions;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Local;

/// <summary>Keeps local volumes as folders beneath one, each named after its volume.</summary>
/// <remarks>
/// A volume's path is written in the API, where it may say anything: a folder is made and removed by name only, names are those that we give,
/// and removal goes by descriptor, so that no link in a volume leads out of it. A volume with a limit is a file system in a file beside its folder
/// (<see cref="LimitedFolder"/>).
/// </remarks>
public sealed partial class LocalFolders(string root) : ILocalDisk
{
    readonly LimitedFolder _limited = new(new(new(), TimeProvider.System));

    public async Task<string> MakeAsync(string volume, long limit, CancellationToken ct)
    {
        string folder = Make(volume);
        if (limit > 0) await _limited.MakeAsync(folder, limit, ct).ConfigureAwait(false);
        return folder;
    }

    public Task GrowAsync(string volume, long limit, CancellationToken ct) => _limited.GrowAsync(PathOf(volume), limit, ct);

    string Make(string volume)
    {
        string folder = PathOf(volume);
        if (!Directory.Exists(root))
        {
            Directory.CreateDirectory(root);
            if (Native.SetMode(root, 0x1C0) is not 0 and var closed) throw Tree.Failure("chmod", root, closed); // 0700: containers come by their mounts
        }
        if (Directory.Exists(folder)) return folder;
        // Open to any user, as a container may be any; it appears finished.
        string made = folder + "~";
        Tree.Delete(made);
        Directory.CreateDirectory(made);
        if (Native.SetMode(made, 0x1FF) is not 0 and var error) throw Tree.Failure("chmod", made, error);
        return Native.Rename(made, folder) is 0 or Native.Exists or Native.NotEmpty ? folder : throw new IOException($"cannot make {folder}");
    }

    public async Task RemoveAsync(string volume, string path, CancellationToken ct)
    {
        string folder = PathOf(volume);
        if (path != folder) throw new IOException($"{path} is not the folder of volume {volume}");
        await LimitedFolder.RemoveAsync(folder, ct).ConfigureAwait(false);
        Tree.Delete(folder);
    }

    string PathOf(string volume) => Ours().IsMatch(volume) ? Path.Combine(root, volume) : throw new IOException($"{volume} is no name of a volume made here");

    [GeneratedRegex(@"^pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\z")]
    private static partial Regex Ours();
}
