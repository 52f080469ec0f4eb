using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Kubelet.Volumes.Content;

/// <summary>Volumes that show what the API says: read-only files that follow changes, each change in one step.</summary>
abstract class ContentPlugin(VolumeContext context) : IVolumePlugin
{
    public abstract string Name { get; }
    /// <summary>Kept in memory, for what must not be found on a stolen disk.</summary>
    protected virtual bool InMemory => true;
    protected VolumeContext Context { get; } = context;

    public abstract bool Serves(Volume volume);
    protected abstract Task<List<ContentFile>> FilesAsync(Pod pod, Volume volume, CancellationToken ct);

    /// <remarks>A volume that is there stays usable when its object is gone or the server is away; <see cref="RefreshAsync"/> tells of that.</remarks>
    public async Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        try { return await WriteAsync(pod, volume, ct); }
        catch (Exception e) when (e is VolumeException or ApiException)
        {
            string folder = Context.Folders.Volume(pod.Metadata.Uid, Name, volume.Name);
            if (AtomicWriter.HasContent(folder)) return new(folder) { ReadOnly = true };
            throw;
        }
    }

    public Task RefreshAsync(Pod pod, Volume volume, CancellationToken ct) => WriteAsync(pod, volume, ct);

    async Task<PreparedVolume> WriteAsync(Pod pod, Volume volume, CancellationToken ct)
    {
        var files = await FilesAsync(pod, volume, ct);
        string folder = Context.MakeFolder(pod.Metadata.Uid, Name, volume.Name, _ => { });
        if (InMemory) Context.Mounts.Memory(folder, "");
        if (!Context.Mounts.CanOwn) files = [.. files.Select(f => f with { User = null })];
        AtomicWriter.Write(folder, files, Context.Time.GetUtcNow(), made =>
        {
            if (Context.Mounts.CanOwn && pod.Spec.SecurityContext?.FsGroup is { } group) FsGroup.Apply(made, group, readOnly: true, ct);
        });
        return new(folder) { ReadOnly = true };
    }

    protected async Task<List<ContentFile>> ConfigMapAsync(Pod pod, string name, Seq<KeyToPath> items, int? mode, bool optional, CancellationToken ct)
    {
        var map = await Context.Objects.ConfigMapAsync(pod.Metadata.Namespace, name, ct);
        if (map is null && !optional) throw new VolumeException($"configmap \"{name}\" not found");
        return ContentFiles.Of(ContentFiles.DataOf(map), items, mode, optional, "config");
    }

    protected async Task<List<ContentFile>> SecretAsync(Pod pod, string name, Seq<KeyToPath> items, int? mode, bool optional, CancellationToken ct)
    {
        var secret = await Context.Objects.SecretAsync(pod.Metadata.Namespace, name, ct);
        if (secret is null && !optional) throw new VolumeException($"secret \"{name}\" not found");
        return ContentFiles.Of(secret?.Data ?? default, items, mode, optional, "secret");
    }
}
