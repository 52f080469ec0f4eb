using Hanbae.Api.Core.V1;
using Hanbae.Cri;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Mounts images as volumes where the runtime cannot (KEP-4639): read-only, one mount per Pod and volume.</summary>
/// <remarks>What was made is written down in the Pod's folder before it is made, so that a kubelet that was killed leaves no snapshot behind.</remarks>
sealed class ImageMounts(ImageSnapshots snapshots, PodFolders folders)
{
    /// <returns>The folder that shows the image's files.</returns>
    /// <exception cref="VolumeException"/>
    /// <exception cref="Hanbae.Grpc.GrpcException"/>
    public async Task<string> MountAsync(Pod pod, string volume, string imageId, CancellationToken ct)
    {
        string uid = pod.Metadata.Uid, data = Native.RealPath(folders.Data), folder = (folders with { Data = data }).Volume(uid, "kubernetes.io/image", volume);
        if (MountTable.Read().At(folder) is not null) return folder;
        VolumeContext.MakePrivate(folders.Volumes(uid));
        Directory.CreateDirectory(folder);
        string key = $"hanbae-{uid}-{volume}";
        if (!Keys(uid).Contains(key)) await File.AppendAllLinesAsync(ListOf(uid), [key], ct).ConfigureAwait(false);
        foreach (var mount in await snapshots.ViewAsync(key, imageId, ct).ConfigureAwait(false))
        {
            const ulong noExecute = 8, noSetUser = 2, noDevices = 4;
            bool bind = mount.Options.Any(o => o is "bind" or "rbind");
            string data0 = string.Join(',', mount.Options.Where(o => o is not ("bind" or "rbind" or "ro" or "rw")));
            int error = Native.Mount(mount.Source, folder, bind ? "" : mount.Type, bind ? Native.MountBind : Native.MountReadOnly | noExecute | noSetUser | noDevices, data0);
            if (error == 0 && bind) error = Native.Mount("", folder, "", Native.MountBind | Native.MountRemount | Native.MountReadOnly | noExecute | noSetUser | noDevices, "");
            if (error != 0) throw new VolumeException($"MountVolume.SetUp failed for volume \"{volume}\" : mount image: {Native.Text(error)}");
        }
        return folder;
    }

    /// <summary>Gives back what a Pod's image volumes took of the runtime; they must be unmounted already.</summary>
    /// <exception cref="Hanbae.Grpc.GrpcException"/>
    public async Task ReleaseAsync(string uid, CancellationToken ct)
    {
        if (!File.Exists(ListOf(uid))) return;
        foreach (string key in Keys(uid)) await snapshots.RemoveAsync(key, ct).ConfigureAwait(false);
        File.Delete(ListOf(uid));
    }

    string[] Keys(string uid) => File.Exists(ListOf(uid)) ? File.ReadAllLines(ListOf(uid)) : [];

    string ListOf(string uid) => Path.Combine(folders.Pod(uid), "image-snapshots");
}
