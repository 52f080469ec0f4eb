using Hanbae.Cri;
using Hanbae.Grpc;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace Hanbae.Kubelet.Placement;

/// <summary>Keeps containers that run off the CPUs that others have for themselves, and lets them back when those are free.</summary>
/// <remarks>At once when something changes, and now and then all the same. Kept in memory: a line per container that runs.</remarks>
sealed class SharedPool(Placements placements, ICri cri, Func<IEnumerable<PodWorker>> workers, TimeSpan period, TimeProvider time, ILogger log)
{
    readonly Dictionary<string, string> _told = []; // by container id

    public WakeUp Wake { get; } = new();

    public async Task RunAsync(CancellationToken ct)
    {
        if (placements.Cpus.Policy is null) await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(false);
        while (true)
        {
            await OnceAsync(ct).ConfigureAwait(false);
            await Wake.WaitAsync(period, time, ct).ConfigureAwait(false);
        }
    }

    public async Task OnceAsync(CancellationToken ct)
    {
        var running = workers().SelectMany(w => (w.Runtime?.Containers ?? []).Where(c => c.State == RuntimeState.Running).Select(c => (Pod: w.Pod, Container: c))).ToArray();
        foreach (string gone in _told.Keys.Except(running.Select(r => r.Container.Id)).ToArray()) _told.Remove(gone);
        foreach (var (pod, container) in running)
        {
            string cpus = placements.Cpus.For(pod.Metadata.Uid, container.Name).ToString();
            if (cpus.Length == 0 || _told.GetValueOrDefault(container.Id) == cpus) continue;
            try
            {
                await cri.UpdateContainerResourcesAsync(new() { ContainerId = container.Id, Linux = new() { CpusetCpus = cpus } }, ct).ConfigureAwait(false);
                _told[container.Id] = cpus;
            }
            catch (GrpcException e) when (!ct.IsCancellationRequested) { log.SharedCpus(pod.Metadata.Namespace, pod.Metadata.Name, container.Name, cpus, e.Message); }
        }
    }
}
