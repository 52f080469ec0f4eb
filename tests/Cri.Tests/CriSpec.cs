using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Tests;

/// <summary>What the kubelet may rely on, of any runtime: subclassed by every <see cref="ICri"/> and by a real containerd.</summary>
public abstract partial class CriSpec : IAsyncLifetime
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    readonly List<string> _sandboxes = [];

    protected static CancellationToken Never => CancellationToken.None;

    protected abstract ICri Cri { get; }

    /// <summary>A folder of the test's own, seen by test and runtime alike.</summary>
    protected abstract string Directory { get; }

    protected virtual string CgroupParent => "/spec";

    /// <summary>Lets the runtime's time go on a little.</summary>
    protected abstract Task PassAsync();

    public virtual Task InitializeAsync() => Task.CompletedTask;

    public virtual async Task DisposeAsync()
    {
        foreach (string id in _sandboxes) await Cri.RemovePodSandboxAsync(id, Never);
    }

    [SpecFact]
    public async Task It_says_who_it_is_and_that_it_is_ready()
    {
        var version = await Cri.VersionAsync(Never);
        Assert.Equal(("0.1.0", "v1"), (version.Version, version.RuntimeApiVersion));
        Assert.NotEqual("", version.RuntimeName);
        var status = await Cri.StatusAsync(false, Never);
        Assert.Equal(["NetworkReady", "RuntimeReady"], status.Status.Conditions.Where(c => c.Status).Select(c => c.Type).Order());
    }

    [SpecFact]
    public async Task A_runtime_config_update_is_taken() => await Cri.UpdateRuntimeConfigAsync("10.99.0.0/24", Never);

    protected PodSandboxConfig Pod(string name = "pod", uint attempt = 0) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Uid = name + "-" + Guid.NewGuid(), Attempt = attempt },
        Hostname = name, LogDirectory = Path.Combine(Directory, name), Labels = { ["app"] = name }, Annotations = { ["note"] = "x" },
        Linux = new() { CgroupParent = $"{CgroupParent}/{name}", SecurityContext = new() { NamespaceOptions = new() { Pid = NamespaceMode.Container } } },
    };

    protected static ContainerConfig Container(string image, string name = "main", uint attempt = 0) => new()
    {
        Metadata = new() { Name = name, Attempt = attempt }, Image = new() { Image = image }, LogPath = $"{name}_{attempt}.log", Labels = { ["role"] = name },
        Linux = new()
        {
            Resources = new() { CpuShares = 100, MemoryLimitInBytes = 64 << 20 },
            SecurityContext = new() { NamespaceOptions = new() { Pid = NamespaceMode.Container } },
        },
    };

    protected async Task<string> RunAsync(PodSandboxConfig pod)
    {
        System.IO.Directory.CreateDirectory(pod.LogDirectory);
        string id = await Cri.RunPodSandboxAsync(pod, "", Never);
        _sandboxes.Add(id);
        return id;
    }

    /// <returns>A started container in a sandbox of its own.</returns>
    protected async Task<(string Sandbox, string Container)> StartAsync(string image)
    {
        var pod = Pod();
        string sandbox = await RunAsync(pod);
        string container = await Cri.CreateContainerAsync(sandbox, Container(image), pod, Never);
        await Cri.StartContainerAsync(container, Never);
        return (sandbox, container);
    }

    protected async Task<ContainerStatus> StatusAsync(string container) =>
        (await Cri.ContainerStatusAsync(container, false, Never))?.Status ?? throw new InvalidOperationException("no container " + container);

    protected async Task<ContainerStatus> ExitOfAsync(string container)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (true)
        {
            var status = await StatusAsync(container);
            if (status.State == ContainerState.ContainerExited) return status;
            patience.Token.ThrowIfCancellationRequested();
            await PassAsync();
        }
    }

    /// <summary>Lets time pass until a call that needs it ends.</summary>
    protected async Task<T> PassUntilAsync<T>(Task<T> call)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (!call.IsCompleted)
        {
            patience.Token.ThrowIfCancellationRequested();
            await PassAsync();
        }
        return await call;
    }

    protected Task PassUntilAsync(Task call)
    {
        return PassUntilAsync(DoneAsync());

        async Task<bool> DoneAsync()
        {
            await call;
            return true;
        }
    }

    protected static async Task FailsAsync(GrpcStatus status, string text, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<GrpcException>(call);
        Assert.Equal((status, text), (error.Status, error.Detail));
    }
}
