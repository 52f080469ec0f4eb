using Hanbae.Host.Images;

namespace Hanbae.Host.Tests.Images;

public sealed class PinnedImagesTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-pins-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_pinned_stays_until_it_is_unpinned()
    {
        var pins = new PinnedImages(Path.Combine(_folder, "kubelet"));
        Assert.Equal("docker.io/library/busybox:1", pins.Pin("busybox:1"));
        pins.Pin("busybox:1");
        pins.Pin("registry.example/app:2");
        Assert.Equal(["docker.io/library/busybox:1", "registry.example/app:2"], new PinnedImages(Path.Combine(_folder, "kubelet")).Names);
        pins.Unpin("busybox:1");
        Assert.Equal(["registry.example/app:2"], pins.Names);
        Assert.Contains("is not pinned", Assert.Throws<ImageException>(() => pins.Unpin("busybox:1")).Message);
    }
}
