using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

public sealed partial class FakeCri
{
    public Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken ct) =>
        Do<IReadOnlyList<Image>>("ListImages", ct, () => [.. _images.Held.Select(i => i.ToMessage())]);

    public Task<ImageStatusResponse> ImageStatusAsync(ImageSpec image, bool verbose, CancellationToken ct) => Do("ImageStatus", ct, () =>
        image.Image.Length == 0
            ? throw new GrpcException(GrpcStatus.Unknown, "can not resolve \"\" locally: ambiguous digest string")
            : new ImageStatusResponse { Image = _images.Find(image.Image)?.ToMessage() });

    public Task<string> PullImageAsync(ImageSpec image, AuthConfig? auth, PodSandboxConfig? sandboxConfig, CancellationToken ct) =>
        Do("PullImage", ct, () => _images.Pull(image.Image).Id);

    public Task RemoveImageAsync(ImageSpec image, CancellationToken ct) => Do("RemoveImage", ct, () =>
    {
        _images.Remove(image.Image);
        return true;
    });

    public Task<ImageFsInfoResponse> ImageFsInfoAsync(CancellationToken ct) => Do("ImageFsInfo", ct, () =>
    {
        ulong used = 0;
        foreach (var image in _images.Held) used += image.Image.SizeBytes;
        return new ImageFsInfoResponse { ImageFilesystems = { Usage(used) }, ContainerFilesystems = { Usage(0) } };
    });
}
