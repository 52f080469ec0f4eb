using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;
using V1 = Hanbae.Api.Autoscaling.V1;
using V2 = Hanbae.Api.Autoscaling.V2;
using V2Beta1 = Hanbae.Api.Autoscaling.V2beta1;

namespace Hanbae.Machinery.Convert;

/// <summary>Horizontal autoscalers between their versions. v1 knows one metric, the cpu's utilization: the rest is in annotations, so that it survives clients of v1.</summary>
static class Autoscalers
{
    const string Prefix = "autoscaling.alpha.kubernetes.io/";
    const string Metrics = Prefix + "metrics", Current = Prefix + "current-metrics", Conditions = Prefix + "conditions", Behavior = Prefix + "behavior";

    public static V1.HorizontalPodAutoscaler ToV1(V2.HorizontalPodAutoscaler h)
    {
        var annotations = Clean(h.Metadata).Annotations;
        Seq<V1.MetricSpec> others = h.Spec.Metrics.Where(m => !IsCpuUtilization(m)).Select(AutoscalerMetrics.Old).ToSeq();
        if (!others.IsEmpty) annotations = annotations.Set(Metrics, Shown.Messages(others));
        if (!h.Status.CurrentMetrics.IsEmpty) annotations = annotations.Set(Current, Shown.Messages(h.Status.CurrentMetrics.Select(AutoscalerMetrics.Old).ToSeq()));
        if (!h.Status.Conditions.IsEmpty) annotations = annotations.Set(Conditions, Shown.Messages(h.Status.Conditions.Select(AutoscalerMetrics.Old).ToSeq()));
        if (h.Spec.Behavior is { } behavior) annotations = annotations.Set(Behavior, AutoscalerBehavior.Text(behavior));
        return new()
        {
            Metadata = h.Metadata with { Annotations = annotations },
            Spec = new()
            {
                ScaleTargetRef = AutoscalerMetrics.Reference(h.Spec.ScaleTargetRef), MinReplicas = h.Spec.MinReplicas, MaxReplicas = h.Spec.MaxReplicas,
                TargetCPUUtilizationPercentage = h.Spec.Metrics.Find(IsCpuUtilization)?.Resource?.Target.AverageUtilization,
            },
            Status = new()
            {
                ObservedGeneration = h.Status.ObservedGeneration, LastScaleTime = h.Status.LastScaleTime,
                CurrentReplicas = h.Status.CurrentReplicas, DesiredReplicas = h.Status.DesiredReplicas,
                CurrentCPUUtilizationPercentage = h.Status.CurrentMetrics.Find(m => m is { Type: "Resource", Resource: { Name: "cpu", Current.AverageUtilization: not null } })?.Resource?.Current.AverageUtilization,
            },
        };
    }

    static bool IsCpuUtilization(V2.MetricSpec m) => m is { Type: "Resource", Resource: { Name: "cpu", Target.AverageUtilization: not null } };

    public static V2.HorizontalPodAutoscaler ToV2(V1.HorizontalPodAutoscaler h)
    {
        Seq<V2.MetricSpec> metrics = h.Spec.TargetCPUUtilizationPercentage is { } percent
            ? [new V2.MetricSpec { Type = "Resource", Resource = new() { Name = "cpu", Target = new() { Type = "Utilization", AverageUtilization = percent } } }] : default;
        foreach (var metric in Read<V1.MetricSpec>(h.Metadata, Metrics)) metrics = metrics.Add(AutoscalerMetrics.New(metric));
        var current = Read<V1.MetricStatus>(h.Metadata, Current);
        return new()
        {
            Metadata = Clean(h.Metadata),
            Spec = new()
            {
                ScaleTargetRef = AutoscalerMetrics.Reference(h.Spec.ScaleTargetRef), MinReplicas = h.Spec.MinReplicas, MaxReplicas = h.Spec.MaxReplicas, Metrics = metrics,
                Behavior = BehaviorOf(h.Metadata),
            },
            Status = new()
            {
                ObservedGeneration = h.Status.ObservedGeneration, LastScaleTime = h.Status.LastScaleTime,
                CurrentReplicas = h.Status.CurrentReplicas, DesiredReplicas = h.Status.DesiredReplicas,
                CurrentMetrics = !current.IsEmpty ? current.Select(AutoscalerMetrics.New).ToSeq()
                    : h.Status.CurrentCPUUtilizationPercentage is { } now ? [new V2.MetricStatus { Type = "Resource", Resource = new() { Name = "cpu", Current = new() { AverageUtilization = now } } }] : default,
                Conditions = Read<V1.HorizontalPodAutoscalerCondition>(h.Metadata, Conditions) is { IsEmpty: false } conditions ? conditions.Select(AutoscalerMetrics.New).ToSeq() : default,
            },
        };
    }

    public static V2Beta1.HorizontalPodAutoscaler ToV2Beta1(V2.HorizontalPodAutoscaler h)
    {
        var meta = Clean(h.Metadata);
        return new()
        {
            Metadata = h.Spec.Behavior is { } behavior ? meta with { Annotations = meta.Annotations.Set(Behavior, AutoscalerBehavior.Text(behavior)) } : meta,
            Spec = new()
            {
                ScaleTargetRef = AutoscalerMetrics.Reference(h.Spec.ScaleTargetRef), MinReplicas = h.Spec.MinReplicas, MaxReplicas = h.Spec.MaxReplicas,
                Metrics = h.Spec.Metrics.Select(AutoscalerMetrics.Old).ToSeq(),
            },
            Status = new()
            {
                ObservedGeneration = h.Status.ObservedGeneration, LastScaleTime = h.Status.LastScaleTime,
                CurrentReplicas = h.Status.CurrentReplicas, DesiredReplicas = h.Status.DesiredReplicas,
                CurrentMetrics = h.Status.CurrentMetrics.IsNil ? default : h.Status.CurrentMetrics.Select(AutoscalerMetrics.Old).ToSeq(),
                Conditions = h.Status.Conditions.Select(AutoscalerMetrics.Old).ToSeq(),
            },
        };
    }

    public static V2.HorizontalPodAutoscaler ToV2(V2Beta1.HorizontalPodAutoscaler h) => new()
    {
        Metadata = Clean(h.Metadata),
        Spec = new()
        {
            ScaleTargetRef = AutoscalerMetrics.Reference(h.Spec.ScaleTargetRef), MinReplicas = h.Spec.MinReplicas, MaxReplicas = h.Spec.MaxReplicas,
            Metrics = h.Spec.Metrics.IsEmpty ? default : h.Spec.Metrics.Select(AutoscalerMetrics.New).ToSeq(), Behavior = BehaviorOf(h.Metadata),
        },
        Status = new()
        {
            ObservedGeneration = h.Status.ObservedGeneration, LastScaleTime = h.Status.LastScaleTime,
            CurrentReplicas = h.Status.CurrentReplicas, DesiredReplicas = h.Status.DesiredReplicas,
            CurrentMetrics = h.Status.CurrentMetrics.IsNil ? default : h.Status.CurrentMetrics.Select(AutoscalerMetrics.New).ToSeq(),
            Conditions = h.Status.Conditions.IsEmpty ? default : h.Status.Conditions.Select(AutoscalerMetrics.New).ToSeq(),
        },
    };

    static V2.HorizontalPodAutoscalerBehavior? BehaviorOf(ObjectMeta meta) => meta.Annotations.TryGet(Behavior, out string? text) ? AutoscalerBehavior.Parse(text) : null;

    /// <summary>Without what another version left in annotations; the map goes with its last entry.</summary>
    internal static ObjectMeta Clean(ObjectMeta meta)
    {
        var annotations = meta.Annotations.Remove(Metrics).Remove(Current).Remove(Conditions).Remove(Behavior);
        return annotations == meta.Annotations ? meta : meta with { Annotations = annotations.IsEmpty ? default : annotations };
    }

    /// <summary>As upstream, what cannot be read is as if it were not there.</summary>
    static Seq<T> Read<T>(ObjectMeta meta, string annotation) where T : class, IMessage<T>
    {
        if (!meta.Annotations.TryGet(annotation, out string? text)) return default;
        try
        {
            var reader = new JsonReader(System.Text.Encoding.UTF8.GetBytes(text));
            var items = reader.Messages<T>();
            reader.End();
            return items;
        }
        catch (DecodeException) { return default; }
    }
}
