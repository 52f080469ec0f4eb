using Hanbae.Machinery.Figures;

namespace Hanbae.Machinery.Tests.Figures;

public sealed class PrometheusTextTests
{
    [Fact]
    public void Samples_follow_their_family_with_labels_and_the_time_of_the_sample() =>
        Assert.Equal("""
            # HELP a_total All \\ there\nis.
            # TYPE a_total counter
            a_total 3
            a_total{of="x"} 0.5 1000
            # HELP b B.
            # TYPE b gauge
            b 7

            """,
            new PrometheusText().Family("a_total", "counter", "All \\ there\nis.").Sample("a_total", "", 3)
                .Sample("a_total", PrometheusText.Labels(("of", "x")), 0.5, DateTimeOffset.FromUnixTimeSeconds(1)).Plain("b", "gauge", "B.", 7).ToString());

    [Fact]
    public void Labels_are_escaped_as_Prometheus_wants_them() => Assert.Equal("a=\"x\\\"y\\\\z\\n\",b=\"\"", PrometheusText.Labels(("a", "x\"y\\z\n"), ("b", "")));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(1e-8, "1e-08")]
    [InlineData(123456789, "123456789")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    public void Numbers_are_spelled_as_Prometheus_reads_them(double value, string text) =>
        Assert.Equal($"a {text}\n", new PrometheusText().Sample("a", "", value).ToString());

    [Fact]
    public void A_value_counts_under_its_bound_and_all_greater_ones()
    {
        var times = new Histogram([0.5, 2]);
        Assert.True(times.IsEmpty);
        foreach (double value in (double[])[0.25, 0.5, 1, 7]) times.Add(value);
        Assert.False(times.IsEmpty);
        var text = new PrometheusText();
        times.Render(text, "took", "of=\"x\"");
        new Histogram([1e-8]).Render(text, "none", "");
        Assert.Equal("""
            took_bucket{of="x",le="0.5"} 2
            took_bucket{of="x",le="2"} 3
            took_bucket{of="x",le="+Inf"} 4
            took_sum{of="x"} 8.75
            took_count{of="x"} 4
            none_bucket{le="1e-08"} 0
            none_bucket{le="+Inf"} 0
            none_sum 0
            none_count 0

            """, text.ToString());
    }
}
