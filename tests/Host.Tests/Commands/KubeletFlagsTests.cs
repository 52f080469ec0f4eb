using System.CommandLine;
using System.Net;
using Hanbae.Api.Json;
using Hanbae.Host.Commands;
using Hanbae.Host.Settings;
using Hanbae.Kubelet.Configuration;

namespace Hanbae.Host.Tests.Commands;

/// <summary>The flags that upstream's kubelet has, as its configuration says them.</summary>
public sealed class KubeletFlagsTests
{
    static readonly Kubelet.KubeletOptions s_plain = new() { NodeName = "n", Folders = new("/d", "/l") };

    static JsonObject Read(params string[] args)
    {
        var (flags, command) = (new KubeletFlags(), new Command("kubelet"));
        flags.AddTo(command);
        var parsed = command.Parse(args);
        Assert.Empty(parsed.Errors);
        return flags.Read(parsed);
    }

    [Theory]
    [InlineData("", "{}")]
    [InlineData("--max-pods=7", """{"maxPods":7}""")]
    [InlineData("--max-pods 7 --max-pods 8", """{"maxPods":8}""")]
    [InlineData("--register-node=false --fail-swap-on", """{"registerNode":false,"failSwapOn":true}""")]
    [InlineData("--pod-manifest-path /etc/manifests", """{"staticPodPath":"/etc/manifests"}""")]
    [InlineData("--cluster-dns 10.0.0.1,10.0.0.2 --cluster-dns 10.0.0.3", """{"clusterDNS":["10.0.0.1","10.0.0.2","10.0.0.3"]}""")]
    [InlineData("--feature-gates MemoryQoS=true,QOSReserved=false", """{"featureGates":{"MemoryQoS":true,"QOSReserved":false}}""")]
    [InlineData("--system-reserved cpu=200m,memory=1Gi", """{"systemReserved":{"cpu":"200m","memory":"1Gi"}}""")]
    [InlineData("--eviction-hard memory.available<200Mi,nodefs.available<5%", """{"evictionHard":{"memory.available":"200Mi","nodefs.available":"5%"}}""")]
    [InlineData("--register-with-taints a=b:NoSchedule,c:NoExecute", """{"registerWithTaints":[{"key":"a","effect":"NoSchedule","value":"b"},{"key":"c","effect":"NoExecute"}]}""")]
    [InlineData("--reserved-memory 0:memory=1Gi,hugepages-2Mi=2Mi --reserved-memory 1:memory=2Gi",
        """{"reservedMemory":[{"numaNode":0,"limits":{"memory":"1Gi","hugepages-2Mi":"2Mi"}},{"numaNode":1,"limits":{"memory":"2Gi"}}]}""")]
    public void A_flag_says_what_a_field_says(string args, string fields) => Assert.Equal(JsonValue.Parse(fields), Read(args.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Fact]
    public void No_threshold_at_all_may_be_asked_for() => Assert.Empty(ClusterSettings.Configured(s_plain, null, null, Read("--eviction-hard=")).Options.Eviction);

    [Theory]
    [InlineData("--max-pods=many", "--max-pods many is no number")]
    [InlineData("--register-node=perhaps", "--register-node perhaps is neither true nor false")]
    [InlineData("--feature-gates=MemoryQoS", "--feature-gates: malformed pair, expect string=string: MemoryQoS")]
    [InlineData("--feature-gates=MemoryQoS=yes", "--feature-gates yes is neither true nor false")]
    [InlineData("--register-with-taints=a=b", "--register-with-taints: invalid taint spec: a=b")]
    [InlineData("--register-with-taints=a=b:Never", "--register-with-taints: invalid taint effect: Never, unsupported taint effect")]
    [InlineData("--register-with-taints=a=b=c:NoExecute", "--register-with-taints: invalid taint spec: a=b=c:NoExecute")]
    [InlineData("--reserved-memory=memory=1Gi", "--reserved-memory: the reserved memory has incorrect format, expected numaNodeID:type=quantity[,type=quantity...], got memory=1Gi")]
    public void What_is_no_value_of_a_flag_is_refused(string arg, string why) => Assert.Equal(why, Assert.Throws<SettingsException>(() => Read(arg)).Message);

    [Fact]
    public void An_unknown_flag_is_refused()
    {
        Assert.Equal(["Unrecognized command or argument '--no-such-flag'."], KubeletAlone.Command().Parse(["--no-such-flag"]).Errors.Select(e => e.Message));
        Assert.Empty(KubeletAlone.Command().Parse(["--v=2", "--node-ip=::", "--cert-dir=/c", "--node-labels=a=b", "--cloud-provider=external", "--max-pods=1"]).Errors);
    }

    public static TheoryData<string> Fields => new(KubeletFlags.Fields);

    [Theory, MemberData(nameof(Fields))]
    public void Every_flag_is_a_field_of_the_configuration(string field) =>
        Assert.DoesNotContain("unknown field", Record.Exception(() => KubeletConfiguration.Read([], s_plain, JsonObject.Of((field, ""))))?.Message ?? "");

    [Fact]
    public void A_flag_beats_the_files()
    {
        const string file = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 5\nsystemReserved: {cpu: 1}\nfeatureGates: {MemoryQoS: true, A: true}\naddress: 127.0.0.1\n";
        var (options, unused) = KubeletConfiguration.Read([("", file)], s_plain, Read("--max-pods=6", "--system-reserved=memory=1Gi", "--feature-gates=A=false", "--hairpin-mode=none"));
        Assert.Equal((6, "127.0.0.1"), (options.MaxPods, options.Address.ToString()));
        Assert.Equal("memory", Assert.Single(options.SystemReserved).Key); // a map as a whole
        Assert.Equal((true, true, false), (options.MemoryQos, options.FeatureGates["MemoryQoS"], options.FeatureGates["A"])); // gates one by one
        Assert.Equal(["hairpinMode"], unused);
    }

    [Fact]
    public void Labels_are_taken_that_are_a_kubelets_to_set()
    {
        var labels = NodeFlags.Labels(["team=blue,empty", "node.kubernetes.io/pool=a,topology.kubernetes.io/zone=z", "x.kubelet.kubernetes.io/y=1"]);
        Assert.Equal(("blue", "", "a", "z", "1"), (labels["team"], labels["empty"], labels["node.kubernetes.io/pool"], labels["topology.kubernetes.io/zone"], labels["x.kubelet.kubernetes.io/y"]));
    }

    [Theory]
    [InlineData("node-role.kubernetes.io/worker=,a.k8s.io/b=1", "unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [a.k8s.io/b node-role.kubernetes.io/worker]\n")]
    [InlineData("a b=1", "invalid node labels: 'a b' - name part must consist of")]
    [InlineData("a=b c", "invalid node labels: 'b c' - a valid label must be")]
    public void Other_labels_are_refused(string labels, string why) => Assert.StartsWith(why, Assert.Throws<SettingsException>(() => NodeFlags.Labels([labels])).Message);

    static readonly IPAddress[] s_local = [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00::1"), IPAddress.Loopback];

    [Theory]
    [InlineData("", "")]
    [InlineData("10.0.0.1", "10.0.0.1")]
    [InlineData("fd00::1, 10.0.0.1", "fd00::1,10.0.0.1")]
    public void The_nodes_addresses_may_be_said(string given, string addresses) => Assert.Equal(addresses, string.Join(',', NodeFlags.Addresses(given, s_local)));

    [Theory]
    [InlineData("ten", "bad --node-ip \"ten\": could not parse \"ten\"")]
    [InlineData("10.0.0.1,10.0.0.1", "bad --node-ip \"10.0.0.1,10.0.0.1\": must contain either a single IP or a dual-stack pair of IPs")]
    [InlineData("127.0.0.1", "bad --node-ip \"127.0.0.1\": nodeIP can't be loopback address")]
    [InlineData("224.0.0.1", "bad --node-ip \"224.0.0.1\": nodeIP can't be a multicast address")]
    [InlineData("169.254.0.1", "bad --node-ip \"169.254.0.1\": nodeIP can't be a link-local unicast address")]
    [InlineData("::,10.0.0.1", "bad --node-ip \"::,10.0.0.1\": nodeIP can't be an all zeros address")]
    [InlineData("10.0.0.2", "bad --node-ip \"10.0.0.2\": node IP: \"10.0.0.2\" not found in the host's network interfaces")]
    public void An_address_that_the_node_cannot_have_is_refused(string given, string why) => Assert.Equal(why, Assert.Throws<SettingsException>(() => NodeFlags.Addresses(given, s_local)).Message);

    [Theory]
    [InlineData(0, "warning")]
    [InlineData(2, "information")]
    [InlineData(4, "debug")]
    [InlineData(10, "trace")]
    public void Verbosity_is_a_level(int verbosity, string level) => Assert.Equal(level, KubeletAlone.LevelOf(verbosity));
}
