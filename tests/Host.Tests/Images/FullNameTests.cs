using Hanbae.Host.Images;

namespace Hanbae.Host.Tests.Images;

public sealed class FullNameTests
{
    [Fact]
    public void A_short_name_stands_for_a_long_one() => Assert.Equal("docker.io/library/busybox:latest", FullName.Of("busybox"));

    [Theory]
    [InlineData("")]
    [InlineData("Busybox")]
    [InlineData("busybox:")]
    [InlineData("busybox:a b")]
    [InlineData("a//b")]
    [InlineData("busybox@md5:00")]
    [InlineData("-app")]
    public void What_cannot_be_a_name_is_refused_with_an_example(string name) =>
        Assert.Contains("busybox:1.35", Assert.Throws<ImageException>(() => FullName.Of(name)).Message);
}
