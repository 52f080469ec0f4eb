namespace Hanbae.Cri.Tests;

public sealed class ImageNameTests
{
    [Theory]
    [InlineData("busybox", "docker.io/library/busybox:latest")]
    [InlineData("busybox:1.35", "docker.io/library/busybox:1.35")]
    [InlineData("spec/done:1", "docker.io/spec/done:1")]
    [InlineData("docker.io/busybox", "docker.io/library/busybox:latest")]
    [InlineData("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10")]
    [InlineData("localhost/x", "localhost/x:latest")]
    [InlineData("host:5000/a/b", "host:5000/a/b:latest")]
    [InlineData("index.docker.io/library/busybox", "docker.io/library/busybox:latest")]
    [InlineData("localhost:5000/app:v1", "localhost:5000/app:v1")]
    [InlineData("a/b/c__d", "docker.io/a/b/c__d:latest")]
    [InlineData("Upper/x", "Upper/x:latest")]
    [InlineData("[fd00::1]:5000/x", "[fd00::1]:5000/x:latest")]
    [InlineData("a/b@sha256:00", "docker.io/a/b@sha256:00")]
    [InlineData("a/b:1@sha256:00", "docker.io/a/b@sha256:00")]
    public void A_short_name_is_completed(string name, string full) => Assert.Equal(full, ImageName.Normalize(name));

    [Theory, InlineData(""), InlineData("UPPER"), InlineData("a//b"), InlineData("a:"), InlineData("a@x"), InlineData("a@md5:00"), InlineData("-app"), InlineData("a_-b"), InlineData("a:b c"), InlineData("a\n"), InlineData("bad_host.x-/a"), InlineData("host:5000/")]
    public void What_is_no_name_is_null(string name) => Assert.Null(ImageName.Normalize(name));
}
