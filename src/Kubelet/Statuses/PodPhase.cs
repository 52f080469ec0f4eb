using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Statuses;

/// <summary>A Pod's phase, from its containers' statuses.</summary>
static class PodPhase
{
    /// <param name="active">An app container has been started in the sandbox that there is.</param>
    public static string Of(Pod pod, Seq<ContainerStatus> init, Seq<ContainerStatus> apps, bool terminal, bool active)
    {
        int pending = 0, pendingSidecars = 0, failed = 0, failedForGood = 0;
        foreach (var container in pod.Spec.InitContainers)
        {
            var status = init.Find(s => s.Name == container.Name);
            if (container.IsSidecar())
            {
                if (status switch
                {
                    null => true,
                    { State.Running: not null } => status.Started != true,
                    _ => (status.State.Terminated ?? status.LastState.Terminated) is null, // one that has ended before says nothing of the phase
                }) pendingSidecars++;
            }
            else if (status is null || status.State.Running is not null) pending++;
            else if (status.State.Terminated is { ExitCode: 0 }) { }
            else if ((status.State.Terminated ?? status.LastState.Terminated) is { ExitCode: not 0 and var code })
            {
                failed++;
                if (status.State.Terminated is not null && !pod.RestartsAfter(container, code)) failedForGood++;
            }
            else pending++;
        }
        int unknown = 0, running = 0, waiting = 0, stopped = 0, succeeded = 0;
        foreach (var container in pod.Spec.Containers)
        {
            var status = apps.Find(s => s.Name == container.Name);
            if (status is null) unknown++;
            else if (status.State.Running is not null) running++;
            else if ((status.State.Terminated ?? status.LastState.Terminated) is { } ended)
            {
                stopped++;
                if (status.State.Terminated is { ExitCode: 0 }) succeeded++;
            }
            else waiting++;
        }
        bool begun = running + stopped > 0;
        if (failedForGood > 0) return "Failed";
        if (terminal && running == 0 && stopped == 0 && unknown == 0 && waiting > 0) return "Failed"; // upstream: what never ran did not succeed
        if (failed > 0 && !begun) return terminal ? "Failed" : "Pending";
        // Init containers that run again, in a new sandbox, put the Pod back to where it was at first; sidecars that begin anew beside the others do not.
        if (pending > 0 || pendingSidecars > 0 && !active) return terminal ? "Failed" : "Pending";
        if (waiting > 0) return terminal && stopped > 0 ? "Failed" : "Pending";
        if (running > 0 && unknown == 0) return "Running";
        if (running == 0 && stopped > 0 && unknown == 0)
        {
            if (terminal) return stopped == succeeded ? "Succeeded" : "Failed";
            bool goesOn = pod.Spec.Containers.Exists(c => apps.Find(s => s.Name == c.Name) is { } s
                && (s.State.Terminated is { } ended ? pod.RestartsAfter(c, ended.ExitCode) : s.State.Waiting is not null));
            if (goesOn) return "Running";
            return stopped == succeeded ? "Succeeded" : "Failed";
        }
        return "Pending";
    }
}
