using Hanbae.Api;
using Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of horizontal autoscaling: 80 % of requested CPU, up quickly, down slowly.</summary>
static class AutoscalerDefaults
{
    static readonly Seq<HPAScalingPolicy> Up =
        [new() { Type = "Pods", Value = 4, PeriodSeconds = 15 }, new() { Type = "Percent", Value = 100, PeriodSeconds = 15 }];
    static readonly Seq<HPAScalingPolicy> Down = [new() { Type = "Percent", Value = 100, PeriodSeconds = 15 }];
    static readonly Seq<MetricSpec> Metrics =
        [new() { Type = "Resource", Resource = new() { Name = "cpu", Target = new() { Type = "Utilization", AverageUtilization = 80 } } }];

    public static HorizontalPodAutoscaler Autoscaler(HorizontalPodAutoscaler o) => o with
    {
        Spec = o.Spec with
        {
            MinReplicas = o.Spec.MinReplicas ?? 1,
            Metrics = o.Spec.Metrics.IsEmpty ? Metrics : o.Spec.Metrics,
            Behavior = o.Spec.Behavior is { } behavior ? behavior with { ScaleUp = Rules(behavior.ScaleUp, Up, 0), ScaleDown = Rules(behavior.ScaleDown, Down, null) } : null,
        },
    };

    static HPAScalingRules Rules(HPAScalingRules? rules, Seq<HPAScalingPolicy> policies, int? window)
    {
        rules ??= HPAScalingRules.Empty;
        return rules with
        {
            StabilizationWindowSeconds = rules.StabilizationWindowSeconds ?? window,
            SelectPolicy = rules.SelectPolicy ?? "Max",
            Policies = rules.Policies.IsEmpty ? policies : rules.Policies,
        };
    }
}
