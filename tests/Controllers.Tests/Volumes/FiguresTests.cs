using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Machinery.Figures;

namespace Hanbae.Controllers.Tests.Volumes;

/// <summary>What the controllers of volumes tell in numbers, under upstream's names.</summary>
public sealed class FiguresTests
{
    static string[] Lines(ControllerFigures figures)
    {
        var text = new PrometheusText();
        figures.Render(text);
        return [.. text.ToString().Split('\n').Where(l => l.Length > 0 && l[0] != '#')];
    }

    [Fact]
    public async Task Volumes_and_claims_are_counted_by_class_and_namespace_and_by_whether_they_are_bound()
    {
        var figures = new ControllerFigures();
        await using var cluster = new TestCluster(["persistentvolume-binder"], api =>
        {
            api.Put(Storage.Volume("v", @class: "slow"));
            api.Put(Storage.Claim("c", @class: "slow"));
            api.Put(Storage.Volume("w", @class: "fast") is var w ? w with { Spec = w.Spec with { HostPath = null, Csi = new() { Driver = "disk.example.com", VolumeHandle = "h" }, VolumeMode = "Block" } } : w);
            foreach (string name in (string[])["d", "e"]) api.Put(Storage.Claim(name, @class: "slow") is var d ? d with { Spec = d.Spec with { VolumeAttributesClassName = "gold" } } : d);
        }, ControllerOptions.Default with { Figures = figures });

        string[] expected =
        [
            "pv_collector_bound_pv_count{storage_class=\"slow\"} 1",
            "pv_collector_bound_pvc_count{namespace=\"default\",storage_class=\"slow\",volume_attributes_class=\"\"} 1",
            "pv_collector_total_pv_count{plugin_name=\"kubernetes.io/csi:disk.example.com\",volume_mode=\"Block\"} 1",
            "pv_collector_total_pv_count{plugin_name=\"kubernetes.io/host-path\",volume_mode=\"Filesystem\"} 1",
            "pv_collector_unbound_pv_count{storage_class=\"fast\"} 1",
            "pv_collector_unbound_pvc_count{namespace=\"default\",storage_class=\"slow\",volume_attributes_class=\"gold\"} 2",
        ];
        await cluster.UntilAsync(_ => Lines(figures).SequenceEqual(expected));
        var text = new PrometheusText();
        figures.Render(text);
        Assert.Contains("# TYPE pv_collector_bound_pv_count gauge\n", text.ToString());
    }

    [Fact]
    public async Task Volumes_are_counted_where_they_are_wanted_and_where_they_are_attached_and_both_ways_are_timed()
    {
        const string driver = "figures-of-attach.example.com", plugin = "kubernetes.io/csi:" + driver;
        using var heard = new Heard();
        var figures = new ControllerFigures();
        await using var cluster = new TestCluster(["attachdetach"], api =>
        {
            api.Put(new Node
            {
                Metadata = new() { Name = "n", Annotations = Map.Of(("volumes.kubernetes.io/controller-managed-attach-detach", "true")) },
                Status = new() { Conditions = [new NodeCondition { Type = "Ready", Status = "True" }] },
            });
            var claim = api.Put(Storage.Claim("c", volume: "v") is var c ? c with { Status = new() { Phase = "Bound" } } : c);
            var volume = Storage.Volume("v", phase: "Bound", claim: new() { Namespace = "default", Name = "c", Uid = claim.Metadata.Uid });
            api.Put(volume with { Spec = volume.Spec with { HostPath = null, Csi = new() { Driver = driver, VolumeHandle = "h" } } });
            api.Put(Storage.User("p", "c", "n"));
        }, ControllerOptions.Default with { Figures = figures });

        string wanted = $"attachdetach_controller_total_volumes{{plugin_name=\"{plugin}\",state=\"desired_state_of_world\"}} 1", there = wanted.Replace("desired", "actual", StringComparison.Ordinal);
        string used = $"storage_count_attachable_volumes_in_use{{node=\"n\",volume_plugin=\"{plugin}\"}} 1";
        await cluster.UntilAsync(a => a.All<VolumeAttachment>().Count == 1 && Lines(figures).SequenceEqual([wanted, used]));
        Assert.Empty(heard.Of(plugin));
        string name = cluster.Api.All<VolumeAttachment>().Single().Metadata.Name;
        cluster.Api.Change<VolumeAttachment>(name, a => a with { Status = new() { AttachError = new() { Message = "not now" } } }, "");
        await cluster.UntilAsync(_ => heard.Of(plugin).Contains("volume_attach fail-unknown"));
        cluster.Api.Change<VolumeAttachment>(name, a => a with { Status = new() { Attached = true } }, "");
        await cluster.UntilAsync(_ => Lines(figures).SequenceEqual([there, wanted, used]) && heard.Of(plugin).Contains("volume_attach success"));

        cluster.Api.Remove<Pod>("p");
        await cluster.UntilAsync(_ => Lines(figures).Length == 0 && heard.Of(plugin).Contains("volume_detach success"));
        Assert.Equal(["volume_attach fail-unknown", "volume_attach success", "volume_detach success"], heard.Of(plugin));
    }

    [Fact]
    public async Task How_long_others_took_to_make_and_to_remove_a_volume_is_told()
    {
        const string maker = "figures-of-bind.example.com";
        using var heard = new Heard();
        await using var cluster = new TestCluster(["persistentvolume-binder"], api => api.Put(Storage.Class("disk", provisioner: maker)));
        var claim = cluster.Api.Put(Storage.Claim("c", @class: "disk"));
        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("c")!.Metadata.Annotations.ContainsKey("volume.kubernetes.io/storage-provisioner"));
        var volume = Storage.Volume("v", @class: "disk", policy: "Delete", claim: new() { Kind = "PersistentVolumeClaim", ApiVersion = "v1", Namespace = "default", Name = "c", Uid = claim.Metadata.Uid });
        cluster.Api.Put(volume with { Metadata = volume.Metadata with { Finalizers = default, Annotations = Map.Of(("pv.kubernetes.io/provisioned-by", maker)) } });
        await cluster.UntilAsync(a => a.Find<PersistentVolumeClaim>("c")!.Status.Phase == "Bound" && heard.Of(maker).Contains("provision"));
        cluster.Api.Change<PersistentVolumeClaim>("c", c => c with { Metadata = c.Metadata with { Finalizers = default } });
        cluster.Api.Remove<PersistentVolumeClaim>("c");
        await cluster.UntilAsync(a => a.Find<PersistentVolume>("v", "")?.Status.Phase == "Released");
        cluster.Api.Remove<PersistentVolume>("v", "");
        await cluster.UntilAsync(_ => heard.Of(maker).Contains("delete"));
        Assert.Equal(["provision", "delete"], heard.Of(maker));
    }

    /// <summary>What the process's instruments measure of one plugin: other tests are at it, too.</summary>
    sealed class Heard : IDisposable
    {
        readonly MeterListener _listener = new();
        readonly ConcurrentQueue<(string Plugin, string What)> _all = [];

        public Heard()
        {
            _listener.InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == "Hanbae.Controllers") listener.EnableMeasurementEvents(instrument); };
            _listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
            {
                var labels = tags.ToArray().ToDictionary(t => t.Key, t => (string)t.Value!);
                _all.Enqueue((labels.GetValueOrDefault("volume_plugin") ?? labels["plugin_name"], labels.TryGetValue("status", out string? status) ? labels["operation_name"] + " " + status : labels["operation_name"]));
            });
            _listener.Start();
        }

        public string[] Of(string plugin) => [.. _all.Where(h => h.Plugin == plugin).Select(h => h.What)];

        public void Dispose() => _listener.Dispose();
    }
}
