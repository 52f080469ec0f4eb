using Hanbae.Host.Images;

namespace Hanbae.Host.Tests.Images;

public sealed class ImageNameTests
{
    [Theory]
    [InlineData("busybox", "docker.io/library/busybox:latest")]
    [InlineData("busybox:1.35", "docker.io/library/busybox:1.35")]
    [InlineData("grafana/grafana", "docker.io/grafana/grafana:latest")]
    [InlineData("docker.io/busybox:1", "docker.io/library/busybox:1")]
    [InlineData("index.docker.io/library/busybox", "docker.io/library/busybox:latest")]
    [InlineData("localhost/app", "localhost/app:latest")]
    [InlineData("localhost:5000/app:v1", "localhost:5000/app:v1")]
    [InlineData("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10")]
    [InlineData("a/b/c__d", "docker.io/a/b/c__d:latest")]
    [InlineData("busybox@sha256:0123", "docker.io/library/busybox@sha256:0123")]
    public void A_short_name_stands_for_a_long_one(string name, string expected) => Assert.Equal(expected, ImageName.Normalize(name));

    [Theory]
    [InlineData("")]
    [InlineData("Busybox")]
    [InlineData("busybox:")]
    [InlineData("busybox:a b")]
    [InlineData("a//b")]
    [InlineData("busybox@md5:00")]
    [InlineData("-app")]
    public void What_cannot_be_a_name_is_refused_with_an_example(string name) =>
        Assert.Contains("busybox:1.35", Assert.Throws<ImageException>(() => ImageName.Normalize(name)).Message);
}
