using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Tables;

/// <summary>A Pod's row: its status is what ails it most, as <c>kubectl get pods</c> has always shown it.</summary>
static class PodCells
{
    public static void Write(Pod pod, IRow row)
    {
        var seen = Look(pod);
        switch (pod.Status.Phase)
        {
            case "Succeeded": row.Condition("Completed", "True", "Succeeded", "The pod has completed successfully."); break;
            case "Failed": row.Condition("Completed", "True", "Failed", "The pod failed."); break;
        }
        row.Text(pod.Metadata.Name);
        row.Text($"{seen.Ready}/{seen.Total}");
        row.Text(seen.Reason);
        if (seen.Restarts != 0 && seen.RestartedAt is { } at) row.TextWithAge($"{seen.Restarts} (", at, " ago)");
        else row.Text(CellText.Of(seen.Restarts));
        row.Age(pod.Metadata.CreationTimestamp);
        row.Text(CellText.OrNone(pod.Status.PodIPs.IsEmpty ? "" : pod.Status.PodIPs[0].Ip));
        row.Text(CellText.OrNone(pod.Spec.NodeName));
        row.Text(CellText.OrNone(pod.Status.NominatedNodeName));
        row.Text(Gates(pod));
    }

    /// <param name="Total">Containers that are to run beside each other: sidecars count.</param>
    readonly record struct Seen(string Reason, int Ready, int Total, int Restarts, DateTimeOffset? RestartedAt);

    static Seen Look(Pod pod)
    {
        var status = pod.Status;
        string reason = status.Reason.Length > 0 ? status.Reason : status.Phase;
        foreach (var condition in status.Conditions)
            if (condition is { Type: "PodScheduled", Reason: "SchedulingGated" }) reason = "SchedulingGated";

        int total = pod.Spec.Containers.Count, ready = 0, restarts = 0, sidecarRestarts = 0;
        DateTimeOffset? restartedAt = null, sidecarRestartedAt = null;
        foreach (var container in pod.Spec.InitContainers) if (IsSidecar(container)) total++;

        bool initializing = false;
        for (int i = 0; i < status.InitContainerStatuses.Count && !initializing; i++)
        {
            var container = status.InitContainerStatuses[i];
            bool sidecar = pod.Spec.InitContainers.Find(c => c.Name == container.Name) is { } spec && IsSidecar(spec);
            restarts += container.RestartCount;
            restartedAt = Later(restartedAt, container);
            if (sidecar)
            {
                sidecarRestarts += container.RestartCount;
                sidecarRestartedAt = Later(sidecarRestartedAt, container);
            }
            if (container.State.Terminated is { ExitCode: 0 }) continue;
            if (sidecar && container.Started == true)
            {
                if (container.Ready) ready++;
                continue;
            }
            initializing = true;
            reason = container.State switch
            {
                { Terminated: { } end } => "Init:" + Ended(end),
                { Waiting.Reason: { Length: > 0 } waiting } when waiting != "PodInitializing" => "Init:" + waiting,
                _ => $"Init:{i}/{pod.Spec.InitContainers.Count}",
            };
        }

        if (!initializing || IsTrue(status, "Initialized"))
        {
            (restarts, restartedAt) = (sidecarRestarts, sidecarRestartedAt);
            bool running = false;
            // From the last to the first, so that the first container's trouble is what shows.
            for (int i = status.ContainerStatuses.Count - 1; i >= 0; i--)
            {
                var container = status.ContainerStatuses[i];
                restarts += container.RestartCount;
                restartedAt = Later(restartedAt, container);
                if (container.State.Waiting is { Reason.Length: > 0 } waiting) reason = waiting.Reason;
                else if (container.State.Terminated is { } end) reason = Ended(end);
                else if (container is { Ready: true, State.Running: not null })
                {
                    running = true;
                    ready++;
                }
            }
            if (reason == "Completed" && running) reason = IsTrue(status, "Ready") ? "Running" : "NotReady";
        }

        if (pod.Metadata.DeletionTimestamp is not null)
            if (status.Reason == "NodeLost") reason = "Unknown";
            else if (status.Phase is not ("Succeeded" or "Failed")) reason = "Terminating";
        return new(reason, ready, total, restarts, restartedAt);
    }

    static bool IsSidecar(Container container) => container.RestartPolicy == "Always";

    static string Ended(ContainerStateTerminated end) =>
        end.Reason.Length > 0 ? end.Reason : end.Signal != 0 ? "Signal:" + CellText.Of(end.Signal) : "ExitCode:" + CellText.Of(end.ExitCode);

    static DateTimeOffset? Later(DateTimeOffset? known, ContainerStatus container) =>
        container.LastState.Terminated?.FinishedAt is { } at && (known is null || at > known) ? at : known;

    static bool IsTrue(PodStatus status, string type) => status.Conditions.Find(c => c.Type == type) is { Status: "True" };

    static string Gates(Pod pod)
    {
        var gates = pod.Spec.ReadinessGates;
        return gates.IsEmpty ? CellText.None : $"{gates.Count(g => IsTrue(pod.Status, g.ConditionType))}/{gates.Count}";
    }
}
