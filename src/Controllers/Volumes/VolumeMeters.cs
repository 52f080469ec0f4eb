using System.Diagnostics.Metrics;

namespace Hanbae.Controllers.Volumes;

/// <summary>Counts and times of the work on volumes, under upstream's names.</summary>
static class VolumeMeters
{
    static readonly Meter s_meter = new("Hanbae.Controllers");
    static readonly InstrumentAdvice<double> s_times = new() { HistogramBucketBoundaries = [.1, .25, .5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600] };
    static readonly Histogram<double> s_operations = s_meter.CreateHistogram("storage_operation_duration_seconds", "s", "How long work on volumes took, by kind and outcome.", advice: s_times);
    static readonly Histogram<double> s_whole = s_meter.CreateHistogram("volume_operation_total_seconds", "s", "From when a volume was first asked for, or to be removed, until it was.", advice: s_times);
    static readonly Counter<long> s_forced = s_meter.CreateCounter<long>("attachdetach_controller_forced_detaches", description: "Volumes taken from nodes that may have them mounted, by why.");
    static readonly Counter<long> s_retroactive = s_meter.CreateCounter<long>("retroactive_storageclass_total", description: "Claims that were given the default class after they were made.");
    static readonly Counter<long> s_retroactiveErrors = s_meter.CreateCounter<long>("retroactive_storageclass_errors_total", description: "Claims that could not be given the default class.");
    static readonly Counter<long> s_ephemeral = s_meter.CreateCounter<long>("ephemeral_volume_controller_create_total", description: "Claims for Pods' own volumes that were asked for.");
    static readonly Counter<long> s_ephemeralErrors = s_meter.CreateCounter<long>("ephemeral_volume_controller_create_failures_total", description: "Claims for Pods' own volumes that were refused.");

    /// <param name="operation">As <c>volume_attach</c>.</param>
    public static void Done(string operation, string plugin, TimeSpan took, bool well) => s_operations.Record(took.TotalSeconds,
        new("migrated", "false"), new("operation_name", operation), new("status", well ? "success" : "fail-unknown"), new("volume_plugin", plugin));

    /// <param name="operation">As <c>provision</c>.</param>
    public static void Whole(string operation, string plugin, TimeSpan took) => s_whole.Record(took.TotalSeconds, new("operation_name", operation), new KeyValuePair<string, object?>("plugin_name", plugin));

    /// <param name="outOfService">Somebody said that the node is; otherwise it failed for too long.</param>
    /// <param name="times">None to have it shown from the beginning.</param>
    public static void Forced(bool outOfService, int times = 1) => s_forced.Add(times, new KeyValuePair<string, object?>("reason", outOfService ? "out-of-service" : "timeout"));

    public static void Retroactive(bool well)
    {
        s_retroactive.Add(1);
        if (!well) s_retroactiveErrors.Add(1);
    }

    public static void Ephemeral(bool well)
    {
        s_ephemeral.Add(1);
        if (!well) s_ephemeralErrors.Add(1);
    }
}
