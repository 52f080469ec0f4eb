using System.Collections.Concurrent;
using Hanbae.Kubelet.Stats;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Volumes;

/// <summary>Which volumes Pods want and have, and how long mounting and unmounting them took: upstream's <c>volume_manager_total_volumes</c> and <c>storage_operation_duration_seconds</c>.</summary>
/// <remarks>Bound: an entry per Pod and volume on the node.</remarks>
sealed class VolumeFigures(TimeProvider time)
{
    const string Duration = "storage_operation_duration_seconds";
    readonly ConcurrentDictionary<(string PodUid, string Volume), (string Plugin, bool Mounted)> _volumes = new();

    /// <summary>Where durations are told; nowhere until it is set.</summary>
    public KubeletFigures? Durations { get; set; }

    /// <summary>Makes a volume. What is there already is looked at again with every step of its Pod, which is no operation.</summary>
    /// <param name="plugin">Upstream's name of the kind, known for a claim once its volume was found.</param>
    public async Task SetUpAsync(string podUid, string volume, Func<string> plugin, Func<Task> make)
    {
        var key = (podUid, volume);
        if (_volumes.TryGetValue(key, out var known) && known.Mounted)
        {
            await make().ConfigureAwait(false);
            return;
        }
        _volumes[key] = (plugin(), false);
        long began = time.GetTimestamp();
        bool done = false;
        try
        {
            await make().ConfigureAwait(false);
            done = true;
        }
        finally
        {
            _volumes[key] = (plugin(), done);
            Tell(plugin(), "volume_mount", done, began);
        }
    }

    /// <summary>Takes all volumes of a Pod down.</summary>
    public async Task TearDownAsync(string podUid, Func<Task> unmake)
    {
        long began = time.GetTimestamp();
        bool done = false;
        try
        {
            await unmake().ConfigureAwait(false);
            done = true;
        }
        finally
        {
            foreach (var (key, (plugin, mounted)) in _volumes.Where(v => v.Key.PodUid == podUid).ToArray())
            {
                if (mounted) Tell(plugin, "volume_unmount", done, began);
                if (done) _volumes.TryRemove(key, out _);
            }
        }
    }

    void Tell(string plugin, string operation, bool done, long began)
    {
        var took = time.GetElapsedTime(began);
        Durations?.Observe(Duration, took, ("migrated", "false"), ("operation_name", operation), ("status", done ? "success" : "fail-unknown"), ("volume_plugin", plugin));
        if (done) Durations?.Observe("volume_operation_total_seconds", took, ("operation_name", operation), ("plugin_name", plugin));
    }

    public void Render(PrometheusText text)
    {
        var volumes = _volumes.Values.ToArray();
        if (volumes.Length == 0) return;
        text.Family("volume_manager_total_volumes", "gauge", "[ALPHA] Volumes by plugin and by whether they are wanted or there.");
        foreach (var (state, those) in ((string, IEnumerable<(string Plugin, bool Mounted)>)[])[("actual_state_of_world", volumes.Where(v => v.Mounted)), ("desired_state_of_world", volumes)])
            foreach (var kind in those.GroupBy(v => v.Plugin).OrderBy(k => k.Key, StringComparer.Ordinal))
                text.Sample("volume_manager_total_volumes", PrometheusText.Labels(("plugin_name", kind.Key), ("state", state)), kind.Count());
    }
}
