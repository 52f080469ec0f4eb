using Hanbae.Api.Core.V1;
using Hanbae.Grpc.Health;
using Hanbae.Grpc.Server;
using static Hanbae.Grpc.Health.HealthCheckResponse.Types;

namespace Hanbae.Kubelet.Tests.Real;

/// <summary>gRPC probes against a real server: this process, whose network a Pod with the host's network shares.</summary>
public sealed class GrpcProbeTests(KubeletNode node) : RealKubeletTest(node)
{
    [RealFact]
    [Trait("Conformance", "[sig-node] Probing container should be restarted with a GRPC liveness probe [NodeConformance] [Conformance]")]
    [Trait("Conformance", "[sig-node] Probing container should *not* be restarted with a GRPC liveness probe [NodeConformance] [Conformance]")]
    public async Task A_container_whose_server_says_it_does_not_serve_is_restarted_and_others_are_not()
    {
        int asked = 0;
        var often = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = new GrpcService().Unary(GrpcHealth.Check, (request, _) =>
        {
            if (request.Service == "well" && Interlocked.Increment(ref asked) == 3) often.TrySetResult();
            return Task.FromResult(new HealthCheckResponse { Status = request.Service == "well" ? ServingStatus.Serving : ServingStatus.NotServing });
        });
        await using var server = await GrpcServer.StartAsync("http://127.0.0.1:0", service);
        int port = new Uri(server.Address).Port;
        Start(o => o with { NodeIPs = ["127.0.0.1"] });
        Pod Probed(string name) => Pod(name, Shell("app", "sleep 1000") with { LivenessProbe = new() { Grpc = new() { Port = port, Service = name }, PeriodSeconds = 1, TimeoutSeconds = 30, FailureThreshold = 1 } }) is var p
            ? p with { Spec = p.Spec with { HostNetwork = true } } : null!;
        _api.Put(Probed("well"));
        _api.Put(Probed("sick"));
        await Until("sick", s => s.ContainerStatuses is [{ RestartCount: > 0 }], "restarted");
        await Until("well", s => s.Phase == "Running", "running");
        await often.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, StatusOf("well").ContainerStatuses[0].RestartCount);
        Assert.Contains("Warning Unhealthy Liveness probe failed: service unhealthy (responded with \"NOT_SERVING\")", _events.All);
    }
}
