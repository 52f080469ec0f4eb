using static Hanbae.Grpc.Health.HealthCheckResponse.Types;

namespace Hanbae.Grpc.Health;

/// <summary>Asks a server, by the standard health protocol, whether it serves; kubelet's gRPC probes do.</summary>
public static class GrpcHealth
{
    public static readonly GrpcMethod<HealthCheckRequest, HealthCheckResponse> Check =
        new("grpc.health.v1.Health", "Check", HealthCheckRequest.Parser, HealthCheckResponse.Parser);

    /// <param name="service">Empty asks for the server as a whole.</param>
    /// <exception cref="GrpcException">Unimplemented when the server has no health service, NotFound when that does not know the name.</exception>
    public static async Task<ServingStatus> CheckHealthAsync(this GrpcChannel channel, string service, TimeSpan timeout, CancellationToken ct) =>
        (await channel.UnaryAsync(Check, new HealthCheckRequest { Service = service }, new(timeout), ct)).Status;
}
