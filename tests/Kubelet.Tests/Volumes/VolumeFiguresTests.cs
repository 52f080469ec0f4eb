using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Volumes;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Tests.Volumes;

public sealed class VolumeFiguresTests : VolumeTest
{
    [RootFact]
    public async Task Volumes_are_counted_and_each_mount_and_unmount_is_timed_once()
    {
        var durations = new KubeletFigures();
        Volumes.Figures.Durations = durations;
        var pod = PodWith(new Volume { Name = "v", EmptyDir = new() });
        await PrepareAsync(pod);
        await PrepareAsync(pod); // the Pod's next step
        var missing = PodWith(new Volume { Name = "v", HostPath = new() { Path = "/hanbae-not-there", Type = "Directory" } });
        await Assert.ThrowsAsync<VolumeException>(() => PrepareAsync(missing with { Metadata = missing.Metadata with { Uid = "u-2" } }));

        Assert.Equal(
        [
            "volume_manager_total_volumes{plugin_name=\"kubernetes.io/empty-dir\",state=\"actual_state_of_world\"} 1",
            "volume_manager_total_volumes{plugin_name=\"kubernetes.io/empty-dir\",state=\"desired_state_of_world\"} 1",
            "volume_manager_total_volumes{plugin_name=\"kubernetes.io/host-path\",state=\"desired_state_of_world\"} 1",
        ], Lines(Volumes.Figures.Render, "volume_manager_total_volumes"));
        Assert.Equal(
        [
            Count("volume_mount", "success", "kubernetes.io/empty-dir"),
            Count("volume_mount", "fail-unknown", "kubernetes.io/host-path"),
        ], Lines(durations.Render, "storage_operation_duration_seconds_count").OrderDescending(StringComparer.Ordinal));

        foreach (string uid in (string[])["u-1", "u-2"]) await Volumes.TearDownAsync(uid, default);
        Assert.Contains(Count("volume_unmount", "success", "kubernetes.io/empty-dir"), Lines(durations.Render, "storage_operation_duration_seconds_count"));
        Assert.DoesNotContain(Lines(durations.Render, "storage_operation"), l => l.Contains("unmount") && l.Contains("host-path"));
        Assert.Empty(Lines(Volumes.Figures.Render, "volume_manager"));
    }

    static string Count(string operation, string status, string plugin) =>
        $"storage_operation_duration_seconds_count{{migrated=\"false\",operation_name=\"{operation}\",status=\"{status}\",volume_plugin=\"{plugin}\"}} 1";

    static string[] Lines(Action<PrometheusText> render, string start)
    {
        var text = new PrometheusText();
        render(text);
        return [.. text.ToString().Split('\n').Where(l => l.StartsWith(start, StringComparison.Ordinal))];
    }
}
