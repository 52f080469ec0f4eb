using Hanbae.Api;
using Hanbae.Api.Schema;
using Core = Hanbae.Api.Core.V1;
using Events = Hanbae.Api.Events.V1;
using V1 = Hanbae.Api.Autoscaling.V1;
using V2 = Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Server.Registry;

/// <summary>Turns an object of one version of a kind into another. Versions that differ in nothing but their name go through JSON.</summary>
static class Convert
{
    public static IObject To(IObject obj, KindInfo kind)
    {
        if (obj.Kind() == kind) return obj;
        return obj switch
        {
            Core.Event e when kind == Events.Event.Info => New(e),
            Events.Event e when kind == Core.Event.Info => Old(e),
            V2.HorizontalPodAutoscaler h when kind == V1.HorizontalPodAutoscaler.Info => ToV1(h),
            V1.HorizontalPodAutoscaler h when kind == V2.HorizontalPodAutoscaler.Info => ToV2(h),
            _ => (IObject)kind.Decode(obj.Kind().ToJson(obj)),
        };
    }

    static Events.Event New(Core.Event e) => new()
    {
        Metadata = e.Metadata, EventTime = e.EventTime, ReportingController = e.ReportingComponent, ReportingInstance = e.ReportingInstance,
        Series = e.Series is { } s ? new() { Count = s.Count, LastObservedTime = s.LastObservedTime } : null,
        Action = e.Action, Reason = e.Reason, Regarding = e.InvolvedObject, Related = e.Related, Note = e.Message, Type = e.Type,
        DeprecatedSource = e.Source, DeprecatedFirstTimestamp = e.FirstTimestamp, DeprecatedLastTimestamp = e.LastTimestamp, DeprecatedCount = e.Count,
    };

    static Core.Event Old(Events.Event e) => new()
    {
        Metadata = e.Metadata, EventTime = e.EventTime, ReportingComponent = e.ReportingController, ReportingInstance = e.ReportingInstance,
        Series = e.Series is { } s ? new() { Count = s.Count, LastObservedTime = s.LastObservedTime } : null,
        Action = e.Action, Reason = e.Reason, InvolvedObject = e.Regarding, Related = e.Related, Message = e.Note, Type = e.Type,
        Source = e.DeprecatedSource, FirstTimestamp = e.DeprecatedFirstTimestamp, LastTimestamp = e.DeprecatedLastTimestamp, Count = e.DeprecatedCount,
    };

    // v1 knows one metric, the cpu's utilization; upstream keeps the others in annotations of the object.

    const string MetricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics", BehaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior";

    static V1.HorizontalPodAutoscaler ToV1(V2.HorizontalPodAutoscaler h)
    {
        var cpu = h.Spec.Metrics.Find(IsCpuUtilization);
        return new()
        {
            Metadata = h.Metadata,
            Spec = new()
            {
                ScaleTargetRef = new() { Kind = h.Spec.ScaleTargetRef.Kind, Name = h.Spec.ScaleTargetRef.Name, ApiVersion = h.Spec.ScaleTargetRef.ApiVersion },
                MinReplicas = h.Spec.MinReplicas, MaxReplicas = h.Spec.MaxReplicas, TargetCPUUtilizationPercentage = cpu?.Resource?.Target.AverageUtilization,
            },
            Status = new()
            {
                ObservedGeneration = h.Status.ObservedGeneration, LastScaleTime = h.Status.LastScaleTime,
                CurrentReplicas = h.Status.CurrentReplicas, DesiredReplicas = h.Status.DesiredReplicas,
                CurrentCPUUtilizationPercentage = h.Status.CurrentMetrics.Find(m => m.Type == "Resource" && m.Resource?.Name == "cpu")?.Resource?.Current.AverageUtilization,
            },
        };
    }

    static bool IsCpuUtilization(V2.MetricSpec m) => m.Type == "Resource" && m.Resource is { Name: "cpu", Target.AverageUtilization: not null };

    static V2.HorizontalPodAutoscaler ToV2(V1.HorizontalPodAutoscaler h) => new()
    {
        Metadata = h.Metadata with { Annotations = h.Metadata.Annotations.Remove(MetricsAnnotation).Remove(BehaviorAnnotation) },
        Spec = new()
        {
            ScaleTargetRef = new() { Kind = h.Spec.ScaleTargetRef.Kind, Name = h.Spec.ScaleTargetRef.Name, ApiVersion = h.Spec.ScaleTargetRef.ApiVersion },
            MinReplicas = h.Spec.MinReplicas, MaxReplicas = h.Spec.MaxReplicas,
            Metrics = h.Spec.TargetCPUUtilizationPercentage is { } percent
                ? [new V2.MetricSpec { Type = "Resource", Resource = new() { Name = "cpu", Target = new() { Type = "Utilization", AverageUtilization = percent } } }]
                : default,
        },
        Status = new()
        {
            ObservedGeneration = h.Status.ObservedGeneration, LastScaleTime = h.Status.LastScaleTime,
            CurrentReplicas = h.Status.CurrentReplicas, DesiredReplicas = h.Status.DesiredReplicas,
        },
    };
}
