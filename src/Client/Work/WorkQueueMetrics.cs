using System.Diagnostics.Metrics;

namespace Hanbae.Client;

/// <summary>Shows how a queue does, under client-go's names.</summary>
sealed class WorkQueueMetrics(string name, TimeProvider time)
{
    internal static readonly Meter Meter = new("Hanbae.Client");
    static readonly UpDownCounter<long> Depth = Meter.CreateUpDownCounter<long>("workqueue_depth", description: "Current depth of workqueue");
    static readonly Counter<long> Adds = Meter.CreateCounter<long>("workqueue_adds_total", description: "Total number of adds handled by workqueue");
    static readonly Counter<long> Retries = Meter.CreateCounter<long>("workqueue_retries_total", description: "Total number of retries handled by workqueue");
    static readonly Histogram<double> Waiting = Meter.CreateHistogram<double>("workqueue_queue_duration_seconds", "s", "How long an item stays in workqueue before being requested");
    static readonly Histogram<double> Working = Meter.CreateHistogram<double>("workqueue_work_duration_seconds", "s", "How long processing an item from workqueue takes");

    readonly KeyValuePair<string, object?> _name = new("name", name);

    public void Added() { Adds.Add(1, _name); Depth.Add(1, _name); }
    public void Retried() => Retries.Add(1, _name);
    public void Started(long addedAt) { Depth.Add(-1, _name); Waiting.Record(time.GetElapsedTime(addedAt).TotalSeconds, _name); }
    public void Done(long startedAt) => Working.Record(time.GetElapsedTime(startedAt).TotalSeconds, _name);
}
