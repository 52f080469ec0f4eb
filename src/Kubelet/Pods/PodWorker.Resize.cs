using Hanbae.Api.Core.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Statuses;

namespace Hanbae.Kubelet.Pods;

sealed partial class PodWorker
{
    /// <summary>Containers that were ended to be started with other resources, whatever the restart policy says.</summary>
    readonly HashSet<string> _resizing = [];
    Waiting? _pending, _resizeError;
    bool _inProgress;
    long _pendingGeneration, _progressGeneration;
    DateTimeOffset _pendingSince;

    /// <summary>The Pod waits for the node to have room for its new wishes.</summary>
    public bool ResizePending => _pending is not null;

    /// <summary>Why its resize waits: <c>Deferred</c>, <c>Infeasible</c>; null when none does.</summary>
    public string? PendingResize => _pending?.Reason;
    public bool ResizeInProgress => _inProgress;

    /// <summary>What it waits with, for who decides whose turn it is.</summary>
    public WaitingResize WaitingResize => new(Pod, Resizes.Grows(context.Allocations.Of(Pod), Pod), _pendingSince);

    /// <summary>Looks whether there is room now.</summary>
    /// <param name="trigger">What may have made it, as figures call that.</param>
    /// <returns>Whether anything has changed.</returns>
    public bool RetryResize(string trigger)
    {
        var before = _pending;
        Decide(Pod, trigger);
        return _pending != before;
    }

    /// <summary>Grants what the Pod asks for, if the node can.</summary>
    /// <returns>The Pod with what it has been granted, which may still be what it had.</returns>
    Pod Allocate(Pod pod)
    {
        if (_pending is null || _pendingGeneration != pod.Metadata.Generation) return Decide(pod, "pod_updated");
        context.Released("periodic_retry"); // not before others whose turn it is
        return context.Allocations.Of(pod);
    }

    Pod Decide(Pod pod, string trigger)
    {
        bool granted = false;
        try { return Decide(pod, trigger, out granted); }
        finally { if (granted) context.Released("pod_resized"); } // somebody who waits for room may have it now
    }

    Pod Decide(Pod pod, string trigger, out bool grants)
    {
        grants = false;
        lock (context.Allocations.Gate)
        {
            if (!context.Allocations.Knows(Uid))
            {
                context.Allocations.Grant(pod);
                return pod;
            }
            var granted = context.Allocations.Of(pod);
            if (granted == pod || _removed || Ended)
            {
                _pending = null;
                return granted;
            }
            var refusal = Resizes.Forbid(granted, pod, context.Options, context.NodeMemory) ?? context.Placements?.RefuseResize(granted, pod)
                ?? Resizes.Refuse(pod, context.Active().Where(p => p.Metadata.Uid != Uid), context.Allocatable());
            if (refusal is { } refused)
            {
                var why = new Waiting(refused.Reason, refused.Message);
                if (_pending != why || _pendingGeneration != pod.Metadata.Generation)
                {
                    context.Events.Event(pod, "Warning", why.Reason == "Infeasible" ? "ResizeInfeasible" : "ResizeDeferred", Resizes.Describe("Pod resize " + why.Reason, pod, why.Message));
                    if (why.Reason == "Infeasible") context.Figures.Count("kubelet_pod_infeasible_resizes_total", ("reason_detail", refused.Detail));
                }
                if (_pending is null) _pendingSince = context.Time.GetUtcNow();
                (_pending, _pendingGeneration) = (why, pod.Metadata.Generation);
                return granted;
            }
            context.Allocations.Grant(pod);
            if (_pending is { Reason: "Deferred" }) context.Figures.Count("kubelet_pod_deferred_accepted_resizes_total", ("retry_trigger", trigger));
            (_pending, _resizeError, _inProgress, _progressGeneration) = (null, null, true, pod.Metadata.Generation);
            context.Events.Event(pod, "Normal", "ResizeStarted", Resizes.Describe("Pod resize started", pod));
            grants = true;
            return pod;
        }
    }

    /// <summary>Brings what was granted into force; containers that asked for it are ended instead, and started anew by the plan.</summary>
    async Task ResizeAsync(Pod pod, CancellationToken ct)
    {
        bool changed = false, whole = true, worked = false;
        string? failure = null;
        long began = context.Time.GetTimestamp();
        var was = InForce(pod);
        foreach (var container in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(PodContainers.IsSidecar)))
        {
            if (_runtime!.Current(container.Name) is not { State: RuntimeState.Running } running) continue;
            // Started by a kubelet that kept no record: what it was granted then is what it runs with.
            if (context.Allocations.InForce(Uid, container.Name) is not { } inForce)
            {
                context.Allocations.PutInForce(pod, container.Name, container.Resources);
                continue;
            }
            if (inForce == container.Resources && was.Spec.Resources == pod.Spec.Resources) continue;
            changed = true;
            try
            {
                if (Resizes.NeedsRestart(container, inForce))
                {
                    _resizing.Add(container.Name);
                    whole = false;
                    await _killer.KillAsync(pod, running, null, $"Container {container.Name} resize requires restart", Task.CompletedTask, ct).ConfigureAwait(false);
                    continue;
                }
                if (Resizes.For(pod, was, container, inForce, context.Options, context.NodeMemory) is { } wanted)
                {
                    worked = true;
                    await CheckUsageAsync(container.Name, running.Id, wanted.MemoryLimitInBytes, ct).ConfigureAwait(false);
                    await context.Cri.UpdateContainerResourcesAsync(new() { ContainerId = running.Id, Linux = wanted }, ct).ConfigureAwait(false);
                }
                context.Allocations.PutInForce(pod, container.Name, container.Resources);
            }
            catch (Exception e) when (e is GrpcException or ContainerConfigException && !ct.IsCancellationRequested)
            {
                failure ??= e is GrpcException g ? g.Detail : e.Message;
            }
        }
        if (failure is null && whole && _resizing.Count == 0 && _inProgress)
            try
            {
                worked = true;
                await EnsureCgroupAsync(pod, null, ct).ConfigureAwait(false); // the Pod as a whole shrinks last
                context.Allocations.PutWholeInForce(pod);
            }
            catch (IOException e) { failure = e.Message; } // the kernel takes no limit beneath what is in use
        if (worked)
            context.Figures.Observe("kubelet_pod_resize_duration_milliseconds", context.Time.GetElapsedTime(began).TotalMilliseconds, ("success", failure is null ? "true" : "false"));
        if (failure is not null)
        {
            if (_resizeError?.Message != failure) context.Events.Event(pod, "Warning", "ResizeError", Resizes.Describe("Pod resize error", pod, failure));
            (_inProgress, _resizeError) = (true, new("Error", failure));
            _progressGeneration = _progressGeneration == 0 ? pod.Metadata.Generation : _progressGeneration;
        }
        else if (whole && _resizing.Count == 0)
        {
            if (_inProgress)
            {
                context.Events.Event(pod, "Normal", "ResizeCompleted", Resizes.Describe("Pod resize completed", pod));
            }
            (_inProgress, _resizeError) = (false, null);
        }
        if (changed) _runtime = await ReadAsync(pod, ct).ConfigureAwait(false);
    }

    /// <summary>A limit beneath what is in use would end the container where cgroups are v2, so it is not tried.</summary>
    async Task CheckUsageAsync(string name, string id, long limit, CancellationToken ct)
    {
        if (limit <= 0) return;
        long used = (long)((await context.Cri.ContainerStatsAsync(id, ct).ConfigureAwait(false))?.Memory?.WorkingSetBytes?.Value ?? 0);
        if (used > limit) throw new ContainerConfigException($"attempting to set container \"{name}\" memory limit ({limit}) below current usage ({used})");
    }

    /// <summary>The Pod with what its containers run with: its cgroup is not to be smaller than that while a resize goes on.</summary>
    Pod InForce(Pod granted)
    {
        Container Now(Container c) => context.Allocations.InForce(Uid, c.Name) is { } r && r != c.Resources ? c with { Resources = r } : c;
        return granted with
        {
            Spec = granted.Spec with
            {
                Resources = granted.Spec.Resources is null ? null : context.Allocations.WholeInForce(Uid) ?? granted.Spec.Resources,
                Containers = granted.Spec.Containers.Select(Now).ToSeq(), InitContainers = granted.Spec.InitContainers.Select(Now).ToSeq(),
            },
        };
    }

    /// <summary>What the status says of a resize: at most <c>PodResizePending</c> and <c>PodResizeInProgress</c>.</summary>
    IEnumerable<PodCondition> ResizeConditions()
    {
        if (_pending is { } why) yield return new() { Type = "PodResizePending", Status = "True", Reason = why.Reason, Message = why.Message, ObservedGeneration = _pendingGeneration };
        if (_inProgress)
            yield return new() { Type = "PodResizeInProgress", Status = "True", Reason = _resizeError?.Reason ?? "", Message = _resizeError?.Message ?? "", ObservedGeneration = _progressGeneration };
    }
}
