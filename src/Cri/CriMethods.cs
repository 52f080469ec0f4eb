using Google.Protobuf;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri;

/// <summary>The calls of CRI that Hanbae makes and answers, by their names on the wire.</summary>
internal static class CriMethods
{
    public const string RuntimeService = "runtime.v1.RuntimeService";
    public const string ImageService = "runtime.v1.ImageService";

    public static readonly GrpcMethod<VersionRequest, VersionResponse> Version = Runtime("Version", VersionRequest.Parser, VersionResponse.Parser);
    public static readonly GrpcMethod<StatusRequest, StatusResponse> Status = Runtime("Status", StatusRequest.Parser, StatusResponse.Parser);
    public static readonly GrpcMethod<RuntimeConfigRequest, RuntimeConfigResponse> RuntimeConfig =
        Runtime("RuntimeConfig", RuntimeConfigRequest.Parser, RuntimeConfigResponse.Parser);
    public static readonly GrpcMethod<UpdateRuntimeConfigRequest, UpdateRuntimeConfigResponse> UpdateRuntimeConfig =
        Runtime("UpdateRuntimeConfig", UpdateRuntimeConfigRequest.Parser, UpdateRuntimeConfigResponse.Parser);

    public static readonly GrpcMethod<RunPodSandboxRequest, RunPodSandboxResponse> RunPodSandbox =
        Runtime("RunPodSandbox", RunPodSandboxRequest.Parser, RunPodSandboxResponse.Parser);
    public static readonly GrpcMethod<StopPodSandboxRequest, StopPodSandboxResponse> StopPodSandbox =
        Runtime("StopPodSandbox", StopPodSandboxRequest.Parser, StopPodSandboxResponse.Parser);
    public static readonly GrpcMethod<RemovePodSandboxRequest, RemovePodSandboxResponse> RemovePodSandbox =
        Runtime("RemovePodSandbox", RemovePodSandboxRequest.Parser, RemovePodSandboxResponse.Parser);
    public static readonly GrpcMethod<PodSandboxStatusRequest, PodSandboxStatusResponse> PodSandboxStatus =
        Runtime("PodSandboxStatus", PodSandboxStatusRequest.Parser, PodSandboxStatusResponse.Parser);
    public static readonly GrpcMethod<ListPodSandboxRequest, ListPodSandboxResponse> ListPodSandbox =
        Runtime("ListPodSandbox", ListPodSandboxRequest.Parser, ListPodSandboxResponse.Parser);
    public static readonly GrpcMethod<UpdatePodSandboxResourcesRequest, UpdatePodSandboxResourcesResponse> UpdatePodSandboxResources =
        Runtime("UpdatePodSandboxResources", UpdatePodSandboxResourcesRequest.Parser, UpdatePodSandboxResourcesResponse.Parser);
    public static readonly GrpcMethod<PortForwardRequest, PortForwardResponse> PortForward =
        Runtime("PortForward", PortForwardRequest.Parser, PortForwardResponse.Parser);

    public static readonly GrpcMethod<CreateContainerRequest, CreateContainerResponse> CreateContainer =
        Runtime("CreateContainer", CreateContainerRequest.Parser, CreateContainerResponse.Parser);
    public static readonly GrpcMethod<StartContainerRequest, StartContainerResponse> StartContainer =
        Runtime("StartContainer", StartContainerRequest.Parser, StartContainerResponse.Parser);
    public static readonly GrpcMethod<StopContainerRequest, StopContainerResponse> StopContainer =
        Runtime("StopContainer", StopContainerRequest.Parser, StopContainerResponse.Parser);
    public static readonly GrpcMethod<RemoveContainerRequest, RemoveContainerResponse> RemoveContainer =
        Runtime("RemoveContainer", RemoveContainerRequest.Parser, RemoveContainerResponse.Parser);
    public static readonly GrpcMethod<ListContainersRequest, ListContainersResponse> ListContainers =
        Runtime("ListContainers", ListContainersRequest.Parser, ListContainersResponse.Parser);
    public static readonly GrpcMethod<ContainerStatusRequest, ContainerStatusResponse> ContainerStatus =
        Runtime("ContainerStatus", ContainerStatusRequest.Parser, ContainerStatusResponse.Parser);
    public static readonly GrpcMethod<UpdateContainerResourcesRequest, UpdateContainerResourcesResponse> UpdateContainerResources =
        Runtime("UpdateContainerResources", UpdateContainerResourcesRequest.Parser, UpdateContainerResourcesResponse.Parser);
    public static readonly GrpcMethod<ReopenContainerLogRequest, ReopenContainerLogResponse> ReopenContainerLog =
        Runtime("ReopenContainerLog", ReopenContainerLogRequest.Parser, ReopenContainerLogResponse.Parser);
    public static readonly GrpcMethod<CheckpointContainerRequest, CheckpointContainerResponse> CheckpointContainer =
        Runtime("CheckpointContainer", CheckpointContainerRequest.Parser, CheckpointContainerResponse.Parser);
    public static readonly GrpcMethod<ExecSyncRequest, ExecSyncResponse> ExecSync = Runtime("ExecSync", ExecSyncRequest.Parser, ExecSyncResponse.Parser);
    public static readonly GrpcMethod<ExecRequest, ExecResponse> Exec = Runtime("Exec", ExecRequest.Parser, ExecResponse.Parser);
    public static readonly GrpcMethod<AttachRequest, AttachResponse> Attach = Runtime("Attach", AttachRequest.Parser, AttachResponse.Parser);

    public static readonly GrpcMethod<ContainerStatsRequest, ContainerStatsResponse> ContainerStats =
        Runtime("ContainerStats", ContainerStatsRequest.Parser, ContainerStatsResponse.Parser);
    public static readonly GrpcMethod<ListContainerStatsRequest, ListContainerStatsResponse> ListContainerStats =
        Runtime("ListContainerStats", ListContainerStatsRequest.Parser, ListContainerStatsResponse.Parser);
    public static readonly GrpcMethod<PodSandboxStatsRequest, PodSandboxStatsResponse> PodSandboxStats =
        Runtime("PodSandboxStats", PodSandboxStatsRequest.Parser, PodSandboxStatsResponse.Parser);
    public static readonly GrpcMethod<ListPodSandboxStatsRequest, ListPodSandboxStatsResponse> ListPodSandboxStats =
        Runtime("ListPodSandboxStats", ListPodSandboxStatsRequest.Parser, ListPodSandboxStatsResponse.Parser);
    public static readonly GrpcMethod<GetEventsRequest, ContainerEventResponse> GetContainerEvents =
        Runtime("GetContainerEvents", GetEventsRequest.Parser, ContainerEventResponse.Parser);

    public static readonly GrpcMethod<ListImagesRequest, ListImagesResponse> ListImages =
        Image("ListImages", ListImagesRequest.Parser, ListImagesResponse.Parser);
    public static readonly GrpcMethod<ImageStatusRequest, ImageStatusResponse> ImageStatus =
        Image("ImageStatus", ImageStatusRequest.Parser, ImageStatusResponse.Parser);
    public static readonly GrpcMethod<PullImageRequest, PullImageResponse> PullImage = Image("PullImage", PullImageRequest.Parser, PullImageResponse.Parser);
    public static readonly GrpcMethod<RemoveImageRequest, RemoveImageResponse> RemoveImage =
        Image("RemoveImage", RemoveImageRequest.Parser, RemoveImageResponse.Parser);
    public static readonly GrpcMethod<ImageFsInfoRequest, ImageFsInfoResponse> ImageFsInfo =
        Image("ImageFsInfo", ImageFsInfoRequest.Parser, ImageFsInfoResponse.Parser);

    static GrpcMethod<TRequest, TResponse> Runtime<TRequest, TResponse>(string name, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse> => new(RuntimeService, name, requests, responses);

    static GrpcMethod<TRequest, TResponse> Image<TRequest, TResponse>(string name, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse> => new(ImageService, name, requests, responses);
}
