using System.Text;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Static;
using Hanbae.Kubelet.Statuses;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Static;

public sealed class StaticPodTests
{
    const string Yaml = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec: {containers: [{name: app, image: 'busybox:1'}]}
        """;

    [Fact]
    public void A_file_becomes_a_Pod_of_the_node()
    {
        var pod = StaticPodFiles.Parse(Encoding.UTF8.GetBytes(Yaml), "/etc/web.yaml", "n1");
        Assert.Equal(("web-n1", "default", "n1"), (pod.Metadata.Name, pod.Metadata.Namespace, pod.Spec.NodeName));
        Assert.Equal("Always", pod.Spec.RestartPolicy); // defaults as the API's
        Assert.True(pod.IsStatic());
        Assert.Contains(pod.Spec.Tolerations, t => t is { Operator: "Exists", Effect: "NoExecute" });
        Assert.Equal(pod.Metadata.Uid, StaticPodFiles.Parse(Encoding.UTF8.GetBytes(Yaml), "/etc/web.yaml", "n1").Metadata.Uid);
        Assert.NotEqual(pod.Metadata.Uid, StaticPodFiles.Parse(Encoding.UTF8.GetBytes(Yaml + "\n"), "/etc/web.yaml", "n1").Metadata.Uid);
    }

    [Fact]
    public async Task A_file_that_goes_and_comes_back_at_once_begins_its_Pod_anew_and_goes_on_counting()
    {
        using var bench = new PodBench(("busybox:1", FakeProgram.Forever));
        string folder = Directory.CreateTempSubdirectory("hanbae-static-").FullName, path = Path.Combine(folder, "web.yaml");
        using var stop = new CancellationTokenSource();
        try
        {
            File.WriteAllText(path, Yaml);
            var api = new MemoryApi();
            var workers = new PodWorkers(bench.Context, stop.Token);
            var loop = new StaticPodLoop(bench.Context, workers, api, api, () => null);
            Assert.True(loop.Run(folder));
            var first = Assert.Single(workers.All);
            await bench.Reports.UntilAsync(() => first.Status is { Phase: "Running" }, "it runs");

            loop.Went(path); // and it is there again when it is looked for
            Assert.False(loop.Run(folder));
            await workers.WhenDoneAsync();
            Assert.True(loop.Run(folder));
            var second = Assert.Single(workers.All);
            Assert.Equal(first.Uid, second.Uid);
            Assert.NotSame(first, second);
            await bench.Reports.UntilAsync(() => second.Status is { Phase: "Running" }, "it runs again");
            Assert.Equal(1, second.Status!.ContainerStatuses[0].RestartCount);
            Assert.True(loop.Run(folder)); // once
            Assert.Same(second, Assert.Single(workers.All));
        }
        finally
        {
            await stop.CancelAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_kubelet_that_was_restarted_knows_what_the_mirror_tells()
    {
        using var bench = new PodBench(("busybox:1", FakeProgram.Forever));
        string folder = Directory.CreateTempSubdirectory("hanbae-static-").FullName, path = Path.Combine(folder, "web.yaml");
        using var stop = new CancellationTokenSource();
        try
        {
            File.WriteAllText(path, Yaml);
            var pod = StaticPodFiles.Parse(Encoding.UTF8.GetBytes(Yaml), path, "node");
            var began = new DateTimeOffset(2029, 1, 1, 0, 0, 0, TimeSpan.Zero);
            var api = new MemoryApi();
            api.Put(pod with
            {
                Metadata = pod.Metadata with { Uid = "", Annotations = pod.Metadata.Annotations.Set(StaticPods.MirrorAnnotation, pod.Metadata.Annotations[StaticPods.HashAnnotation]!) },
                Status = new() { Phase = "Running", StartTime = began },
            });
            var workers = new PodWorkers(bench.Context, stop.Token);
            Assert.True(new StaticPodLoop(bench.Context, workers, api, api, () => null).Run(folder));
            Assert.Equal(began, Assert.Single(workers.All).Pod.Status.StartTime);
        }
        finally
        {
            await stop.CancelAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_mirror_tells_of_no_generation_that_was_observed()
    {
        var pod = StaticPodFiles.Parse(Encoding.UTF8.GetBytes(Yaml), "/etc/web.yaml", "node");
        var api = new MemoryApi();
        api.Put(pod with { Metadata = pod.Metadata with { Uid = "mirror", Generation = 1, Annotations = pod.Metadata.Annotations.Set(StaticPods.MirrorAnnotation, "x") } });
        using var bench = new PodBench(("busybox:1", FakeProgram.Forever));
        await bench.SettleAsync(pod);
        var writer = new StatusWriter(api, bench.Time, NullLogger.Instance, p => api.Pod(p.Metadata.Name));
        List<Pod> written = [];
        using var seen = api.Subscribe(change => { if (change is { Old: not null, New: { } now }) written.Add(now); });
        await writer.FinishAsync(pod, bench.Status, default);
        var told = Assert.Single(written).Status;
        Assert.Equal(("Running", 0L), (told.Phase, told.ObservedGeneration));
        Assert.All(told.Conditions, c => Assert.Equal(0, c.ObservedGeneration));
    }

    [Theory]
    [InlineData("kind: Service", "the file holds no Pod")]
    [InlineData("[]", "the file holds no object")]
    [InlineData("{kind: Pod, apiVersion: v1}", "the Pod has no name")]
    public void What_is_no_Pod_is_told(string text, string error) =>
        Assert.Equal(error, Assert.Throws<FormatException>(() => StaticPodFiles.Parse(Encoding.UTF8.GetBytes(text), "x", "n1")).Message);

    [Fact]
    public async Task The_Pod_of_a_changed_file_has_the_mirror_while_its_predecessor_is_still_known()
    {
        using var bench = new PodBench(("busybox:1", new()));
        Pod Parsed(string text) => StaticPodFiles.Parse(Encoding.UTF8.GetBytes(text), "/etc/web.yaml", "n1");
        await bench.SettleAsync(Parsed(Yaml));
        var old = bench.Worker;
        Assert.Equal(old.Uid, Assert.Single(StaticPodLoop.Ours([old])).Value.Metadata.Uid);
        old.Remove(grace: 0);
        await bench.SettleAsync();
        Assert.True(old.Done);
        await bench.RunAsync(Parsed(Yaml + "\n"));
        Assert.Equal(bench.Worker.Uid, Assert.Single(StaticPodLoop.Ours([old, bench.Worker])).Value.Metadata.Uid);
    }
}
