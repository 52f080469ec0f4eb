using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Pods: they end gracefully, and kubelets and the scheduler select them by node.</summary>
public class PodStrategy() : Strategy(Pod.Info)
{
    const long DefaultGracePeriod = 30;

    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var pod = (Pod)base.PrepareForCreate(obj, context);
        return pod with { Status = new PodStatus { Phase = "Pending", QosClass = QosOf(pod.Spec) } };
    }

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var (pod, was) = ((Pod)obj, (Pod)old);
        switch (context.Subresource)
        {
            case "ephemeralcontainers":
                pod = was with { Metadata = pod.Metadata, Spec = was.Spec with { EphemeralContainers = pod.Spec.EphemeralContainers } };
                break;
            case "binding":
                // Getting a node is no change of what was asked for: the generation stays.
                return pod with { Metadata = pod.Metadata with { Generation = was.Metadata.Generation } };
            case "resize":
                pod = was with { Metadata = pod.Metadata, Spec = was.Spec with { Containers = Resized(pod.Spec.Containers, was.Spec.Containers), InitContainers = Resized(pod.Spec.InitContainers, was.Spec.InitContainers) } };
                break;
        }
        return base.PrepareForUpdate(pod, old, context);
    }

    /// <summary>Only resources and how a container takes their change.</summary>
    static Seq<Container> Resized(Seq<Container> containers, Seq<Container> was) =>
        was.Select(w => containers.Find(c => c.Name == w.Name) is { } c ? w with { Resources = c.Resources, ResizePolicy = c.ResizePolicy } : w).ToSeq();

    /// <summary>As upstream: an unscheduled Pod, or one that has ended, needs no grace.</summary>
    public override long? GracePeriod(IObject obj, DeleteOptions options)
    {
        var pod = (Pod)obj;
        long period = options.GracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds ?? DefaultGracePeriod;
        if (pod.Spec.NodeName.Length == 0 || pod.Status.Phase is "Failed" or "Succeeded") period = 0;
        // A negative period means the least that is graceful.
        return period < 0 ? 1 : period;
    }

    public override IReadOnlyList<string> SelectableFields { get; } =
        ["spec.nodeName", "status.phase", "spec.schedulerName", "spec.restartPolicy", "spec.serviceAccountName", "spec.hostNetwork", "status.podIP", "status.podIPs", "status.nominatedNodeName"];

    public override string Field(IObject obj, string name)
    {
        var pod = (Pod)obj;
        return name switch
        {
            "spec.nodeName" => pod.Spec.NodeName,
            "spec.restartPolicy" => pod.Spec.RestartPolicy,
            "spec.schedulerName" => pod.Spec.SchedulerName,
            "spec.serviceAccountName" => pod.Spec.ServiceAccountName,
            "spec.hostNetwork" => pod.Spec.HostNetwork ? "true" : "false",
            "status.phase" => pod.Status.Phase,
            "status.podIP" or "status.podIPs" => pod.Status.PodIP,
            "status.nominatedNodeName" => pod.Status.NominatedNodeName,
            _ => base.Field(obj, name),
        };
    }

    /// <summary>Guaranteed when every container limits cpu and memory to what it requests, BestEffort when none asks for either.</summary>
    protected static string QosOf(PodSpec spec)
    {
        bool any = false, guaranteed = true;
        foreach (var container in (IEnumerable<Container>)[.. spec.Containers, .. spec.InitContainers])
            foreach (string resource in (ReadOnlySpan<string>)["cpu", "memory"])
            {
                bool limited = container.Resources.Limits.TryGet(resource, out var limit) && limit != default;
                bool requested = container.Resources.Requests.TryGet(resource, out var request) && request != default;
                any |= limited || requested;
                guaranteed &= limited && (!requested || request == limit);
            }
        return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
    }
}
