using Hanbae.Cri.Plugins;
using Hanbae.Grpc.Server;

namespace Hanbae.CsiDriver;

/// <summary>Makes a driver known to a kubelet, as the node-driver-registrar that real ones have beside them.</summary>
public static class Registrar
{
    /// <param name="told">Gets what the kubelet answers.</param>
    public static Task<GrpcServer> StartAsync(string socket, string driver, string endpoint, Action<RegistrationStatus> told, CancellationToken ct, string type = "CSIPlugin", params string[] versions) =>
        GrpcServer.StartAsync("unix://" + socket, new GrpcService()
            .Unary(RegistrationMethods.GetInfo, (_, _) => Task.FromResult(new PluginInfo { Type = type, Name = driver, Endpoint = endpoint, SupportedVersions = { versions.Length > 0 ? versions : ["1.0.0"] } }))
            .Unary(RegistrationMethods.NotifyRegistrationStatus, (status, _) =>
            {
                told(status);
                return Task.FromResult(new RegistrationStatusResponse());
            }), ct: ct);
}
