using Hanbae.Host.Images;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Tests.Images;

public sealed class ImageTableTests
{
    [Fact]
    public void Every_name_has_a_line() => Assert.Equal(
        """
        NAME                             IMAGE ID        SIZE
        a@sha256:77                      1234            999B
        docker.io/library/busybox:1.35   0123456789abc   2.13MB
        docker.io/library/busybox:old    0123456789abc   2.13MB

        """,
        ImageTable.Render([new("sha256:0123456789abcdef", ["docker.io/library/busybox:old", "docker.io/library/busybox:1.35"], [], 2_130_400), new("sha256:1234", [], ["a@sha256:77"], 999)]));

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(999_600, "1MB")]
    [InlineData(123_456_789_000, "123GB")]
    public void Sizes_have_three_digits(long bytes, string expected) => Assert.Equal(expected, ImageTable.Human(bytes));
}
