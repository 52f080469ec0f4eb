using Hanbae.Cri.Devices.Dynamic;
using Hanbae.Cri.Devices.Health;
using Hanbae.Grpc;

namespace Hanbae.Cri.Devices;

/// <summary>The calls that a driver of dynamic resources answers, in one of the versions that it may speak.</summary>
public sealed class DraMethods
{
    /// <summary>As drivers name them when they register.</summary>
    public const string V1 = "v1.DRAPlugin", V1Beta1 = "v1beta1.DRAPlugin", Health = "v1alpha1.DRAResourceHealth";

    DraMethods(string version)
    {
        string service = $"k8s.io.kubelet.pkg.apis.dra.{version}.DRAPlugin";
        Prepare = new(service, "NodePrepareResources", NodePrepareResourcesRequest.Parser, NodePrepareResourcesResponse.Parser);
        Unprepare = new(service, "NodeUnprepareResources", NodeUnprepareResourcesRequest.Parser, NodeUnprepareResourcesResponse.Parser);
    }

    public static DraMethods OfV1 { get; } = new("v1");
    public static DraMethods OfV1Beta1 { get; } = new("v1beta1");

    public GrpcMethod<NodePrepareResourcesRequest, NodePrepareResourcesResponse> Prepare { get; }
    public GrpcMethod<NodeUnprepareResourcesRequest, NodeUnprepareResourcesResponse> Unprepare { get; }

    public static readonly GrpcMethod<NodeWatchResourcesRequest, NodeWatchResourcesResponse> WatchHealth =
        new(Health, "NodeWatchResources", NodeWatchResourcesRequest.Parser, NodeWatchResourcesResponse.Parser);
}
