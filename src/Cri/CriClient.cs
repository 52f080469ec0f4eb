using System.Diagnostics;
using Google.Protobuf;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri;

/// <summary>Speaks CRI to a runtime (containerd, CRI-O) on its socket.</summary>
/// <param name="channel">To the runtime, usually <c>unix:///run/containerd/containerd.sock</c>; belongs to the caller.</param>
/// <param name="images">To the image service when that listens elsewhere (<c>imageServiceEndpoint</c>).</param>
public sealed class CriClient(GrpcChannel channel, CriTimeouts? timeouts = null, GrpcChannel? images = null) : ICri
{
    readonly CriTimeouts _timeouts = timeouts ?? CriTimeouts.Default;
    readonly GrpcChannel _images = images ?? channel;

    /// <summary>Told of each call that has ended, by the method's name. Handlers must not block.</summary>
    public event Action<string, TimeSpan, GrpcException?>? Called;

    public Task<VersionResponse> VersionAsync(CancellationToken ct) => CallAsync(CriMethods.Version, new VersionRequest { Version = "0.1.0" }, ct);

    public Task<StatusResponse> StatusAsync(bool verbose, CancellationToken ct) => CallAsync(CriMethods.Status, new StatusRequest { Verbose = verbose }, ct);

    public Task<RuntimeConfigResponse?> RuntimeConfigAsync(CancellationToken ct) =>
        UnlessAsync(GrpcStatus.Unimplemented, CallAsync(CriMethods.RuntimeConfig, new RuntimeConfigRequest(), ct));

    public Task UpdateRuntimeConfigAsync(string podCidr, CancellationToken ct) =>
        CallAsync(CriMethods.UpdateRuntimeConfig, new UpdateRuntimeConfigRequest { RuntimeConfig = new() { NetworkConfig = new() { PodCidr = podCidr } } }, ct);

    public async Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken ct) =>
        (await CallAsync(CriMethods.RunPodSandbox,
            new RunPodSandboxRequest { Config = config, RuntimeHandler = runtimeHandler }, ct, extra: _timeouts.Request)).PodSandboxId;

    public Task StopPodSandboxAsync(string sandboxId, CancellationToken ct) =>
        UnlessAsync(GrpcStatus.NotFound, CallAsync(CriMethods.StopPodSandbox, new StopPodSandboxRequest { PodSandboxId = sandboxId }, ct));

    public Task RemovePodSandboxAsync(string sandboxId, CancellationToken ct) =>
        UnlessAsync(GrpcStatus.NotFound, CallAsync(CriMethods.RemovePodSandbox, new RemovePodSandboxRequest { PodSandboxId = sandboxId }, ct));

    public Task<PodSandboxStatusResponse?> PodSandboxStatusAsync(string sandboxId, bool verbose, CancellationToken ct) =>
        UnlessAsync(GrpcStatus.NotFound, CallAsync(CriMethods.PodSandboxStatus,
            new PodSandboxStatusRequest { PodSandboxId = sandboxId, Verbose = verbose }, ct));

    public async Task<IReadOnlyList<PodSandbox>> ListPodSandboxAsync(PodSandboxFilter? filter, CancellationToken ct) =>
        (await CallAsync(CriMethods.ListPodSandbox, new ListPodSandboxRequest { Filter = filter }, ct)).Items;

    public async Task<bool> UpdatePodSandboxResourcesAsync(UpdatePodSandboxResourcesRequest request, CancellationToken ct) =>
        await UnlessAsync(GrpcStatus.Unimplemented, CallAsync(CriMethods.UpdatePodSandboxResources, request, ct)) is not null;

    public async Task<string> CreateContainerAsync(string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken ct) =>
        (await CallAsync(CriMethods.CreateContainer,
            new CreateContainerRequest { PodSandboxId = sandboxId, Config = config, SandboxConfig = sandboxConfig }, ct)).ContainerId;

    public Task StartContainerAsync(string containerId, CancellationToken ct) =>
        CallAsync(CriMethods.StartContainer, new StartContainerRequest { ContainerId = containerId }, ct);

    public Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken ct) =>
        UnlessAsync(GrpcStatus.NotFound, CallAsync(CriMethods.StopContainer,
            new StopContainerRequest { ContainerId = containerId, Timeout = WholeSeconds(grace) }, ct, extra: grace));

    public Task RemoveContainerAsync(string containerId, CancellationToken ct) =>
        UnlessAsync(GrpcStatus.NotFound, CallAsync(CriMethods.RemoveContainer, new RemoveContainerRequest { ContainerId = containerId }, ct));

    public async Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken ct) =>
        (await CallAsync(CriMethods.ListContainers, new ListContainersRequest { Filter = filter }, ct)).Containers;

    public Task<ContainerStatusResponse?> ContainerStatusAsync(string containerId, bool verbose, CancellationToken ct) =>
        UnlessAsync(GrpcStatus.NotFound, CallAsync(CriMethods.ContainerStatus,
            new ContainerStatusRequest { ContainerId = containerId, Verbose = verbose }, ct));

    public Task UpdateContainerResourcesAsync(UpdateContainerResourcesRequest request, CancellationToken ct) =>
        CallAsync(CriMethods.UpdateContainerResources, request, ct);

    public Task ReopenContainerLogAsync(string containerId, CancellationToken ct) =>
        CallAsync(CriMethods.ReopenContainerLog, new ReopenContainerLogRequest { ContainerId = containerId }, ct);

    public Task CheckpointContainerAsync(string containerId, string location, TimeSpan timeout, CancellationToken ct) =>
        CallAsync(CriMethods.CheckpointContainer,
            new CheckpointContainerRequest { ContainerId = containerId, Location = location, Timeout = WholeSeconds(timeout) }, ct, extra: timeout);

    public Task<ExecSyncResponse> ExecSyncAsync(string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken ct)
    {
        var request = new ExecSyncRequest { ContainerId = containerId, Cmd = { command }, Timeout = WholeSeconds(timeout) };
        return timeout > TimeSpan.Zero
            ? CallAsync(CriMethods.ExecSync, request, ct, extra: timeout)
            : MeasuredAsync(channel, CriMethods.ExecSync, request, default, ct); // as upstream: no timeout asked, no deadline kept
    }

    public async Task<string> ExecAsync(ExecRequest request, CancellationToken ct) => (await CallAsync(CriMethods.Exec, request, ct)).Url;

    public async Task<string> AttachAsync(AttachRequest request, CancellationToken ct) =>
        (await CallAsync(CriMethods.Attach, request, ct)).Url;

    public async Task<string> PortForwardAsync(PortForwardRequest request, CancellationToken ct) =>
        (await CallAsync(CriMethods.PortForward, request, ct)).Url;

    public async Task<ContainerStats?> ContainerStatsAsync(string containerId, CancellationToken ct) =>
        (await UnlessAsync(GrpcStatus.NotFound, CallAsync(CriMethods.ContainerStats, new ContainerStatsRequest { ContainerId = containerId }, ct)))?.Stats;

    public async Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(ContainerStatsFilter? filter, CancellationToken ct) =>
        (await CallAsync(CriMethods.ListContainerStats, new ListContainerStatsRequest { Filter = filter }, ct)).Stats;

    public async Task<PodSandboxStats?> PodSandboxStatsAsync(string sandboxId, CancellationToken ct) =>
        (await UnlessAsync(GrpcStatus.NotFound, CallAsync(CriMethods.PodSandboxStats, new PodSandboxStatsRequest { PodSandboxId = sandboxId }, ct)))?.Stats;

    public async Task<IReadOnlyList<PodSandboxStats>> ListPodSandboxStatsAsync(PodSandboxStatsFilter? filter, CancellationToken ct) =>
        (await CallAsync(CriMethods.ListPodSandboxStats, new ListPodSandboxStatsRequest { Filter = filter }, ct)).Stats;

    public IAsyncEnumerable<ContainerEventResponse> GetContainerEventsAsync(CancellationToken ct) =>
        channel.ServerStreamAsync(CriMethods.GetContainerEvents, new GetEventsRequest(), default, ct);

    public async Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken ct) =>
        (await MeasuredAsync(_images, CriMethods.ListImages, new ListImagesRequest(), Within(_timeouts.Request), ct)).Images;

    public Task<ImageStatusResponse> ImageStatusAsync(ImageSpec image, bool verbose, CancellationToken ct) =>
        MeasuredAsync(_images, CriMethods.ImageStatus, new ImageStatusRequest { Image = image, Verbose = verbose }, Within(_timeouts.Request), ct);

    public async Task<string> PullImageAsync(ImageSpec image, AuthConfig? auth, PodSandboxConfig? sandboxConfig, CancellationToken ct)
    {
        var request = new PullImageRequest { Image = image, Auth = auth, SandboxConfig = sandboxConfig };
        return (await MeasuredAsync(_images, CriMethods.PullImage, request, Within(_timeouts.PullImage), ct)).ImageRef;
    }

    public Task RemoveImageAsync(ImageSpec image, CancellationToken ct) =>
        UnlessAsync(GrpcStatus.NotFound, MeasuredAsync(_images, CriMethods.RemoveImage, new RemoveImageRequest { Image = image }, Within(_timeouts.Request), ct));

    public Task<ImageFsInfoResponse> ImageFsInfoAsync(CancellationToken ct) =>
        MeasuredAsync(_images, CriMethods.ImageFsInfo, new ImageFsInfoRequest(), Within(_timeouts.Request), ct);

    Task<TResponse> CallAsync<TRequest, TResponse>(GrpcMethod<TRequest, TResponse> method, TRequest request, CancellationToken ct, TimeSpan extra = default)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse> =>
        MeasuredAsync(channel, method, request, Within(_timeouts.Request + extra), ct);

    async Task<TResponse> MeasuredAsync<TRequest, TResponse>(GrpcChannel to, GrpcMethod<TRequest, TResponse> method, TRequest request, GrpcCallOptions options, CancellationToken ct)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse>
    {
        long began = Stopwatch.GetTimestamp();
        GrpcException? error = null;
        try { return await to.UnaryAsync(method, request, options, ct).ConfigureAwait(false); }
        catch (GrpcException e)
        {
            error = e;
            throw;
        }
        finally { Called?.Invoke(method.Name, Stopwatch.GetElapsedTime(began), error); }
    }

    static GrpcCallOptions Within(TimeSpan timeout) => new(timeout);

    static long WholeSeconds(TimeSpan time) => (long)Math.Ceiling(time.TotalSeconds);

    /// <summary>Makes the one error that is an answer a null.</summary>
    static async Task<T?> UnlessAsync<T>(GrpcStatus answer, Task<T> call) where T : class
    {
        try
        {
            return await call;
        }
        catch (GrpcException e) when (e.Status == answer)
        {
            return null;
        }
    }
}
