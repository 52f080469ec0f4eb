using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Statuses;

/// <summary>A Pod's conditions: the kubelet's own computed, those of others kept.</summary>
static class PodConditions
{
    const string Restarting = "AllContainersRestarting";

    /// <summary>The kubelet's own that go away again.</summary>
    public static readonly string[] Passing = ["PodResizePending", "PodResizeInProgress"];
    static readonly string[] s_own = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", Restarting, .. Passing];

    public static Seq<PodCondition> For(StatusInputs inputs, PodStatus status)
    {
        var (pod, spec) = (inputs.Pod, inputs.Pod.Spec);
        var containersReady = ContainersReady(spec, status);
        PodCondition[] made =
        [
            new() { Type = "PodReadyToStartContainers", Status = inputs.Runtime.Sandbox is { Ready: true } s && (s.HostNetwork || !s.IPs.IsEmpty) ? "True" : "False" },
            Initialized(spec, status),
            Ready(inputs, containersReady),
            containersReady,
            new() { Type = "PodScheduled", Status = "True" },
        ];
        if (WholeRestart.IsPossible(spec))
            made = [.. made, new()
            {
                Type = Restarting, Status = "False", Reason = status.Phase switch { "Succeeded" => "PodCompleted", "Failed" => "PodFailed", _ => "" },
            }];
        if (!status.IsFinished() && WholeRestart.Cause(inputs.Pod, inputs.Runtime) is not null)
            made[^1] = new() { Type = Restarting, Status = "True", Reason = "RestartAllContainersStarted", Message = "container exited with restart policy rule" };
        if (inputs.Disruption is { } disruption) made = [.. made, new() { Type = "DisruptionTarget", Status = "True", Reason = "TerminationByKubelet", Message = disruption }];
        var others = pod.Status.Conditions.Concat(inputs.Before.Conditions.Where(c => c.Type == "DisruptionTarget")).DistinctBy(c => c.Type).Where(c => !s_own.Contains(c.Type) && !made.Any(m => m.Type == c.Type));
        return made.Select(c => Stamped(c, inputs)).Concat(inputs.Passing.Select(c => Stamped(c, inputs) with { ObservedGeneration = c.ObservedGeneration })).Concat(others).ToSeq();
    }

    static PodCondition Stamped(PodCondition condition, StatusInputs inputs)
    {
        var before = inputs.Before.Conditions.Find(c => c.Type == condition.Type) ?? inputs.Pod.Status.Conditions.Find(c => c.Type == condition.Type);
        return condition with
        {
            ObservedGeneration = inputs.Pod.Metadata.Generation,
            LastTransitionTime = before?.Status == condition.Status ? before.LastTransitionTime : inputs.Now,
        };
    }

    static PodCondition Initialized(PodSpec spec, PodStatus status)
    {
        var yes = new PodCondition { Type = "Initialized", Status = "True" };
        if (spec.InitContainers.IsEmpty) return status.Phase == "Succeeded" ? yes with { Reason = "PodCompleted" } : yes;
        var (unknown, incomplete) = (new List<string>(), new List<string>());
        foreach (var container in spec.InitContainers)
        {
            var s = status.InitContainerStatuses.Find(c => c.Name == container.Name);
            if (s is null) unknown.Add(container.Name);
            else if (container.IsSidecar() ? s.Started != true : !s.Ready) incomplete.Add(container.Name);
        }
        if (status.Phase == "Succeeded" && unknown.Count == 0) return yes with { Reason = "PodCompleted" };
        // Once an app container has run, initialization was complete, whatever became of sidecars.
        if (status.ContainerStatuses.Exists(c => c.Started == true || c.State.Running is not null || c.State.Terminated is not null || c.LastState.Terminated is not null)) return yes;
        return Messages(unknown, incomplete, "incomplete") is { Length: > 0 } message
            ? new() { Type = "Initialized", Status = "False", Reason = "ContainersNotInitialized", Message = message } : yes;
    }

    static PodCondition ContainersReady(PodSpec spec, PodStatus status)
    {
        var no = new PodCondition { Type = "ContainersReady", Status = "False" };
        var (unknown, unready) = (new List<string>(), new List<string>());
        foreach (var container in spec.InitContainers.Where(PodContainers.IsSidecar).Concat(spec.Containers))
        {
            var s = (container.IsSidecar() ? status.InitContainerStatuses : status.ContainerStatuses).Find(c => c.Name == container.Name)
                ?? status.ContainerStatuses.Find(c => c.Name == container.Name);
            if (s is null) unknown.Add(container.Name); else if (!s.Ready) unready.Add(container.Name);
        }
        if (status.Phase == "Succeeded" && unknown.Count == 0) return no with { Reason = "PodCompleted" };
        if (status.Phase == "Failed") return no with { Reason = "PodFailed" };
        return Messages(unknown, unready, "unready") is { Length: > 0 } message ? no with { Reason = "ContainersNotReady", Message = message } : no with { Status = "True" };
    }

    static PodCondition Ready(StatusInputs inputs, PodCondition containersReady)
    {
        if (containersReady.Status != "True") return containersReady with { Type = "Ready" };
        var missing = new List<string>();
        foreach (var gate in inputs.Pod.Spec.ReadinessGates)
        {
            var condition = inputs.Pod.Status.Conditions.Find(c => c.Type == gate.ConditionType);
            if (condition is null) missing.Add($"corresponding condition of pod readiness gate \"{gate.ConditionType}\" does not exist.");
            else if (condition.Status != "True") missing.Add($"the status of pod readiness gate \"{gate.ConditionType}\" is not \"True\", but {condition.Status}");
        }
        return missing.Count == 0 ? new() { Type = "Ready", Status = "True" }
            : new() { Type = "Ready", Status = "False", Reason = "ReadinessGatesNotReady", Message = string.Join(", ", missing) };
    }

    static string Messages(List<string> unknown, List<string> others, string word)
    {
        var parts = new List<string>();
        if (unknown.Count > 0) parts.Add($"containers with unknown status: [{string.Join(' ', unknown)}]");
        if (others.Count > 0) parts.Add($"containers with {word} status: [{string.Join(' ', others)}]");
        return string.Join(", ", parts);
    }
}
