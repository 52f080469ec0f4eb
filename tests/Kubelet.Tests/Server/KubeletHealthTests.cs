using Hanbae.Kubelet.Server;

namespace Hanbae.Kubelet.Tests.Server;

public sealed class KubeletHealthTests
{
    [Theory]
    [InlineData(null, false, null, 200, "ok")]
    [InlineData(null, true, null, 200, "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n")]
    [InlineData("syncloop", false, null, 200, "ok")]
    [InlineData("syncloop", false, "it hangs", 500, "internal server error: it hangs\n")]
    [InlineData(null, false, "it hangs", 500, "[+]ping ok\n[+]log ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n")]
    [InlineData("none", false, null, 404, "404 page not found\n")]
    public void Health_is_told_by_parts(string? part, bool verbose, string? trouble, int status, string text) =>
        Assert.Equal((status, text), new KubeletHealth(() => trouble).Answer(part, verbose));

    [Fact]
    public void Health_is_a_metric_too()
    {
        string? trouble = null;
        var health = new KubeletHealth(() => trouble);
        health.Answer(null, false);
        trouble = "it hangs";
        string text = health.Slis();
        Assert.Contains("kubernetes_healthcheck{name=\"ping\",type=\"healthz\"} 1\n", text);
        Assert.Contains("kubernetes_healthcheck{name=\"syncloop\",type=\"healthz\"} 0\n", text);
        Assert.Contains("kubernetes_healthchecks_total{name=\"syncloop\",status=\"success\",type=\"healthz\"} 1\n", text);
        Assert.Contains("kubernetes_healthchecks_total{name=\"syncloop\",status=\"error\",type=\"healthz\"} 1\n", text);
    }
}
