using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Nodes;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Stats;

/// <summary>Keeps <see cref="ResourceUsage"/> up to date, at the pace of the metrics server.</summary>
sealed class UsageLoop(KubeletOptions options, PodSampler sampler, Func<Node?> node, TimeProvider time, ILogger log)
{
    volatile ResourceUsage _last = ResourceUsage.None;

    public ResourceUsage Last => _last;

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                var use = await sampler.ReadAsync(ct).ConfigureAwait(false);
                _last = ResourceUsage.Of(use, options.NodeName, node()?.Metadata.Labels ?? default, MachineInfo.Memory("MemTotal") - MachineInfo.Memory("MemAvailable"));
            }
            catch (Exception e) when (e is GrpcException or IOException && !ct.IsCancellationRequested) { log.NoFigures(e.Message); }
            // The first figures come soon: they need two readings.
            await Task.Delay(_last == ResourceUsage.None ? TimeSpan.FromSeconds(6) : options.UsagePeriod, time, ct).ConfigureAwait(false);
        }
    }
}
