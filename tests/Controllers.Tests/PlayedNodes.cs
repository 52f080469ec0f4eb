using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Client;
using Hanbae.Controllers.DaemonSets;
using Hanbae.Controllers.Ownership;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests;

/// <summary>Scheduler and kubelets for a <see cref="FakeApi"/>: Pods get a node, run as a function says, and end when they are deleted.</summary>
sealed class PlayedNodes : IAsyncDisposable
{
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;

    /// <param name="next">The Pod as its node would report it next; the same when there is nothing to report. Ready, unless said otherwise.</param>
    public PlayedNodes(TestCluster cluster, Func<Pod, Pod>? next = null)
    {
        var api = cluster.Api;
        api.Graceful = static o => o is Pod;
        var step = next ?? (p => p.IsScheduledReady() ? p : p.Ready(cluster.Time.GetUtcNow()));
        Pod Next(Pod pod) => pod.IsBeingDeleted || pod.Status.Phase is "Failed" or "Succeeded" ? pod
            : step(pod.Spec.NodeName.Length > 0 ? pod : pod with { Spec = pod.Spec with { NodeName = DaemonPod.NodeOf(pod) ?? "node-1" } });
        bool Stale(Pod pod) => !Next(pod).Equals(pod);
        bool Goes(Pod pod) => pod.IsBeingDeleted && !Held(pod);
        _running = Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                try { await api.UntilAsync(a => a.All<Pod>().Any(p => Stale(p) || Goes(p)), atMost: TimeSpan.FromMilliseconds(200)); }
                catch (TimeoutException) { continue; }
                foreach (var pod in api.All<Pod>())
                    if (Goes(pod)) await cluster.Client.TryDeleteAsync<Pod>(Key.Of(pod), new DeleteOptions { GracePeriodSeconds = 0 }, CancellationToken.None);
                    else if (Stale(pod)) api.Change<Pod>(pod.Metadata.Name, p => p.IsBeingDeleted ? p : Next(p), pod.Metadata.Namespace);
            }
        });
    }

    /// <summary>Pods that take their time to end.</summary>
    public Func<Pod, bool> Held { get; set; } = static p => !p.Metadata.Finalizers.IsEmpty;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }
}
