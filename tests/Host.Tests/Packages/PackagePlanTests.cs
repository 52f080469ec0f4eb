using Hanbae.Host.Packages;

namespace Hanbae.Host.Tests.Packages;

public sealed class PackagePlanTests
{
    const string Debian = "PRETTY_NAME=\"Debian\"\nID=debian\n", Mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", Fedora = "ID=fedora\n";

    [Fact]
    public void Nothing_is_done_when_nothing_is_missing() =>
        Assert.IsType<PackagePlan.Nothing>(PackagePlan.For(PackagePlan.ForNode, _ => true, Fedora, root: false, apt: false, "hanbae up"));

    [Theory]
    [InlineData(Debian)]
    [InlineData(Mint)]
    public void Root_gets_just_what_is_missing(string system)
    {
        var plan = PackagePlan.For(PackagePlan.ForNode, p => p is not ("nft" or "conntrack" or "runc") && !p.EndsWith("/bridge", StringComparison.Ordinal), system, root: true, apt: true, "hanbae up");
        // crun does what runc does, and it is there.
        Assert.Equal("containernetworking-plugins nftables conntrack", string.Join(' ', Assert.IsType<PackagePlan.Install>(plan).Packages));
    }

    [Fact]
    public void Who_is_not_root_is_told_what_to_type()
    {
        var ask = Assert.IsType<PackagePlan.Ask>(PackagePlan.For(PackagePlan.ForNode, p => p != "nft", Debian, root: false, apt: true, "./hanbae up --data-dir x"));
        Assert.Contains("sudo apt-get install -y --no-install-recommends nftables", ask.Message);
        Assert.Contains("sudo ./hanbae up --data-dir x", ask.Message);
    }

    [Fact]
    public void Other_systems_are_told_what_for()
    {
        var ask = Assert.IsType<PackagePlan.Ask>(PackagePlan.For(PackagePlan.ForNode, p => p != "nft", Fedora, root: true, apt: false, "./hanbae up"));
        Assert.Contains("nft routes Services to pods", ask.Message);
        Assert.DoesNotContain("apt-get", ask.Message);
    }
}
