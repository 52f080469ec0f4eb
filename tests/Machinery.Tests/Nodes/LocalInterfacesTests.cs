using System.Net.NetworkInformation;
using Hanbae.Machinery.Nodes;

namespace Hanbae.Machinery.Tests.Nodes;

public sealed class LocalInterfacesTests
{
    sealed class Vanishing(Exception how) : NetworkInterface
    {
        public override IPInterfaceProperties GetIPProperties() => throw how;
    }

    [Fact]
    public void One_that_vanishes_while_it_is_looked_at_is_none()
    {
        var there = NetworkInterface.GetAllNetworkInterfaces();
        var found = LocalInterfaces.Of([new Vanishing(new FileNotFoundException()), .. there, new Vanishing(new NetworkInformationException())]);
        Assert.Contains(found, f => f.Interface.NetworkInterfaceType == NetworkInterfaceType.Loopback);
        Assert.DoesNotContain(found, f => f.Interface is Vanishing);
    }

    [Theory]
    [InlineData("bridge", false)]
    [InlineData("plain", true)]
    [InlineData("gone", false)]
    public void Of_one_that_is_gone_nobody_knows_that_it_was_no_bridge(string name, bool counts)
    {
        var folder = Directory.CreateTempSubdirectory("hanbae-net-");
        try
        {
            Directory.CreateDirectory(Path.Combine(folder.FullName, "bridge", "bridge"));
            Directory.CreateDirectory(Path.Combine(folder.FullName, "plain"));
            Assert.Equal(counts, LocalInterfaces.IsNoBridge(name, folder.FullName));
        }
        finally { folder.Delete(recursive: true); }
    }
}
