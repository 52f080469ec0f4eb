using Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Server.Tables;

/// <summary>What an autoscaler sees and what it wants to see: <c>cpu: 40%/80%</c>.</summary>
static class HpaTargets
{
    const int Most = 2;

    public static string Of(HorizontalPodAutoscaler scaler)
    {
        var metrics = scaler.Spec.Metrics;
        if (metrics.IsEmpty) return CellText.None;
        var current = scaler.Status.CurrentMetrics;
        return CellText.Some([.. metrics.Select((m, i) => One(m, i < current.Count ? current[i] : MetricStatus.Empty))], Most, ", ");
    }

    static string One(MetricSpec metric, MetricStatus seen) => metric switch
    {
        { Type: "External", External: { } m } => ByValue(m.Target, seen.External?.Current),
        { Type: "Object", Object: { } m } => ByValue(m.Target, seen.Object?.Current),
        { Type: "Pods", Pods: { } m } => $"{Text(seen.Pods?.Current.AverageValue)}/{m.Target.AverageValue}",
        { Type: "Resource", Resource: { } m } => ByUse(m.Name, m.Target, seen.Resource?.Current),
        { Type: "ContainerResource", ContainerResource: { } m } => ByUse(m.Name, m.Target, seen.ContainerResource?.Current),
        _ => "<unknown type>",
    };

    static string ByValue(MetricTarget target, MetricValueStatus? seen) =>
        target.AverageValue is { } average ? $"{Text(seen?.AverageValue)}/{average} (avg)" : $"{Text(seen?.Value)}/{target.Value}";

    static string ByUse(string resource, MetricTarget target, MetricValueStatus? seen) =>
        target.AverageValue is { } average ? $"{resource}: {Text(seen?.AverageValue)}/{average}"
        : $"{resource}: {(seen?.AverageUtilization is { } use ? use + "%" : CellText.Unknown)}/{(target.AverageUtilization is { } wanted ? wanted + "%" : "<auto>")}";

    static string Text(Api.Quantity? value) => value?.ToString() ?? CellText.Unknown;
}
