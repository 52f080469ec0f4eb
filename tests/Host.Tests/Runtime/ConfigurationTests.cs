using System.Text.Json.Nodes;
using Hanbae.Host.Runtime;

namespace Hanbae.Host.Tests.Runtime;

public sealed class ConfigurationTests
{
    static readonly NodePaths Paths = NodePaths.Of("/srv/cluster one");
    static readonly HostFacts Plain = new(MayLowerOomScore: true, AppArmor: true, CgroupLayout.V2, UnifiedHasControllers: false, "ext4", "/usr/bin/containerd", "/usr/sbin/runc", null, "/usr/lib/cni");

    [Fact]
    public void Sockets_stay_short_however_long_the_data_folder_is()
    {
        var paths = NodePaths.Of("/home/somebody/" + new string('x', 200));
        Assert.InRange(paths.Socket.Length + ".ttrpc".Length, 1, 107);
        Assert.InRange(paths.Bridge.Length, 1, 15);
    }

    [Fact]
    public void Two_data_folders_share_no_name_and_one_folder_has_one_name()
    {
        NodePaths one = NodePaths.Of("/srv/a"), two = NodePaths.Of("/srv/b");
        Assert.Equal(one, NodePaths.Of("/srv/x/../a/"));
        Assert.Empty(((string[])[one.Run, one.Bridge, one.CniNetwork, one.NftTable, one.CgroupRoot]).Intersect([two.Run, two.Bridge, two.CniNetwork, two.NftTable, two.CgroupRoot]));
    }

    [Fact]
    public void A_plain_host_gets_what_its_own_containerd_service_would()
    {
        string config = ContainerdConfig.Render(Paths, Plain, "pause:1");
        Assert.Contains("oom_score = -999\n", config);
        Assert.Contains("restrict_oom_score_adj = false", config);
        Assert.Contains("disable_apparmor = false", config);
        Assert.Contains("snapshotter = \"overlayfs\"", config);
        Assert.Contains("root = \"/srv/cluster one/containerd/root\"", config);
        Assert.DoesNotContain("crun", config);
    }

    [Fact]
    public void A_host_without_the_right_to_lower_oom_scores_is_not_asked_to()
    {
        string config = ContainerdConfig.Render(Paths, Plain with { MayLowerOomScore = false, AppArmor = false, DataFileSystem = "overlay" }, "pause:1");
        Assert.Contains("oom_score = 0\n", config);
        Assert.Contains("restrict_oom_score_adj = true", config);
        Assert.Contains("disable_apparmor = true", config);
        Assert.Contains("snapshotter = \"native\"", config);
    }

    [Fact]
    public void Crun_runs_without_v2_only_where_both_versions_have_controllers()
    {
        var v2 = Plain with { Crun = "/usr/bin/crun" };
        Assert.Contains("BinaryName = \"/usr/bin/crun\"", ContainerdConfig.Render(Paths, v2, "pause:1"));
        var hybrid = v2 with { Cgroups = CgroupLayout.Hybrid, UnifiedHasControllers = true };
        Assert.Contains($"BinaryName = \"{ContainerdConfig.CrunWrapper(Paths)}\"", ContainerdConfig.Render(Paths, hybrid, "pause:1"));
        Assert.Contains("SystemdCgroup = true", ContainerdConfig.Render(Paths, v2, "pause:1", systemd: true));
        Assert.Contains("default_runtime_name = \"crun\"", ContainerdConfig.Render(Paths, v2 with { Runc = null }, "pause:1"));
    }

    [Theory]
    [InlineData("Name:\tx\nCapBnd:\t000001ffffffffff\n", true)]
    [InlineData("Name:\tx\nCapBnd:\t000001fffeffffff\n", false)]
    [InlineData("Name:\tx\n", false)]
    public void The_bounding_set_says_whether_oom_scores_can_be_lowered(string status, bool may) => Assert.Equal(may, HostFacts.BoundingSetHas(status, 24));

    [Fact]
    public void Both_families_have_a_range_and_a_default_route()
    {
        var bridge = JsonNode.Parse(Cni.Render(Paths, ["10.244.0.0/24", "fd00:1::/64"]))!["plugins"]![0]!;
        Assert.Equal(Paths.Bridge, (string?)bridge["bridge"]);
        Assert.Equal("""[[{"subnet":"10.244.0.0/24"}],[{"subnet":"fd00:1::/64"}]]""", bridge["ipam"]!["ranges"]!.ToJsonString());
        Assert.Equal("""[{"dst":"0.0.0.0/0"},{"dst":"::/0"}]""", bridge["ipam"]!["routes"]!.ToJsonString());
    }

    [Fact]
    public void Traffic_leaves_masqueraded_unless_it_goes_to_another_pod()
    {
        string rules = PodEgress.Render(Paths, ["10.244.1.0/24", "fd00:1::/64"], ["10.244.0.0/16"]);
        Assert.Contains("ip saddr 10.244.1.0/24 ip daddr != { 10.244.0.0/16 }", rules);
        Assert.Contains("ip6 saddr fd00:1::/64 ip6 daddr != { fd00:1::/64 }", rules);
    }

    [Fact]
    public void The_plugins_are_found_where_all_of_them_are()
    {
        Assert.Equal("/opt/cni/bin", Cni.FindPlugins(f => f == "/usr/lib/cni/loopback" || f.StartsWith("/opt/cni/bin/", StringComparison.Ordinal)));
        Assert.Null(Cni.FindPlugins(_ => false));
    }
}
