using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Probes;
using Hanbae.Kubelet.Runtime;
using ContainerState = Hanbae.Api.Core.V1.ContainerState;
using ContainerStatus = Hanbae.Api.Core.V1.ContainerStatus;
using ContainerUser = Hanbae.Api.Core.V1.ContainerUser;
using LinuxContainerUser = Hanbae.Api.Core.V1.LinuxContainerUser;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Statuses;

/// <summary>Why a container is not running although it should be: the state <c>waiting</c>.</summary>
public readonly record struct Waiting(string Reason, string Message);

/// <summary>Container statuses of a Pod, from what the runtime has, what the last try said, and what was last told.</summary>
static class ContainerStatuses
{
    public static Seq<ContainerStatus> For(StatusInputs inputs, IEnumerable<Container> containers, Seq<ContainerStatus> before, bool init)
    {
        var made = new List<ContainerStatus>();
        foreach (var container in containers) made.Add(For(inputs, container, before.Find(s => s.Name == container.Name), init));
        return made.ToSeq();
    }

    static ContainerStatus For(StatusInputs inputs, Container container, ContainerStatus? before, bool init)
    {
        var newest = inputs.Runtime.Newest(container.Name);
        var status = newest is null ? Absent(inputs, container, before, init) : Of(inputs, newest, inputs.Runtime.Before(newest), before);
        status = status with { Name = container.Name };

        // What ran before all began anew is the past: the container is yet to start.
        if (newest is { Past: true } && !inputs.Terminal && status.State.Terminated is not null)
            status = status with { LastState = status.State, State = new() { Waiting = new() { Reason = inputs.Pod.Spec.InitContainers.IsEmpty ? "ContainerCreating" : "PodInitializing" } } };
        // A container that is to start but could not is waiting, and what it ended with is its last state.
        bool done = init && !container.IsSidecar() && newest is { Succeeded: true, Past: false };
        if (!inputs.Terminal && !done && inputs.Pod.ShouldRestart(container, newest) && inputs.Errors.TryGetValue(container.Name, out var error))
            status = status with
            {
                LastState = status.State.Terminated is not null ? status.State : status.LastState,
                State = new() { Waiting = new() { Reason = error.Reason, Message = error.Message } },
            };
        status = WithReadiness(inputs, container, status, newest, init);
        if (!init) status = status with { AllocatedResourcesStatus = inputs.DeviceHealth(container) };
        return status.State.Waiting is null ? status with
        {
            AllocatedResources = container.Resources.Requests,
            Resources = (inputs.InForce(container.Name) ?? container.Resources) is { } r && r == ResourceRequirements.Empty ? new() : (inputs.InForce(container.Name) ?? container.Resources) with { Claims = default },
            VolumeMounts = Mounts(inputs, container),
            User = newest?.User is { } user ? new() { Linux = new() { Uid = user.Uid, Gid = user.Gid, SupplementalGroups = user.SupplementalGroups.ToSeq() } } : null,
        } : status with { VolumeMounts = newest is null ? default : Mounts(inputs, container) };
    }

    static ContainerStatus Absent(StatusInputs inputs, Container container, ContainerStatus? before, bool init)
    {
        if (before is { State.Terminated: not null }) return before; // removed from the runtime since
        var empty = new ContainerStatus { Name = container.Name, Image = container.Image, RestartCount = before?.RestartCount ?? 0, LastState = before?.LastState ?? ContainerState.Empty };
        // A Pod that the kubelet refused never had containers, so none was lost.
        bool initialized = init || inputs.Pod.Spec.InitContainers.IsEmpty || inputs.Before.Conditions.Exists(c => c is { Type: "Initialized", Status: "True" });
        if (before is { State.Running: not null } || inputs.Terminal && !init && initialized && before is not null && inputs.Failed is null)
        {
            // It was there and is no longer, without a word about its end.
            var lost = new ContainerState
            {
                Terminated = new() { Reason = "ContainerStatusUnknown", ExitCode = 137, Message = inputs.Terminal
                    ? "The container could not be located when the pod was terminated"
                    : "The container could not be located when the pod was deleted.  The container used to be Running" },
            };
            if (inputs.Terminal) return before with { State = lost, Ready = false, Started = false };
            if (before.State.Running is not null) empty = empty with { LastState = lost, RestartCount = before.RestartCount + 1 };
        }
        // Its container was removed, its status lost, and yet what comes after it was started: it must have done what it was for.
        if (init && !container.IsSidecar() && inputs.AppStarted)
            return empty with
            {
                State = new()
                {
                    Terminated = new()
                    {
                        Reason = "Completed", ExitCode = 0,
                        Message = "Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally",
                    },
                },
            };
        bool initializing = !inputs.Pod.Spec.InitContainers.IsEmpty; // as upstream, also for init containers themselves
        return empty with { State = new() { Waiting = new() { Reason = initializing ? "PodInitializing" : "ContainerCreating" } } };
    }

    static ContainerStatus Of(StatusInputs inputs, RuntimeContainer c, RuntimeContainer? earlier, ContainerStatus? before) => new()
    {
        Name = c.Name,
        Image = c.Image,
        ImageID = c.ImageId,
        ContainerID = inputs.IdOf(c),
        RestartCount = Math.Max(c.RestartCount, before?.RestartCount ?? 0),
        State = State(inputs, c),
        LastState = earlier is not null ? State(inputs, earlier) : before is { LastState: { Terminated: not null } last } ? last : ContainerState.Empty,
    };

    static ContainerState State(StatusInputs inputs, RuntimeContainer c) => c.State switch
    {
        RuntimeState.Running => new() { Running = new() { StartedAt = c.StartedAt } },
        RuntimeState.Exited => new()
        {
            Terminated = new()
            {
                ExitCode = c.ExitCode, Reason = c.Reason, Message = c.Message, ContainerID = inputs.IdOf(c),
                StartedAt = c.StartedAt ?? DateTimeOffset.UnixEpoch, FinishedAt = c.FinishedAt ?? DateTimeOffset.UnixEpoch,
            },
        },
        RuntimeState.Unknown => new()
        {
            Terminated = new()
            {
                ExitCode = 137, Reason = "ContainerStatusUnknown", Message = "The container could not be located when the pod was terminated", ContainerID = inputs.IdOf(c),
            },
        },
        _ => new() { Waiting = new() { Reason = "ContainerCreating" } },
    };

    static ContainerStatus WithReadiness(StatusInputs inputs, Container container, ContainerStatus status, RuntimeContainer? newest, bool init)
    {
        bool running = status.State.Running is not null;
        bool started = running && (container.StartupProbe is null || inputs.Probes.Get(newest!.Id, ProbeKind.Startup) == ProbeVerdict.Success);
        bool ready = init && !container.IsSidecar()
            ? status.State.Terminated is { ExitCode: 0 }
            : started && (container.ReadinessProbe is null || inputs.Probes.Get(newest!.Id, ProbeKind.Readiness) == ProbeVerdict.Success);
        return status with { Started = started, Ready = ready };
    }

    static Seq<VolumeMountStatus> Mounts(StatusInputs inputs, Container container) =>
        container.VolumeMounts.Select(m => new VolumeMountStatus { Name = m.Name, MountPath = m.MountPath, ReadOnly = m.ReadOnly, RecursiveReadOnly = ReadOnlyMounts.Told(m, inputs.MountsReadOnlyRecursively) }).ToSeq();
}
