using Hanbae.Cri.Devices.PodResources;
using Hanbae.Grpc;

namespace Hanbae.Cri.Devices;

/// <summary>The calls that the kubelet answers monitors of its node.</summary>
public static class PodResourcesMethods
{
    const string Service = "v1.PodResourcesLister";

    public static readonly GrpcMethod<ListPodResourcesRequest, ListPodResourcesResponse> List = new(Service, "List", ListPodResourcesRequest.Parser, ListPodResourcesResponse.Parser);
    /// <summary>As older monitors ask; the answer has names and devices, at the places where the newer one has them.</summary>
    public static readonly GrpcMethod<ListPodResourcesRequest, ListPodResourcesResponse> ListAlpha = new("v1alpha1.PodResourcesLister", "List", ListPodResourcesRequest.Parser, ListPodResourcesResponse.Parser);
    public static readonly GrpcMethod<AllocatableResourcesRequest, AllocatableResourcesResponse> GetAllocatableResources =
        new(Service, "GetAllocatableResources", AllocatableResourcesRequest.Parser, AllocatableResourcesResponse.Parser);
    public static readonly GrpcMethod<GetPodResourcesRequest, GetPodResourcesResponse> Get = new(Service, "Get", GetPodResourcesRequest.Parser, GetPodResourcesResponse.Parser);
}
