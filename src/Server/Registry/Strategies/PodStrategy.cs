using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Pods: they end gracefully, and kubelets and the scheduler select them by node.</summary>
public class PodStrategy() : Strategy(Pod.Info)
{
    const long DefaultGracePeriod = 30;

    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var pod = (Pod)base.PrepareForCreate(obj, context);
        if (LabelKeys.Merge(pod.Spec, pod.Metadata.Labels) is var merged && !ReferenceEquals(merged, pod.Spec)) pod = pod with { Spec = merged };
        var status = new PodStatus { Phase = "Pending", QosClass = ServiceClass.Of(pod.Spec) };
        // KEP-3521: everybody sees why nobody schedules it.
        if (!pod.Spec.SchedulingGates.IsEmpty)
            status = status with
            {
                Conditions =
                [
                    new PodCondition
                    {
                        Type = "PodScheduled", Status = "False", Reason = "SchedulingGated", Message = "Scheduling is blocked due to non-empty scheduling gates", ObservedGeneration = 1,
                    },
                ],
            };
        return pod with { Status = status };
    }

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var (pod, was) = ((Pod)obj, (Pod)old);
        switch (context.Subresource)
        {
            case "ephemeralcontainers":
                pod = was with { Metadata = Kept(pod.Metadata, was.Metadata), Spec = was.Spec with { EphemeralContainers = pod.Spec.EphemeralContainers } };
                break;
            case "binding":
                // Getting a node is no change of what was asked for: the generation stays.
                return pod with { Metadata = pod.Metadata with { Generation = was.Metadata.Generation } };
            case "resize":
                pod = Resized(pod, was);
                break;
            case "status":
                pod = (Pod)base.PrepareForUpdate(pod, old, context);
                return pod with { Metadata = pod.Metadata with { OwnerReferences = was.Metadata.OwnerReferences }, Status = Observed(pod.Status, was.Status) };
        }
        return base.PrepareForUpdate(pod, old, context);
    }

    /// <summary>What kubelets of before do not know of, they may not lose.</summary>
    static PodStatus Observed(PodStatus status, PodStatus was)
    {
        var conditions = status.Conditions;
        for (int i = 0; i < conditions.Count; i++)
            if (conditions[i].ObservedGeneration == 0 && was.Conditions.Find(c => c.Type == conditions[i].Type) is { ObservedGeneration: > 0 } seen)
                conditions = conditions.SetAt(i, conditions[i] with { ObservedGeneration = seen.ObservedGeneration });
        return status with
        {
            QosClass = status.QosClass.Length > 0 ? status.QosClass : was.QosClass, Conditions = conditions,
            ObservedGeneration = status.ObservedGeneration != 0 ? status.ObservedGeneration : was.ObservedGeneration,
        };
    }

    /// <summary>Only resources and how a container takes their change; a Pod with other containers is left for validation to refuse.</summary>
    static Pod Resized(Pod pod, Pod was) =>
        pod.Spec.Containers.Count != was.Spec.Containers.Count || pod.Spec.InitContainers.Count != was.Spec.InitContainers.Count ? pod : was with
        {
            Metadata = Kept(pod.Metadata, was.Metadata),
            Spec = was.Spec with
            {
                Resources = pod.Spec.Resources, Containers = Resized(pod.Spec.Containers, was.Spec.Containers), InitContainers = Resized(pod.Spec.InitContainers, was.Spec.InitContainers),
            },
        };

    static Seq<Container> Resized(Seq<Container> containers, Seq<Container> was)
    {
        for (int i = 0; i < was.Count; i++)
        {
            if (containers[i].Name != was[i].Name) return containers;
            was = was.SetAt(i, was[i] with { Resources = containers[i].Resources, ResizePolicy = containers[i].ResizePolicy });
        }
        return was;
    }

    public override IReadOnlyList<string> Warnings(IObject obj, IObject? old) => old is null ? PodWarnings.Of((Pod)obj) : [];

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
}
