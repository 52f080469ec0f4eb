using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;

namespace Hanbae.Cri;

/// <summary>Serves any <see cref="ICri"/> on the wire, so that a stock kubelet or crictl can use <see cref="Fake.FakeCri"/>.</summary>
public static class CriServer
{
    /// <remarks>16 MiB per request, as containerd allows.</remarks>
    public static GrpcService Service(ICri cri) => Images(cri, Containers(cri, Sandboxes(cri, new() { MaxReceiveMessageSize = 16 << 20 })))
        .Unary(CriMethods.Version, (_, ct) => cri.VersionAsync(ct))
        .Unary(CriMethods.Status, (r, ct) => cri.StatusAsync(r.Verbose, ct))
        .Unary(CriMethods.RuntimeConfig, async (_, ct) =>
            await cri.RuntimeConfigAsync(ct) ?? throw new GrpcException(GrpcStatus.Unimplemented, "method RuntimeConfig not implemented"))
        .Unary(CriMethods.UpdateRuntimeConfig, (r, ct) =>
            Done<UpdateRuntimeConfigResponse>(cri.UpdateRuntimeConfigAsync(r.RuntimeConfig?.NetworkConfig?.PodCidr ?? "", ct)))
        .ServerStream(CriMethods.GetContainerEvents, (_, ct) => cri.GetContainerEventsAsync(ct));

    static GrpcService Sandboxes(ICri cri, GrpcService service) => service
        .Unary(CriMethods.RunPodSandbox, async (r, ct) => new() { PodSandboxId = await cri.RunPodSandboxAsync(r.Config, r.RuntimeHandler, ct) })
        .Unary(CriMethods.StopPodSandbox, (r, ct) => Done<StopPodSandboxResponse>(cri.StopPodSandboxAsync(r.PodSandboxId, ct)))
        .Unary(CriMethods.RemovePodSandbox, (r, ct) => Done<RemovePodSandboxResponse>(cri.RemovePodSandboxAsync(r.PodSandboxId, ct)))
        .Unary(CriMethods.PodSandboxStatus, async (r, ct) =>
            await cri.PodSandboxStatusAsync(r.PodSandboxId, r.Verbose, ct) ?? throw NotFound("an error occurred when try to find sandbox"))
        .Unary(CriMethods.ListPodSandbox, async (r, ct) => new() { Items = { await cri.ListPodSandboxAsync(r.Filter, ct) } })
        .Unary(CriMethods.UpdatePodSandboxResources, async (r, ct) => await cri.UpdatePodSandboxResourcesAsync(r, ct)
            ? new UpdatePodSandboxResourcesResponse()
            : throw new GrpcException(GrpcStatus.Unimplemented, "method UpdatePodSandboxResources not implemented"))
        .Unary(CriMethods.PortForward, async (r, ct) => new() { Url = await cri.PortForwardAsync(r, ct) })
        .Unary(CriMethods.PodSandboxStats, async (r, ct) =>
            new()
            {
                Stats = await cri.PodSandboxStatsAsync(r.PodSandboxId, ct) ?? throw NotFound($"an error occurred when trying to find sandbox {r.PodSandboxId}"),
            })
        .Unary(CriMethods.ListPodSandboxStats, async (r, ct) => new() { Stats = { await cri.ListPodSandboxStatsAsync(r.Filter, ct) } });

    static GrpcService Containers(ICri cri, GrpcService service) => service
        .Unary(CriMethods.CreateContainer, async (r, ct) =>
            new() { ContainerId = await cri.CreateContainerAsync(r.PodSandboxId, r.Config, r.SandboxConfig, ct) })
        .Unary(CriMethods.StartContainer, (r, ct) => Done<StartContainerResponse>(cri.StartContainerAsync(r.ContainerId, ct)))
        .Unary(CriMethods.StopContainer, (r, ct) => Done<StopContainerResponse>(cri.StopContainerAsync(r.ContainerId, TimeSpan.FromSeconds(r.Timeout), ct)))
        .Unary(CriMethods.RemoveContainer, (r, ct) => Done<RemoveContainerResponse>(cri.RemoveContainerAsync(r.ContainerId, ct)))
        .Unary(CriMethods.ListContainers, async (r, ct) => new() { Containers = { await cri.ListContainersAsync(r.Filter, ct) } })
        .Unary(CriMethods.ContainerStatus, async (r, ct) =>
            await cri.ContainerStatusAsync(r.ContainerId, r.Verbose, ct) ?? throw NotFound($"an error occurred when try to find container \"{r.ContainerId}\""))
        .Unary(CriMethods.UpdateContainerResources, (r, ct) => Done<UpdateContainerResourcesResponse>(cri.UpdateContainerResourcesAsync(r, ct)))
        .Unary(CriMethods.ReopenContainerLog, (r, ct) => Done<ReopenContainerLogResponse>(cri.ReopenContainerLogAsync(r.ContainerId, ct)))
        .Unary(CriMethods.CheckpointContainer, (r, ct) =>
            Done<CheckpointContainerResponse>(cri.CheckpointContainerAsync(r.ContainerId, r.Location, TimeSpan.FromSeconds(r.Timeout), ct)))
        .Unary(CriMethods.ExecSync, (r, ct) => cri.ExecSyncAsync(r.ContainerId, r.Cmd, TimeSpan.FromSeconds(r.Timeout), ct))
        .Unary(CriMethods.Exec, async (r, ct) => new() { Url = await cri.ExecAsync(r, ct) })
        .Unary(CriMethods.Attach, async (r, ct) => new() { Url = await cri.AttachAsync(r, ct) })
        .Unary(CriMethods.ContainerStats, async (r, ct) =>
            new() { Stats = await cri.ContainerStatsAsync(r.ContainerId, ct) ?? throw NotFound("failed to find container") })
        .Unary(CriMethods.ListContainerStats, async (r, ct) => new() { Stats = { await cri.ListContainerStatsAsync(r.Filter, ct) } });

    static GrpcService Images(ICri cri, GrpcService service) => service
        .Unary(CriMethods.ListImages, async (_, ct) => new() { Images = { await cri.ListImagesAsync(ct) } })
        .Unary(CriMethods.ImageStatus, (r, ct) => cri.ImageStatusAsync(r.Image, r.Verbose, ct))
        .Unary(CriMethods.PullImage, async (r, ct) => new() { ImageRef = await cri.PullImageAsync(r.Image, r.Auth, r.SandboxConfig, ct) })
        .Unary(CriMethods.RemoveImage, (r, ct) => Done<RemoveImageResponse>(cri.RemoveImageAsync(r.Image, ct)))
        .Unary(CriMethods.ImageFsInfo, (_, ct) => cri.ImageFsInfoAsync(ct));

    static async Task<T> Done<T>(Task deed) where T : new()
    {
        await deed;
        return new();
    }

    static GrpcException NotFound(string what) => new(GrpcStatus.NotFound, what + ": not found");
}
