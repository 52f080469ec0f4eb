using System.Net;
using Hanbae.Cri.Fake;
using Hanbae.Kubelet.Static;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Kubelet.Tests.Static;

/// <summary>A kubelet without a cluster.</summary>
public sealed class NoApiTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-alone-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_is_in_files_runs_and_ends_without_anybody_to_ask()
    {
        using var fake = new FakeCri(new() { PodCidrs = ["10.88.0.0/24"], Images = new Dictionary<string, FakeImage> { ["app"] = new(FakeProgram.Forever) } });
        var (started, removed) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var cri = WatchedCri.Around(fake, (name, _) => (name switch { "StartContainerAsync" => started, "RemovePodSandboxAsync" => removed, _ => null })?.TrySetResult());
        string files = Directory.CreateDirectory(Path.Combine(_folder, "manifests")).FullName, file = Path.Combine(files, "web.yaml");
        await File.WriteAllTextAsync(file, "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: app, image: app, imagePullPolicy: IfNotPresent}]}\n");
        var options = new KubeletOptions
        {
            NodeName = "n", Folders = new(Path.Combine(_folder, "kubelet"), Path.Combine(_folder, "logs")), CgroupMount = "", ResolvConf = "", Address = IPAddress.Loopback, Port = 0, SystemBus = "",
            NodeIPs = ["10.213.255.1"], Eviction = [], StaticPodPath = files, CdiFolders = [],
        };
        using var stop = new CancellationTokenSource();
        var running = new Kubelet(NoApi.Parts(options, cri, TimeProvider.System, NullLogger.Instance)).RunAsync(stop.Token);
        Assert.NotSame(running, await Task.WhenAny(running, started.Task.WaitAsync(TimeSpan.FromSeconds(60))));
        await started.Task;
        File.Delete(file);
        Assert.NotSame(running, await Task.WhenAny(running, removed.Task.WaitAsync(TimeSpan.FromSeconds(60))));
        await removed.Task;
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }
}
