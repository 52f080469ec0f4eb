using Hanbae.Proxy.Flows;

namespace Hanbae.Proxy.Tests.Flows;

/// <summary>What of the machine's connection tracking is set, in a folder that stands for the machine.</summary>
public sealed class ConntrackSettingsTests : IDisposable
{
    const string Folder = "proc/sys/net/netfilter", Buckets = "sys/module/nf_conntrack/parameters/hashsize";
    readonly string _root = Directory.CreateTempSubdirectory("hanbae-conntrack-").FullName;
    readonly List<string> _told = [];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    void Has(string file, long value)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_root, file))!);
        File.WriteAllText(Path.Combine(_root, file), value + "\n");
    }

    long Now(string file) => long.Parse(File.ReadAllText(Path.Combine(_root, file)));

    [Theory, InlineData(1, 131072), InlineData(4, 131072), InlineData(16, 524288), InlineData(200, 1048576)]
    public void Room_goes_by_cores_within_bounds(int cores, long room) => Assert.Equal(room, ConntrackSettings.Room(cores));

    [Theory]
    [InlineData(65536, 131072, 16384, 32768)]
    [InlineData(262144, 262144, 65536, 65536)]
    public void Room_is_only_ever_more_and_patience_is_kube_proxys(long max, long maxAfter, long buckets, long bucketsAfter)
    {
        Has($"{Folder}/nf_conntrack_max", max);
        Has(Buckets, buckets);
        Has($"{Folder}/nf_conntrack_tcp_timeout_established", 432000);
        Has($"{Folder}/nf_conntrack_tcp_timeout_close_wait", 60);

        ConntrackSettings.Apply(_root, cores: 2, _told.Add);

        Assert.Equal((maxAfter, bucketsAfter, 86400, 3600),
            (Now($"{Folder}/nf_conntrack_max"), Now(Buckets), Now($"{Folder}/nf_conntrack_tcp_timeout_established"), Now($"{Folder}/nf_conntrack_tcp_timeout_close_wait")));
        Assert.Empty(_told);
    }

    [Fact]
    public void A_machine_that_does_not_let_itself_be_set_is_told_of_once()
    {
        Has($"{Folder}/nf_conntrack_max", 65536);

        ConntrackSettings.Apply(_root, cores: 2, _told.Add);

        Assert.Equal(131072, Now($"{Folder}/nf_conntrack_max"));
        Assert.Contains("tcp_timeout_established", Assert.Single(_told));
    }
}
