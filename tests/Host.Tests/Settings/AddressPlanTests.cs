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
