using System.Diagnostics.Metrics;
using System.Text;
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
        var printed = new StringBuilder();
        text.Print(printed);
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
            queue_seconds_bucket{name="a",le="0.00000001"} 0
            queue_seconds_bucket{name="a",le="0.0000001"} 0
            queue_seconds_bucket{name="a",le="0.000001"} 0
            queue_seconds_bucket{name="a",le="0.00001"} 0
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
}
