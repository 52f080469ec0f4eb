using Hanbae.Host.Commands;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;

namespace Hanbae.Host.Tests.Settings;

/// <summary>What `up` makes of what it is asked for.</summary>
public sealed class ClusterSettingsTests
{
    static ClusterSettings Settled(string? healthz, string? metrics) =>
        new Asked { ControlPlaneOnly = true, ProxyHealthz = healthz, ProxyMetrics = metrics }
            .Settle(new() { NodeName = "n", PodCidr = "10.201.0.0/16", ServiceCidr = "10.202.0.0/16" }, NodePaths.Of(Path.GetTempPath()));

    [Theory]
    [InlineData(null, null, "0.0.0.0:10256", "127.0.0.1:10249")]
    [InlineData("127.0.0.1", "0.0.0.0", "127.0.0.1:10256", "0.0.0.0:10249")]
    [InlineData("127.0.0.1:1", "[::1]:2", "127.0.0.1:1", "[::1]:2")]
    [InlineData("::", "::0", "[::]:10256", "[::]:10249")]
    [InlineData("", "", "", "")]
    public void The_proxy_is_asked_where_its_flags_say(string? healthz, string? metrics, string healthzAt, string metricsAt)
    {
        var settings = Settled(healthz, metrics);

        Assert.Equal((healthzAt, metricsAt), (settings.ProxyHealthzAt?.ToString() ?? "", settings.ProxyMetricsAt?.ToString() ?? ""));
    }

    [Theory]
    [InlineData("Foo_Bar", null, "--node-name Foo_Bar: a lowercase RFC 1123 subdomain")]
    [InlineData(null, "a_b!", "--cluster-domain a_b!: a lowercase RFC 1123 subdomain")]
    public void What_is_no_name_is_refused_before_anything_starts(string? node, string? domain, string refusal)
    {
        var asked = new Asked { NodeName = node, Domain = domain, ControlPlaneOnly = true };
        Assert.StartsWith(refusal, Assert.Throws<SettingsException>(() => asked.Settle(null, NodePaths.Of(Path.GetTempPath()))).Message);
    }

    [Theory]
    [InlineData("/srv/one", "hanbae down --data-dir /srv/one")]
    [InlineData("/srv/two words", "hanbae down --data-dir '/srv/two words'")]
    public void What_to_type_next_names_the_same_cluster(string folder, string typed) => Assert.Equal(typed, Shared.Again("down", folder));

    [Fact]
    public void What_is_no_address_is_an_error_that_names_the_flag()
    {
        Assert.StartsWith("--healthz-bind-address here is no address", Assert.Throws<SettingsException>(() => Settled("here", null)).Message);
        Assert.StartsWith("--metrics-bind-address 1.2.3.4:x is no address", Assert.Throws<SettingsException>(() => Settled(null, "1.2.3.4:x")).Message);
    }
}
