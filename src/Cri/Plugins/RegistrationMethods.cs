using Hanbae.Grpc;

namespace Hanbae.Cri.Plugins;

/// <summary>What the kubelet asks of a plugin that has come: CSI drivers, device plugins and drivers of dynamic resources alike.</summary>
public static class RegistrationMethods
{
    const string Service = "pluginregistration.Registration";

    public static readonly GrpcMethod<InfoRequest, PluginInfo> GetInfo = new(Service, "GetInfo", InfoRequest.Parser, PluginInfo.Parser);
    public static readonly GrpcMethod<RegistrationStatus, RegistrationStatusResponse> NotifyRegistrationStatus =
        new(Service, "NotifyRegistrationStatus", RegistrationStatus.Parser, RegistrationStatusResponse.Parser);
}
