using Hanbae.Cri;
using Hanbae.Cri.Fake;
using Hanbae.Cri.V1;
using Hanbae.Host.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Host.Tests.Runtime;

/// <summary>Containers that a runtime takes for running although they have ended.</summary>
public sealed class LostExitTests
{
    [Fact]
    public async Task Who_runs_without_a_process_is_found_and_who_has_ended_or_lives_is_not()
    {
        using var cri = new FakeCri(new() { PodCidrs = ["10.88.0.0/24"], Images = new Dictionary<string, FakeImage> { ["app"] = new(new FakeProgram(), Present: true) } });
        var pod = new PodSandboxConfig { Metadata = new() { Name = "p", Uid = "u", Namespace = "default" } };
        string sandbox = await cri.RunPodSandboxAsync(pod, "", default);
        string[] containers = [.. await Task.WhenAll(((string[])["lives", "lost", "ended"]).Select(async name =>
        {
            string id = await cri.CreateContainerAsync(sandbox, new() { Metadata = new() { Name = name }, Image = new() { Image = "app" } }, pod, default);
            await cri.StartContainerAsync(id, default);
            return id;
        }))];
        await cri.StopContainerAsync(containers[2], TimeSpan.Zero, default);
        async Task<int> ProcessAsync(string id) => RuntimeInfo.Process((await cri.ContainerStatusAsync(id, true, default))!.Info)!.Value;
        HashSet<int> gone = [await ProcessAsync(containers[1]), await ProcessAsync(containers[2])];

        Assert.Equal([containers[1]], await new LostExits(cri, pid => !gone.Contains(pid)).FindAsync(default));
        Assert.Empty(await new LostExits(cri, _ => true).FindAsync(default));
        Assert.Equal([sandbox, containers[0], containers[1]], (await new LostExits(cri, _ => false).FindAsync(default)).OrderBy(id => Array.IndexOf([sandbox, .. containers], id)));
    }

    [ContainerFact]
    public async Task A_containerd_that_has_missed_an_exit_is_started_again_and_its_Pods_run_on()
    {
        await using var node = new RealNode();
        await node.StartAsync();
        int process = node.PidOf(await node.RunSandboxAsync("web"));
        var pause = ProcessIdentity.Of(process)!;
        var first = ProcessIdentity.Read(node.Paths.ContainerdProcess)!;
        // The process is taken for gone until containerd was started anew: as if that had missed its end.
        var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var containerd = new Containerd(node.Paths, TimeProvider.System)
        {
            IsAlive = pid =>
            {
                if (first.IsAlive) return pid != process;
                again.TrySetResult();
                return true;
            },
        };
        using var stop = new CancellationTokenSource();
        var keeping = containerd.KeepAsync(NullLogger.Instance, stop.Token);
        Assert.NotSame(keeping, await Task.WhenAny(again.Task, keeping).WaitAsync(TimeSpan.FromMinutes(2)));

        Assert.NotEqual(first, ProcessIdentity.Read(node.Paths.ContainerdProcess));
        using var runtime = new NodeCri(node.Paths.Endpoint);
        Assert.Equal(node.Uid, Assert.Single(await runtime.SandboxesAsync(default)).PodUid);
        Assert.True(pause.IsAlive);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => keeping);
    }
}
