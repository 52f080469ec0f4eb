using Hanbae.Cri.Tests.Containerd;
using Xunit.Abstractions;

namespace Hanbae.Cri.Tests;

public sealed class VersionSmokeTests(ContainerdNode node, ITestOutputHelper output) : IClassFixture<ContainerdNode>
{
    [Fact]
    public async Task Containerd_tells_its_version()
    {
        var cri = new CriClient(node.Channel);
        var version = await cri.VersionAsync(default);
        output.WriteLine(version.ToString());
        Assert.Equal("containerd", version.RuntimeName);
        output.WriteLine((await cri.StatusAsync(false, default)).ToString());
        output.WriteLine((await cri.ListImagesAsync(null, default)).Count + " images");
    }
}
