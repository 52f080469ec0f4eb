using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kit;
using Hanbae.Kubelet.Stats;
using Hanbae.Kubelet.Statuses;
using Hanbae.Machinery.Figures;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Stats;

/// <summary>What the kubelet tells of itself under upstream's names.</summary>
public sealed class KubeletFiguresTests
{
    static string[] Lines(KubeletFigures figures, string prefix)
    {
        var text = new PrometheusText();
        figures.Render(text);
        return [.. text.ToString().Split('\n').Where(l => l.StartsWith(prefix, StringComparison.Ordinal))];
    }

    [Fact]
    public void From_creation_to_running_counts_and_once_more_without_images_and_init_containers()
    {
        var (time, figures) = (new FakeTime(), new KubeletFigures());
        var pod = Make.Pod(Make.Container("app", "app"));
        pod = pod with { Metadata = pod.Metadata with { CreationTimestamp = time.GetUtcNow() } };
        var startup = new PodStartup(pod, figures, time);
        time.Advance(1);
        using (startup.Pulls()) time.Advance(5);
        var start = time.GetUtcNow();
        time.Advance(3);
        var init = new ContainerStatus { Name = "init", State = new() { Terminated = new() { StartedAt = start, FinishedAt = time.GetUtcNow() } } };
        startup.Seen(Showing(new() { Waiting = new() }));
        Assert.Empty(Lines(figures, "kubelet_pod_start_total"));
        startup.Seen(Showing(new() { Running = new() }));
        startup.Seen(Showing(new() { Running = new() }));
        Assert.Contains("kubelet_pod_start_total_duration_seconds_sum 9", Lines(figures, "kubelet_pod_start_total"));
        Assert.Contains("kubelet_pod_start_sli_duration_seconds_sum 1", Lines(figures, "kubelet_pod_start_sli"));
        Assert.Contains("kubelet_pod_start_sli_duration_seconds_count 1", Lines(figures, "kubelet_pod_start_sli"));

        // One that had begun before says nothing; one with state is none of the SLI's; the first with a network is told apart.
        new PodStartup(pod with { Status = new() { StartTime = start } }, figures, time).Seen(Showing(new() { Running = new() }));
        var running = Showing(new() { Running = new() });
        var stateful = running with { Spec = running.Spec with { Volumes = [new() { Name = "v", HostPath = new() { Path = "/" } }] } };
        new PodStartup(pod, figures, time).Seen(stateful);
        time.Advance(1);
        new PodStartup(pod, figures, time).Seen(running);
        Assert.Contains("kubelet_pod_start_total_duration_seconds_count 3", Lines(figures, "kubelet_pod_start_total"));
        Assert.Contains("kubelet_pod_start_sli_duration_seconds_count 2", Lines(figures, "kubelet_pod_start_sli"));
        Assert.Equal(["kubelet_first_network_pod_start_sli_duration_seconds 1"], Lines(figures, "kubelet_first_network"));

        Pod Showing(ContainerState state) => pod with { Status = new() { InitContainerStatuses = [init], ContainerStatuses = [new() { Name = "app", State = state }] } };
    }

    [Fact]
    public async Task Images_that_were_wanted_are_counted_by_how_they_were_had()
    {
        using var bench = new PodBench(("app", FakeProgram.Forever));
        var puller = new Hanbae.Kubelet.Images.ImagePuller(bench.Cri, bench.Objects, bench.Events, bench.Time, 4, new(bench.Options, bench.Time) { Figures = bench.Context.Figures }) { Figures = bench.Context.Figures };
        foreach (string policy in (string[])["Always", "IfNotPresent"])
            await puller.EnsureAsync(Make.Pod(), Make.Container("app", "app") with { ImagePullPolicy = policy }, new(), new(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5)), default);
        Assert.Equal(
        [
            "kubelet_image_manager_ensure_image_requests_total{present_locally=\"true\",pull_policy=\"ifnotpresent\",pull_required=\"false\"} 1",
            "kubelet_image_manager_ensure_image_requests_total{present_locally=\"unknown\",pull_policy=\"always\",pull_required=\"true\"} 1",
        ], Lines(bench.Context.Figures, "kubelet_image_manager"));
        Assert.Equal(["kubelet_imagemanager_image_mustpull_checks_total{result=\"credentialRecordFound\"} 1"], Lines(bench.Context.Figures, "kubelet_imagemanager"));
    }

    [Fact]
    public async Task How_long_a_status_took_to_be_written_is_told()
    {
        var (time, figures, api) = (new FakeTime(), new KubeletFigures(), new MemoryApi());
        var pod = Make.Pod(Make.Container("app", "app"));
        api.Put(pod);
        var writer = new StatusWriter(api, time, NullLogger.Instance) { Figures = figures };
        writer.Report(pod, new() { Phase = "Running" });
        time.Advance(0.2);
        await writer.FinishAsync(pod, new() { Phase = "Succeeded" }, default);
        Assert.Contains("kubelet_pod_status_sync_duration_seconds_sum 0.2", Lines(figures, "kubelet_pod_status"));
    }

    [Fact]
    public void Requests_that_are_being_answered_are_told_by_what_they_are()
    {
        var figures = new KubeletFigures();
        figures.RequestBegan("GET", "pods", "readwrite", lasting: false);
        figures.RequestBegan("POST", "exec", "readwrite", lasting: true);
        figures.RequestEnded("GET", "pods", "readwrite", lasting: false, TimeSpan.Zero);
        Assert.Equal(
        [
            "kubelet_http_inflight_requests{long_running=\"false\",method=\"GET\",path=\"pods\",server_type=\"readwrite\"} 0",
            "kubelet_http_inflight_requests{long_running=\"true\",method=\"POST\",path=\"exec\",server_type=\"readwrite\"} 1",
        ], Lines(figures, "kubelet_http_inflight"));
    }
}
