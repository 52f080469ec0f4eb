using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Registry.Services;

namespace Hanbae.Server.Tests.Services;

/// <summary>What addresses, families and policy of a Service may be together, in upstream's words and order.</summary>
public sealed class ClusterIPsTests
{
    static Service Of(string ips, string families, string policy, string first = "") => new()
    {
        Metadata = new() { Name = "s", Namespace = "default" },
        Spec = new()
        {
            Type = "ClusterIP", ClusterIP = first.Length > 0 ? first : ips.Split(',')[0], ClusterIPs = Seq(ips), IpFamilies = Seq(families),
            IpFamilyPolicy = policy.Length == 0 ? null : policy,
        },
    };

    static Seq<string> Seq(string list) => [.. list.Split(',', StringSplitOptions.RemoveEmptyEntries)];

    static string Said(Service service, Service? old = null) => string.Join('|', ServiceClusterIPs.Check(service, old));

    [Theory]
    [InlineData("10.0.0.1,2001:db8::1", "IPv4,IPv6", "RequireDualStack", "")]
    [InlineData("None", "IPv6", "SingleStack", "")]
    [InlineData("10.0.0.1", "IPv6", "", "spec.clusterIPs[0]: Invalid value: \"10.0.0.1\": expected an IPv6 value as indicated by `ipFamilies[0]`")]
    [InlineData("10.0.0.1,10.0.0.2", "", "", "spec.clusterIPs: Invalid value: [\"10.0.0.1\",\"10.0.0.2\"]: may specify no more than one IP for each IP family")]
    [InlineData("None,10.0.0.1", "", "", "spec.clusterIPs: Invalid value: [\"None\",\"10.0.0.1\"]: 'None' must be the first and only value")]
    [InlineData("10.0.0.1,None,x", "IPv4,IPv4", "Triple", "spec.ipFamilies[1]: Duplicate value: \"IPv4\"|spec.ipFamilyPolicy: Unsupported value: \"Triple\": supported values: \"PreferDualStack\", \"RequireDualStack\", \"SingleStack\""
        + "|spec.clusterIPs[1]: Invalid value: \"None\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)|spec.clusterIPs[2]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        + "|spec.clusterIPs: Invalid value: [\"10.0.0.1\",\"None\",\"x\"]: may only hold up to 2 values")]
    [InlineData("10.0.0.1", "IPv5", "", "spec.ipFamilies[0]: Unsupported value: \"IPv5\": supported values: \"IPv4\", \"IPv6\"")]
    public void What_does_not_go_together_is_told(string ips, string families, string policy, string said) => Assert.Equal(said, Said(Of(ips, families, policy)));

    [Fact]
    public void The_first_address_is_said_twice() =>
        Assert.Equal("spec.clusterIPs: Invalid value: [\"10.0.0.1\"]: first value must match `clusterIP`", Said(Of("10.0.0.1", "", "", first: "10.0.0.2")));

    [Theory]
    [InlineData("10.0.0.1", "IPv4", "SingleStack", "")]
    [InlineData("10.0.0.1", "IPv4", "PreferDualStack", "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to 'SingleStack' when releasing the secondary clusterIP"
        + "|spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to 'SingleStack' when releasing the secondary ipFamily")]
    [InlineData("10.0.0.2,2001:db8::1", "IPv4,IPv6", "RequireDualStack", "spec.clusterIPs[0]: Invalid value: [\"10.0.0.2\",\"2001:db8::1\"]: may not change once set")]
    [InlineData("None", "", "RequireDualStack", "spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set"
        + "|spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be set to 'SingleStack' when releasing the secondary clusterIP")]
    public void An_address_is_for_life_and_the_second_goes_when_asked_to(string ips, string families, string policy, string said) =>
        Assert.Equal(said, Said(Of(ips, families, policy), Of("10.0.0.1,2001:db8::1", "IPv4,IPv6", "RequireDualStack")));

    [Fact]
    public void Headless_Services_may_change_their_families() => Assert.Equal("", Said(Of("None", "IPv6", "SingleStack"), Of("None", "IPv4", "SingleStack")));
}
