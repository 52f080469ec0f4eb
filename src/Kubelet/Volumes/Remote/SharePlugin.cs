using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>File systems of servers: mounted once for each Pod, beneath its folder. Whose files are is the server's affair: <c>fsGroup</c> changes nothing, as upstream.</summary>
abstract class SharePlugin(VolumeContext context, ProgramMounts mounts) : IRemotePlugin
{
    public abstract string Name { get; }
    protected VolumeContext Context => context;
    protected ProgramMounts Mounts => mounts;

    public abstract bool Serves(Volume volume);
    public abstract bool Serves(PersistentVolumeSpec spec);
    /// <summary>Whether the source itself says so.</summary>
    protected abstract bool IsReadOnly(RemoteWish wish);
    /// <summary>What has to be mounted; asked only when it is not mounted yet.</summary>
    /// <exception cref="VolumeException">Something for it is not there.</exception>
    protected abstract Task<Share> ShareAsync(RemoteWish wish, CancellationToken ct);

    public Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct) => PrepareAsync(RemoteWish.Of(pod, volume), ct);

    public async Task<PreparedVolume> PrepareAsync(RemoteWish wish, CancellationToken ct)
    {
        if (wish.Block) throw new VolumeException($"volume {wish.Name} has volumeMode Block, but no block volume plugin matched") { Volume = wish.Name };
        string target = context.Folders.Volume(wish.Uid, Name, wish.Name);
        bool readOnly = wish.ReadOnly || IsReadOnly(wish);
        if (MountTable.Read().At(target) is null)
            try
            {
                VolumeContext.MakePrivate(context.Folders.Volumes(wish.Uid));
                using var share = context.Mounts.CanOwn ? await ShareAsync(wish, ct).ConfigureAwait(false) : new(Name, "");
                IEnumerable<string> options = share.Options.Concat(wish.MountOptions);
                if (readOnly) options = options.Append("ro");
                await mounts.MountAsync(share.Type, share.Source, target, options.Distinct(), ct, share.Daemon).ConfigureAwait(false);
            }
            catch (VolumeException e) when (e.Volume.Length == 0 && wish.Inline is null) { throw new VolumeException(e.Message, e) { Volume = wish.Name }; }
        return new(target) { ReadOnly = readOnly, IsRemote = true };
    }
}

/// <summary>What is mounted of a server.</summary>
/// <param name="Type">As <c>mount -t</c> calls it.</param>
sealed record Share(string Type, string Source) : IDisposable
{
    public Seq<string> Options { get; init; }
    /// <summary>Something goes on running for it.</summary>
    public bool Daemon { get; init; }
    /// <summary>What an option refers to; it must be there until the helper is done.</summary>
    public SecretFile? Secret { get; init; }

    public void Dispose() => Secret?.Dispose();
}
