using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Runtime;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Pods;

/// <summary>Ends containers as they asked to be ended: hook, signal, patience, force.</summary>
sealed class PodKiller(PodContext context)
{
    /// <summary>Upstream never gives less, so that a hook that took all the time does not mean SIGKILL at once.</summary>
    const long LeastGrace = 2;

    /// <summary>Ends all containers of a Pod, sidecars after the others and in reverse order, and stops its sandboxes.</summary>
    /// <param name="grace">In place of the Pod's own.</param>
    public async Task KillPodAsync(Pod pod, RuntimePod runtime, long? grace, CancellationToken ct)
    {
        var running = runtime.Containers.Where(c => c.State is RuntimeState.Running or RuntimeState.Unknown).ToArray();
        var sidecars = pod.Spec.InitContainers.Where(PodContainers.IsSidecar).Select(c => c.Name).Reverse().ToList();
        var done = running.ToDictionary(c => c.Id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await Task.WhenAll(running.Select(OneAsync)).ConfigureAwait(false);
        foreach (var sandbox in runtime.Sandboxes) await context.Cri.StopPodSandboxAsync(sandbox.Id, ct).ConfigureAwait(false);

        async Task OneAsync(RuntimeContainer container)
        {
            int rank = sidecars.IndexOf(container.Name);
            var earlier = rank < 0 ? [] : running.Where(c => c.Id != container.Id && sidecars.IndexOf(c.Name) < rank).Select(c => done[c.Id].Task).ToArray();
            try { await KillAsync(pod, container, grace, "", Task.WhenAll(earlier), ct).ConfigureAwait(false); }
            finally { done[container.Id].TrySetResult(); }
        }
    }

    /// <param name="turn">Done when it may be sent its signal; waited for no longer than its grace.</param>
    public async Task KillAsync(Pod pod, RuntimeContainer container, long? grace, string message, Task turn, CancellationToken ct)
    {
        var spec = pod.Spec.Find(container.Name);
        long seconds = grace ?? pod.GraceSeconds();
        context.Events.Event(pod, "Normal", "Killing", message.Length > 0 ? message : $"Stopping container {container.Name}", pod.Spec.FieldPath(container.Name));
        long start = context.Time.GetTimestamp();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (spec?.Lifecycle?.PreStop is { } hook && seconds > 0 && container.State == RuntimeState.Running)
        {
            // One that takes longer than there is goes on beside the signal, as upstream: it ends with its container.
            try { await PreStopAsync(pod, spec, container, hook, ended.Token).WaitAsync(TimeSpan.FromSeconds(seconds), context.Time, ct).ConfigureAwait(false); }
            catch (TimeoutException) { }
        }
        if (!turn.IsCompleted)
        {
            try { await turn.WaitAsync(Max(TimeSpan.FromSeconds(seconds) - context.Time.GetElapsedTime(start), TimeSpan.Zero), context.Time, ct).ConfigureAwait(false); }
            catch (TimeoutException) { }
        }
        long left = seconds - (long)context.Time.GetElapsedTime(start).TotalSeconds;
        if (left < LeastGrace) left = grace is < LeastGrace ? grace.Value : LeastGrace;
        await context.Cri.StopContainerAsync(container.Id, TimeSpan.FromSeconds(left), ct).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        context.Prober.Remove(container.Id);
    }

    static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    /// <param name="ended">The container is no more, or the kill was broken off.</param>
    async Task PreStopAsync(Pod pod, Container spec, RuntimeContainer container, LifecycleHandler hook, CancellationToken ended)
    {
        try
        {
            await Hooks.RunAsync(context, pod, spec, container.Id, hook, ended).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested) { }
        catch (HookException) when (ended.IsCancellationRequested) { }
        catch (HookException)
        {
            context.Events.Event(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", pod.Spec.FieldPath(spec.Name));
        }
    }
}
