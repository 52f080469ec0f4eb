using Hanbae.Grpc;

namespace Hanbae.Cri.Devices;

/// <summary>The calls between the kubelet and device plugins: <see cref="Register"/> goes to the kubelet, all others to the plugin.</summary>
public static class DevicePluginMethods
{
    /// <summary>The only version that there ever was of weight.</summary>
    public const string Version = "v1beta1";

    const string Plugin = "v1beta1.DevicePlugin";

    public static readonly GrpcMethod<RegisterRequest, Empty> Register = new("v1beta1.Registration", "Register", RegisterRequest.Parser, Empty.Parser);
    public static readonly GrpcMethod<Empty, DevicePluginOptions> GetDevicePluginOptions = new(Plugin, "GetDevicePluginOptions", Empty.Parser, DevicePluginOptions.Parser);
    public static readonly GrpcMethod<Empty, ListAndWatchResponse> ListAndWatch = new(Plugin, "ListAndWatch", Empty.Parser, ListAndWatchResponse.Parser);
    public static readonly GrpcMethod<PreferredAllocationRequest, PreferredAllocationResponse> GetPreferredAllocation =
        new(Plugin, "GetPreferredAllocation", PreferredAllocationRequest.Parser, PreferredAllocationResponse.Parser);
    public static readonly GrpcMethod<AllocateRequest, AllocateResponse> Allocate = new(Plugin, "Allocate", AllocateRequest.Parser, AllocateResponse.Parser);
    public static readonly GrpcMethod<PreStartContainerRequest, PreStartContainerResponse> PreStartContainer =
        new(Plugin, "PreStartContainer", PreStartContainerRequest.Parser, PreStartContainerResponse.Parser);
}
