using Hanbae.Api;
using V1 = Hanbae.Api.Autoscaling.V1;
using V2 = Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Machinery.Convert;

/// <summary>Turns autoscaling/v2's metrics into the older shape, which v2beta1 has and v1 keeps in annotations, and back.</summary>
static class AutoscalerMetrics
{
    public static V1.MetricSpec Old(V2.MetricSpec m) => new()
    {
        Type = m.Type,
        Object = m.Object is { } o ? new()
        {
            Target = Reference(o.DescribedObject), MetricName = o.Metric.Name, Selector = o.Metric.Selector, TargetValue = o.Target.Value ?? default, AverageValue = o.Target.AverageValue,
        } : null,
        Pods = m.Pods is { } p ? new() { MetricName = p.Metric.Name, Selector = p.Metric.Selector, TargetAverageValue = p.Target.AverageValue ?? default } : null,
        Resource = m.Resource is { } r ? new() { Name = r.Name, TargetAverageUtilization = r.Target.AverageUtilization, TargetAverageValue = r.Target.AverageValue } : null,
        ContainerResource = m.ContainerResource is { } c ? new()
        {
            Name = c.Name, Container = c.Container, TargetAverageUtilization = c.Target.AverageUtilization, TargetAverageValue = c.Target.AverageValue,
        } : null,
        External = m.External is { } e ? new() { MetricName = e.Metric.Name, MetricSelector = e.Metric.Selector, TargetValue = e.Target.Value, TargetAverageValue = e.Target.AverageValue } : null,
    };

    public static V2.MetricSpec New(V1.MetricSpec m) => new()
    {
        Type = m.Type,
        Object = m.Object is { } o ? new()
        {
            DescribedObject = Reference(o.Target), Metric = new() { Name = o.MetricName, Selector = o.Selector },
            Target = o.AverageValue is { } each ? new() { Type = "AverageValue", AverageValue = each } : new() { Type = "Value", Value = o.TargetValue },
        } : null,
        Pods = m.Pods is { } p ? new() { Metric = new() { Name = p.MetricName, Selector = p.Selector }, Target = new() { Type = "AverageValue", AverageValue = p.TargetAverageValue } } : null,
        Resource = m.Resource is { } r ? new() { Name = r.Name, Target = Share(r.TargetAverageUtilization, r.TargetAverageValue) } : null,
        ContainerResource = m.ContainerResource is { } c ? new() { Name = c.Name, Container = c.Container, Target = Share(c.TargetAverageUtilization, c.TargetAverageValue) } : null,
        External = m.External is { } e ? new()
        {
            Metric = new() { Name = e.MetricName, Selector = e.MetricSelector },
            Target = new() { Type = e.TargetValue is not null ? "Value" : "AverageValue", Value = e.TargetValue, AverageValue = e.TargetAverageValue },
        } : null,
    };

    static V2.MetricTarget Share(int? percent, Quantity? value) =>
        new() { Type = percent is not null ? "Utilization" : "AverageValue", AverageUtilization = percent, AverageValue = value };

    public static V1.MetricStatus Old(V2.MetricStatus m) => new()
    {
        Type = m.Type,
        Object = m.Object is { } o ? new()
        {
            Target = Reference(o.DescribedObject), MetricName = o.Metric.Name, Selector = o.Metric.Selector, CurrentValue = o.Current.Value ?? default, AverageValue = o.Current.AverageValue,
        } : null,
        Pods = m.Pods is { } p ? new() { MetricName = p.Metric.Name, Selector = p.Metric.Selector, CurrentAverageValue = p.Current.AverageValue ?? default } : null,
        Resource = m.Resource is { } r ? new() { Name = r.Name, CurrentAverageUtilization = r.Current.AverageUtilization, CurrentAverageValue = r.Current.AverageValue ?? default } : null,
        ContainerResource = m.ContainerResource is { } c ? new()
        {
            Name = c.Name, Container = c.Container, CurrentAverageUtilization = c.Current.AverageUtilization, CurrentAverageValue = c.Current.AverageValue ?? default,
        } : null,
        External = m.External is { } e ? new()
        {
            MetricName = e.Metric.Name, MetricSelector = e.Metric.Selector, CurrentValue = e.Current.Value ?? default, CurrentAverageValue = e.Current.AverageValue,
        } : null,
    };

    public static V2.MetricStatus New(V1.MetricStatus m) => new()
    {
        Type = m.Type,
        Object = m.Object is { } o ? new()
        {
            DescribedObject = Reference(o.Target), Metric = new() { Name = o.MetricName, Selector = o.Selector }, Current = new() { Value = o.CurrentValue, AverageValue = o.AverageValue },
        } : null,
        Pods = m.Pods is { } p ? new() { Metric = new() { Name = p.MetricName, Selector = p.Selector }, Current = new() { AverageValue = p.CurrentAverageValue } } : null,
        Resource = m.Resource is { } r ? new() { Name = r.Name, Current = new() { AverageUtilization = r.CurrentAverageUtilization, AverageValue = r.CurrentAverageValue } } : null,
        ContainerResource = m.ContainerResource is { } c ? new()
        {
            Name = c.Name, Container = c.Container, Current = new() { AverageUtilization = c.CurrentAverageUtilization, AverageValue = c.CurrentAverageValue },
        } : null,
        External = m.External is { } e ? new()
        {
            Metric = new() { Name = e.MetricName, Selector = e.MetricSelector }, Current = new() { Value = e.CurrentValue, AverageValue = e.CurrentAverageValue },
        } : null,
    };

    public static V1.CrossVersionObjectReference Reference(V2.CrossVersionObjectReference r) => new() { Kind = r.Kind, Name = r.Name, ApiVersion = r.ApiVersion };
    public static V2.CrossVersionObjectReference Reference(V1.CrossVersionObjectReference r) => new() { Kind = r.Kind, Name = r.Name, ApiVersion = r.ApiVersion };

    public static V1.HorizontalPodAutoscalerCondition Old(V2.HorizontalPodAutoscalerCondition c) =>
        new() { Type = c.Type, Status = c.Status, LastTransitionTime = c.LastTransitionTime, Reason = c.Reason, Message = c.Message };

    public static V2.HorizontalPodAutoscalerCondition New(V1.HorizontalPodAutoscalerCondition c) =>
        new() { Type = c.Type, Status = c.Status, LastTransitionTime = c.LastTransitionTime, Reason = c.Reason, Message = c.Message };
}
