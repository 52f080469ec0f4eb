using Hanbae.Host.Commands;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Tests.Commands;

public sealed class ImageTests
{
    [Fact]
    public void A_control_plane_alone_has_no_images_and_says_why()
    {
        string folder = Directory.CreateTempSubdirectory("hanbae-images-").FullName;
        try
        {
            new ClusterSettings { NodeName = "n", PodCidr = "10.201.0.0/16", ServiceCidr = "10.202.0.0/16", ControlPlaneOnly = true }.Save(folder);
            Assert.Contains("has no node on this machine (--control-plane-only)", Assert.Throws<RuntimeException>(() => Image.Store(folder)).Message);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    [Fact]
    public void A_kubelet_alone_has_images_where_its_runtime_is()
    {
        var paths = NodePaths.Of(Directory.CreateTempSubdirectory("hanbae-images-").FullName);
        try
        {
            Assert.Contains("there is no cluster in", Assert.Throws<SettingsException>(() => Image.Store(paths.Data)).Message);
            DataFolder.Claim(paths);
            Assert.Equal($"the kubelet does not run, and images are in its runtime; start it with `hanbae kubelet --data-dir {paths.Data}`", Assert.Throws<RuntimeException>(() => Image.Store(paths.Data)).Message);
            File.WriteAllText(paths.OtherRuntime, "unix:///run/other.sock");
            Assert.NotNull(Image.Store(paths.Data));
        }
        finally { Directory.Delete(paths.Data, recursive: true); }
    }

    [Theory]
    [InlineData("docker.io/library/app:latest", true)]
    [InlineData("docker.io/library/app:1", false)]
    [InlineData("docker.io/library/latest:2", false)]
    public void What_each_Pod_would_pull_is_told(string name, bool told) => Assert.Equal(told, Image.Advice(name) is not null);
}
