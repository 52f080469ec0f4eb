using Google.Protobuf;
using Hanbae.Grpc;

namespace Hanbae.Cri.Csi;

/// <summary>Every call that a storage driver answers.</summary>
public static class CsiMethods
{
    public static readonly GrpcMethod<GetPluginInfoRequest, GetPluginInfoResponse> GetPluginInfo =
        Identity("GetPluginInfo", GetPluginInfoRequest.Parser, GetPluginInfoResponse.Parser);
    public static readonly GrpcMethod<GetPluginCapabilitiesRequest, GetPluginCapabilitiesResponse> GetPluginCapabilities =
        Identity("GetPluginCapabilities", GetPluginCapabilitiesRequest.Parser, GetPluginCapabilitiesResponse.Parser);
    public static readonly GrpcMethod<ProbeRequest, ProbeResponse> Probe = Identity("Probe", ProbeRequest.Parser, ProbeResponse.Parser);

    public static readonly GrpcMethod<CreateVolumeRequest, CreateVolumeResponse> CreateVolume = Controller("CreateVolume", CreateVolumeRequest.Parser, CreateVolumeResponse.Parser);
    public static readonly GrpcMethod<DeleteVolumeRequest, DeleteVolumeResponse> DeleteVolume = Controller("DeleteVolume", DeleteVolumeRequest.Parser, DeleteVolumeResponse.Parser);
    public static readonly GrpcMethod<ControllerPublishVolumeRequest, ControllerPublishVolumeResponse> ControllerPublishVolume =
        Controller("ControllerPublishVolume", ControllerPublishVolumeRequest.Parser, ControllerPublishVolumeResponse.Parser);
    public static readonly GrpcMethod<ControllerUnpublishVolumeRequest, ControllerUnpublishVolumeResponse> ControllerUnpublishVolume =
        Controller("ControllerUnpublishVolume", ControllerUnpublishVolumeRequest.Parser, ControllerUnpublishVolumeResponse.Parser);
    public static readonly GrpcMethod<GetCapacityRequest, GetCapacityResponse> GetCapacity = Controller("GetCapacity", GetCapacityRequest.Parser, GetCapacityResponse.Parser);
    public static readonly GrpcMethod<ControllerGetCapabilitiesRequest, ControllerGetCapabilitiesResponse> ControllerGetCapabilities =
        Controller("ControllerGetCapabilities", ControllerGetCapabilitiesRequest.Parser, ControllerGetCapabilitiesResponse.Parser);
    public static readonly GrpcMethod<ControllerExpandVolumeRequest, ControllerExpandVolumeResponse> ControllerExpandVolume =
        Controller("ControllerExpandVolume", ControllerExpandVolumeRequest.Parser, ControllerExpandVolumeResponse.Parser);
    public static readonly GrpcMethod<ControllerModifyVolumeRequest, ControllerModifyVolumeResponse> ControllerModifyVolume =
        Controller("ControllerModifyVolume", ControllerModifyVolumeRequest.Parser, ControllerModifyVolumeResponse.Parser);
    public static readonly GrpcMethod<CreateSnapshotRequest, CreateSnapshotResponse> CreateSnapshot =
        Controller("CreateSnapshot", CreateSnapshotRequest.Parser, CreateSnapshotResponse.Parser);
    public static readonly GrpcMethod<DeleteSnapshotRequest, DeleteSnapshotResponse> DeleteSnapshot =
        Controller("DeleteSnapshot", DeleteSnapshotRequest.Parser, DeleteSnapshotResponse.Parser);
    public static readonly GrpcMethod<ListSnapshotsRequest, ListSnapshotsResponse> ListSnapshots =
        Controller("ListSnapshots", ListSnapshotsRequest.Parser, ListSnapshotsResponse.Parser);

    public static readonly GrpcMethod<NodeStageVolumeRequest, NodeStageVolumeResponse> NodeStageVolume =
        Node("NodeStageVolume", NodeStageVolumeRequest.Parser, NodeStageVolumeResponse.Parser);
    public static readonly GrpcMethod<NodeUnstageVolumeRequest, NodeUnstageVolumeResponse> NodeUnstageVolume =
        Node("NodeUnstageVolume", NodeUnstageVolumeRequest.Parser, NodeUnstageVolumeResponse.Parser);
    public static readonly GrpcMethod<NodePublishVolumeRequest, NodePublishVolumeResponse> NodePublishVolume =
        Node("NodePublishVolume", NodePublishVolumeRequest.Parser, NodePublishVolumeResponse.Parser);
    public static readonly GrpcMethod<NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse> NodeUnpublishVolume =
        Node("NodeUnpublishVolume", NodeUnpublishVolumeRequest.Parser, NodeUnpublishVolumeResponse.Parser);
    public static readonly GrpcMethod<NodeGetVolumeStatsRequest, NodeGetVolumeStatsResponse> NodeGetVolumeStats =
        Node("NodeGetVolumeStats", NodeGetVolumeStatsRequest.Parser, NodeGetVolumeStatsResponse.Parser);
    public static readonly GrpcMethod<NodeGetCapabilitiesRequest, NodeGetCapabilitiesResponse> NodeGetCapabilities =
        Node("NodeGetCapabilities", NodeGetCapabilitiesRequest.Parser, NodeGetCapabilitiesResponse.Parser);
    public static readonly GrpcMethod<NodeGetInfoRequest, NodeGetInfoResponse> NodeGetInfo = Node("NodeGetInfo", NodeGetInfoRequest.Parser, NodeGetInfoResponse.Parser);
    public static readonly GrpcMethod<NodeExpandVolumeRequest, NodeExpandVolumeResponse> NodeExpandVolume =
        Node("NodeExpandVolume", NodeExpandVolumeRequest.Parser, NodeExpandVolumeResponse.Parser);

    static GrpcMethod<TRequest, TResponse> Identity<TRequest, TResponse>(string name, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse> => new("csi.v1.Identity", name, requests, responses);
    static GrpcMethod<TRequest, TResponse> Controller<TRequest, TResponse>(string name, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse> => new("csi.v1.Controller", name, requests, responses);
    static GrpcMethod<TRequest, TResponse> Node<TRequest, TResponse>(string name, MessageParser<TRequest> requests, MessageParser<TResponse> responses)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse> => new("csi.v1.Node", name, requests, responses);
}
