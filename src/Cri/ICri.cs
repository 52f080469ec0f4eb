using Hanbae.Cri.V1;

namespace Hanbae.Cri;

/// <summary>A container runtime as the kubelet uses it: pod sandboxes, containers in them, images for these.</summary>
/// <remarks>
/// A thing that is not there is a value (null, or an empty <c>image</c>) where the kubelet asks for state, and a
/// <see cref="Hanbae.Grpc.GrpcException"/> with status NotFound where it asks for a deed. Stopping or removing what is gone succeeds,
/// so that a kubelet that lost its answer can simply ask again. Ids may be cut short as long as they stay unique.
/// Messages returned belong to the caller.
/// </remarks>
public interface ICri
{
    Task<VersionResponse> VersionAsync(CancellationToken ct);

    /// <param name="verbose">Adds the runtime's own settings as JSON under <c>info</c>.</param>
    Task<StatusResponse> StatusAsync(bool verbose, CancellationToken ct);

    /// <returns>The cgroup driver the runtime uses (KEP-4033), or null when the runtime is too old to say.</returns>
    Task<RuntimeConfigResponse?> RuntimeConfigAsync(CancellationToken ct);

    Task UpdateRuntimeConfigAsync(string podCidr, CancellationToken ct);

    /// <param name="runtimeHandler">The RuntimeClass handler; empty for the runtime's default.</param>
    /// <returns>The sandbox's id. The sandbox is running and has its addresses.</returns>
    Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken ct);

    /// <summary>Ends everything that runs in the sandbox and gives its addresses back.</summary>
    Task StopPodSandboxAsync(string sandboxId, CancellationToken ct);

    /// <summary>Removes the sandbox with its containers, by force when they still run.</summary>
    Task RemovePodSandboxAsync(string sandboxId, CancellationToken ct);

    /// <returns>Null when there is no such sandbox.</returns>
    Task<PodSandboxStatusResponse?> PodSandboxStatusAsync(string sandboxId, bool verbose, CancellationToken ct);

    Task<IReadOnlyList<PodSandbox>> ListPodSandboxAsync(PodSandboxFilter? filter, CancellationToken ct);

    /// <returns>False when the runtime does not know this call; in-place resize then goes on without it (KEP-1287).</returns>
    Task<bool> UpdatePodSandboxResourcesAsync(UpdatePodSandboxResourcesRequest request, CancellationToken ct);

    /// <returns>The id of a container in state CONTAINER_CREATED.</returns>
    Task<string> CreateContainerAsync(string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken ct);

    Task StartContainerAsync(string containerId, CancellationToken ct);

    /// <param name="grace">Between the stop signal and SIGKILL, in whole seconds; zero kills at once.</param>
    Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken ct);

    Task RemoveContainerAsync(string containerId, CancellationToken ct);

    Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken ct);

    /// <returns>Null when there is no such container.</returns>
    Task<ContainerStatusResponse?> ContainerStatusAsync(string containerId, bool verbose, CancellationToken ct);

    Task UpdateContainerResourcesAsync(UpdateContainerResourcesRequest request, CancellationToken ct);

    /// <summary>Makes the runtime open the log file's path again, after the kubelet moved the full one away.</summary>
    Task ReopenContainerLogAsync(string containerId, CancellationToken ct);

    /// <summary>Writes a running container's state to a file (KEP-2008).</summary>
    Task CheckpointContainerAsync(string containerId, string location, TimeSpan timeout, CancellationToken ct);

    /// <param name="timeout">When it has passed the command is killed and the call ends with DeadlineExceeded; zero for none.</param>
    Task<ExecSyncResponse> ExecSyncAsync(string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken ct);

    /// <returns>The URL on which the runtime's streaming server expects the client.</returns>
    Task<string> ExecAsync(ExecRequest request, CancellationToken ct);

    /// <inheritdoc cref="ExecAsync"/>
    Task<string> AttachAsync(AttachRequest request, CancellationToken ct);

    /// <inheritdoc cref="ExecAsync"/>
    Task<string> PortForwardAsync(PortForwardRequest request, CancellationToken ct);

    /// <returns>Null when there is no such container.</returns>
    Task<ContainerStats?> ContainerStatsAsync(string containerId, CancellationToken ct);

    Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(ContainerStatsFilter? filter, CancellationToken ct);

    /// <returns>Null when there is no such sandbox.</returns>
    Task<PodSandboxStats?> PodSandboxStatsAsync(string sandboxId, CancellationToken ct);

    Task<IReadOnlyList<PodSandboxStats>> ListPodSandboxStatsAsync(PodSandboxStatsFilter? filter, CancellationToken ct);

    /// <summary>What happens to sandboxes and containers from now on (KEP-3386); ends with Unimplemented on runtimes that cannot tell.</summary>
    IAsyncEnumerable<ContainerEventResponse> GetContainerEventsAsync(CancellationToken ct);

    /// <summary>All images; containerd ignores the wire's filter, so none is offered.</summary>
    Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken ct);

    /// <returns>A response without <c>image</c> when the image is not there.</returns>
    Task<ImageStatusResponse> ImageStatusAsync(ImageSpec image, bool verbose, CancellationToken ct);

    /// <returns>The reference by which the image is to be used from now on.</returns>
    Task<string> PullImageAsync(ImageSpec image, AuthConfig? auth, PodSandboxConfig? sandboxConfig, CancellationToken ct);

    /// <summary>Removes the image with all its names, unlike a registry's "untag".</summary>
    Task RemoveImageAsync(ImageSpec image, CancellationToken ct);

    Task<ImageFsInfoResponse> ImageFsInfoAsync(CancellationToken ct);
}
