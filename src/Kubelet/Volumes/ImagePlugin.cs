using Hanbae.Api.Core.V1;

namespace Hanbae.Kubelet.Volumes;

/// <summary>The files of an OCI image (KEP-4639): the runtime mounts them, here is nothing to do but say so.</summary>
sealed class ImagePlugin : IVolumePlugin
{
    public string Name => "kubernetes.io/image";

    public bool Serves(Volume volume) => volume.Image is not null;

    public Task<PreparedVolume> PrepareAsync(Pod pod, Volume volume, CancellationToken ct) =>
        Task.FromResult(new PreparedVolume("") { ImageReference = volume.Image!.Reference, ReadOnly = true });
}
