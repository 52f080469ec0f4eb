using System.Diagnostics.Metrics;
using Hanbae.Machinery.Figures;
using Hanbae.Server.Components;

namespace Hanbae.Server.Tests.Components;

public sealed class MeterTextTests
{
    [Fact]
    public void What_instruments_measure_is_printed_by_their_labels()
    {
        using var meter = new Meter("Hanbae.Tests.MeterText");
        var adds = meter.CreateCounter<long>("queue_adds_total", description: "Adds.");
        using var other = new Meter("Hanbae.Tests.MeterText.Other");
        using var text = new MeterText("Hanbae.Tests.MeterText", "Hanbae.Tests.MeterText.Other");
        var depth = meter.CreateUpDownCounter<long>("queue_depth", description: "Depth."); // that comes later is heard, too
        var took = meter.CreateHistogram<double>("queue_seconds", description: "Time.");
        var slow = other.CreateHistogram("slow_seconds", description: "Of its own bounds.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 60] });
        var bare = other.CreateCounter<long>("bare_total", description: "Without labels.");
        slow.Record(7, new KeyValuePair<string, object?>("name", "a"));
        bare.Add(1);
        KeyValuePair<string, object?> a = new("name", "a"), b = new("name", "b");
        adds.Add(2, a);
        adds.Add(1, a);
        adds.Add(1, b);
        depth.Add(3, a);
        depth.Add(-1, a);
        took.Record(0.05, a);
        took.Record(20, a);
        var printed = new PrometheusText();
        text.Render(printed);
        Assert.Equal("""
            # HELP bare_total Without labels.
            # TYPE bare_total counter
            bare_total 1
            # HELP queue_adds_total Adds.
            # TYPE queue_adds_total counter
            queue_adds_total{name="a"} 3
            queue_adds_total{name="b"} 1
            # HELP queue_depth Depth.
            # TYPE queue_depth gauge
            queue_depth{name="a"} 2
            # HELP queue_seconds Time.
            # TYPE queue_seconds histogram
            queue_seconds_bucket{name="a",le="1e-08"} 0
            queue_seconds_bucket{name="a",le="1e-07"} 0
            queue_seconds_bucket{name="a",le="1e-06"} 0
            queue_seconds_bucket{name="a",le="1e-05"} 0
            queue_seconds_bucket{name="a",le="0.0001"} 0
            queue_seconds_bucket{name="a",le="0.001"} 0
            queue_seconds_bucket{name="a",le="0.01"} 0
            queue_seconds_bucket{name="a",le="0.1"} 1
            queue_seconds_bucket{name="a",le="1"} 1
            queue_seconds_bucket{name="a",le="10"} 1
            queue_seconds_bucket{name="a",le="+Inf"} 2
            queue_seconds_sum{name="a"} 20.05
            queue_seconds_count{name="a"} 2
            # HELP slow_seconds Of its own bounds.
            # TYPE slow_seconds histogram
            slow_seconds_bucket{name="a",le="0.5"} 0
            slow_seconds_bucket{name="a",le="60"} 1
            slow_seconds_bucket{name="a",le="+Inf"} 1
            slow_seconds_sum{name="a"} 7
            slow_seconds_count{name="a"} 1

            """, printed.ToString());
    }

    [Fact]
    public void Instruments_of_every_kind_are_printed_each_in_its_way()
    {
        using var meter = new Meter("Hanbae.Tests.MeterText.Kinds");
        using var text = new MeterText("Hanbae.Tests.MeterText.Kinds");
        int here = 3;
        meter.CreateObservableCounter("a_total", () => here * 10, description: "A.");
        meter.CreateObservableGauge("b", () => new Measurement<double>(here / 2.0, new KeyValuePair<string, object?>("of", 0.5)), description: "B.");
        meter.CreateObservableUpDownCounter("c", () => -here, description: "C.");
        var gauge = meter.CreateGauge<float>("d", description: "D.");
        gauge.Record(7);
        gauge.Record(float.PositiveInfinity);
        meter.CreateCounter<decimal>("e_total", description: "E.").Add(1.5m);
        meter.CreateHistogram("f_bytes", null, "F.", null, new InstrumentAdvice<long> { HistogramBucketBoundaries = [10, 100] }).Record(100);
        text.Render(new());
        here = 4; // what is observed is how much there is, not how much more
        var printed = new PrometheusText();
        text.Render(printed);
        Assert.Equal("""
            # HELP a_total A.
            # TYPE a_total counter
            a_total 40
            # HELP b B.
            # TYPE b gauge
            b{of="0.5"} 2
            # HELP c C.
            # TYPE c gauge
            c -4
            # HELP d D.
            # TYPE d gauge
            d +Inf
            # HELP e_total E.
            # TYPE e_total counter
            e_total 1.5
            # HELP f_bytes F.
            # TYPE f_bytes histogram
            f_bytes_bucket{le="10"} 0
            f_bytes_bucket{le="100"} 1
            f_bytes_bucket{le="+Inf"} 1
            f_bytes_sum 100
            f_bytes_count 1

            """, printed.ToString());
    }

    [Fact]
    public void What_is_said_in_several_lines_or_quotes_stays_one_line()
    {
        using var meter = new Meter("Hanbae.Tests.MeterText.Words");
        using var text = new MeterText("Hanbae.Tests.MeterText.Words");
        meter.CreateCounter<long>("said_total", description: "One \"line\" \\\nand another").Add(1, new("by", "a \"b\" \\ c\nd"), new("none", null));
        var printed = new PrometheusText();
        text.Render(printed);
        Assert.Equal("""
            # HELP said_total One "line" \\\nand another
            # TYPE said_total counter
            said_total{by="a \"b\" \\ c\nd",none=""} 1

            """, printed.ToString());
    }
}
