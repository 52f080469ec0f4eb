using Hanbae.Grpc;
using Hanbae.Grpc.Health;
using Hanbae.Kubelet.Pods;
using static Hanbae.Grpc.Health.HealthCheckResponse.Types;

namespace Hanbae.Kubelet.Probes;

/// <summary>Asks by the gRPC health protocol (KEP-2727).</summary>
static class GrpcProbe
{
    public static async Task<(ProbeVerdict Verdict, string Output)> RunAsync(string host, int port, string service, TimeSpan timeout, TimeProvider time, CancellationToken ct)
    {
        string address = $"{ProbeTarget.Host(host)}:{port}";
        try
        {
            using var channel = new GrpcChannel("http://" + address, new() { ConnectTimeout = timeout, Time = time, UserAgent = "kube-probe/1.36" });
            var status = await channel.CheckHealthAsync(service, timeout, ct).ConfigureAwait(false);
            return status == ServingStatus.Serving ? (ProbeVerdict.Success, "service healthy") : (ProbeVerdict.Failure, $"service unhealthy (responded with \"{Name(status)}\")");
        }
        catch (GrpcException e) when (!ct.IsCancellationRequested)
        {
            return (ProbeVerdict.Failure, e.Status switch
            {
                GrpcStatus.Unimplemented => $"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {e.Detail}",
                GrpcStatus.DeadlineExceeded => $"timeout: health rpc did not complete within {RestartBackoff.Go(timeout)}",
                GrpcStatus.Unavailable => $"timeout: failed to connect service \"{address}\" within {RestartBackoff.Go(timeout)}: {e.Detail}",
                _ => $"error: health rpc probe failed: {e.Message}",
            });
        }
    }

    static string Name(ServingStatus status) => status switch { ServingStatus.NotServing => "NOT_SERVING", ServingStatus.ServiceUnknown => "SERVICE_UNKNOWN", ServingStatus.Serving => "SERVING", _ => "UNKNOWN" };
}
