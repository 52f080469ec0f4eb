using System.Net;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Tests.Settings;

public sealed class AddressPlanTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-addresses-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string Cluster(string name, string settings)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        File.WriteAllText(Path.Combine(folder, ClusterSettings.FileName), settings);
        return folder;
    }

    [Theory]
    [InlineData("10.1.0.0/16", null, null)]
    [InlineData("10.1.0.0/16", "10.2.0.0/24", null)]
    [InlineData("192.0.2.128/25", null, "--pod-cidr 192.0.2.128/25 overlaps 192.0.2.0/24")]
    [InlineData(null, "192.0.0.0/16", "--service-cidr 192.0.0.0/16 overlaps 192.0.2.0/24")]
    [InlineData("10.1.0.0/16", "10.1.2.0/24", "--pod-cidr 10.1.0.0/16 and --service-cidr 10.1.2.0/24 overlap")]
    [InlineData(null, "10.2.0.0/29", "--service-cidr 10.2.0.0/29 is too small")]
    public void Ranges_that_are_asked_for_are_nobodys_and_two(string? pods, string? services, string? refusal)
    {
        var wrong = Record.Exception(() => AddressPlan.Check(pods, services, [IPNetwork.Parse("192.0.2.0/24")]));

        if (refusal is null) Assert.Null(wrong);
        else Assert.StartsWith(refusal, Assert.IsType<SettingsException>(wrong).Message);
    }

    [Fact]
    public void Another_cluster_whose_settings_cannot_be_read_does_not_stand_in_the_way()
    {
        string damaged = Cluster("damaged", "{"), whole = Path.Combine(_folder, "whole");
        Directory.CreateDirectory(whole);
        new ClusterSettings { NodeName = "n", PodCidr = "10.201.0.0/16", ServiceCidr = "10.202.0.0/16" }.Save(whole);

        var taken = AddressPlan.Taken([damaged, Path.Combine(_folder, "gone"), whole]);

        Assert.Contains(IPNetwork.Parse("10.201.0.0/16"), taken);
        Assert.Contains(IPNetwork.Parse("10.202.0.0/16"), taken);
    }
}
