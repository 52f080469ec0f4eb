using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Cgroups;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Statuses;

/// <summary>Computes the whole status of a Pod.</summary>
static class PodStatuses
{
    public static PodStatus For(StatusInputs inputs)
    {
        var (pod, before) = (inputs.Pod, inputs.Before);
        var init = ContainerStatuses.For(inputs, pod.Spec.InitContainers, before.InitContainerStatuses, init: true);
        var apps = ContainerStatuses.For(inputs, pod.Spec.Containers, before.ContainerStatuses, init: false);
        var ephemeral = ContainerStatuses.For(inputs, pod.Spec.EphemeralContainers.Select(PodContainers.AsContainer), before.EphemeralContainerStatuses, init: false);

        if (inputs.NeverMade) (init, apps, ephemeral) = ([], [], []);

        // A finished Pod stays what it is.
        string phase = before.IsFinished() ? before.Phase : inputs.Failed is not null ? "Failed" : PodPhase.Of(pod, init, apps, inputs.Terminal, inputs.AppStarted);
        // While all containers are ended to begin anew, how they end says nothing.
        if (!inputs.Terminal && inputs.Failed is null && WholeRestart.Cause(pod, inputs.Runtime) is not null) phase = before.Phase is "Running" or "Pending" ? before.Phase : "Running";
        var ips = Addresses(inputs);
        var status = new PodStatus
        {
            ObservedGeneration = pod.Metadata.Generation,
            Phase = phase,
            Reason = inputs.Failed?.Reason ?? before.Reason,
            Message = inputs.Failed?.Message ?? before.Message,
            NominatedNodeName = pod.Status.NominatedNodeName,
            HostIP = inputs.HostIPs.IsEmpty ? "" : inputs.HostIPs[0],
            HostIPs = inputs.HostIPs.Select(ip => new HostIP { Ip = ip }).ToSeq(),
            PodIP = ips.IsEmpty ? "" : ips[0],
            PodIPs = ips.Select(ip => new PodIP { Ip = ip }).ToSeq(),
            StartTime = before.StartTime ?? inputs.Now,
            InitContainerStatuses = init,
            ContainerStatuses = apps,
            EphemeralContainerStatuses = ephemeral,
            QosClass = before.QosClass.Length > 0 ? before.QosClass : PodQos.Of(pod.Spec),
            ResourceClaimStatuses = pod.Status.ResourceClaimStatuses,
            AllocatedResources = pod.Spec.Resources?.Requests ?? default,
            Resources = pod.Spec.Resources is null ? null : inputs.WholeInForce ?? pod.Spec.Resources,
            ExtendedResourceClaimStatus = pod.Status.ExtendedResourceClaimStatus,
        };
        return status with { Conditions = PodConditions.For(inputs, status) };
    }

    static Seq<string> Addresses(StatusInputs inputs)
    {
        if (inputs.Pod.Spec.HostNetwork) return inputs.HostIPs;
        if (inputs.Runtime.Sandbox is { Ready: true } sandbox) return sandbox.IPs;
        return inputs.Before.PodIPs.Select(p => p.Ip).ToSeq(); // known until there is a new sandbox
    }
}
