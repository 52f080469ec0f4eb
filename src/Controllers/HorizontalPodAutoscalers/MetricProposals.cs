using Hanbae.Api;
using Hanbae.Api.Autoscaling.V2;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.HorizontalPodAutoscalers;

/// <summary>What one metric of an autoscaler asks for.</summary>
/// <param name="Name">As <c>SuccessfulRescale</c> names it.</param>
sealed record MetricProposal(int Replicas, string Name, MetricStatus Status);

/// <summary>A metric that nothing can be made of.</summary>
/// <param name="reason">Of the condition and the Event.</param>
/// <param name="cause">What the condition says; the message has more around it.</param>
sealed class MetricException(string reason, string cause, string message) : Exception(message)
{
    public string Reason => reason;
    public string Cause => cause;
}

/// <summary>Reads the metrics of one autoscaler and says what each asks for.</summary>
/// <param name="pods">Those that the target's selector chooses.</param>
sealed class MetricProposals(Readings readings, HorizontalPodAutoscaler hpa, int specReplicas, int statusReplicas, Selector selector, IReadOnlyList<Pod> pods, DateTimeOffset now)
{
    readonly string _ns = hpa.Metadata.Namespace;
    readonly Tolerance _tolerance = new(Tolerated(hpa.Spec.Behavior?.ScaleDown), Tolerated(hpa.Spec.Behavior?.ScaleUp));

    static double Tolerated(HPAScalingRules? rules) => rules?.Tolerance?.ToDouble() ?? 0.1;

    static Quantity Milli(long value) => Quantity.FromMilli(value);

    /// <exception cref="MetricException"/>
    public async Task<MetricProposal> OfAsync(MetricSpec metric, CancellationToken ct)
    {
        switch (metric.Type)
        {
            case "Resource" when metric.Resource is { } r:
                return await TryAsync("FailedGetResourceMetric", w => r.Target.AverageValue is null && r.Target.AverageUtilization is null ? w : $"failed to get {r.Name} utilization: {w}", async () =>
                {
                    var (p, name) = await ResourceAsync(r.Name, "", r.Target, "resource", ct);
                    return new(p.Replicas, name, new() { Type = metric.Type, Resource = new() { Name = r.Name, Current = Current(p) } });
                });
            case "ContainerResource" when metric.ContainerResource is { } r:
                return await TryAsync("FailedGetContainerResourceMetric", w => $"failed to get {r.Name} container metric value: {w}", async () =>
                {
                    var (p, name) = await ResourceAsync(r.Name, r.Container, r.Target, "container resource", ct);
                    return new(p.Replicas, name, new() { Type = metric.Type, ContainerResource = new() { Name = r.Name, Container = r.Container, Current = Current(p) } });
                });
            case "Pods" when metric.Pods is { } m:
                return await TryAsync("FailedGetPodsMetric", w => $"failed to get pods metric value: {w}", async () =>
                {
                    long target = m.Target.AverageValue?.MilliValue() ?? throw new ReadingException("invalid pods metric source: no average value target was set");
                    var p = ReplicaMath.ByAverage(specReplicas, target, "", pods, await readings.PodsAsync(m.Metric.Name, _ns, selector, m.Metric.Selector, ct), _tolerance, now);
                    return new(p.Replicas, $"pods metric {m.Metric.Name}", new() { Type = metric.Type, Pods = new() { Metric = m.Metric, Current = Current(p) } });
                });
            case "Object" when metric.Object is { } m:
                return await TryAsync("FailedGetObjectMetric", w => $"failed to get object metric value: {w}", async () =>
                {
                    long value = await readings.ObjectAsync(m.Metric.Name, _ns, m.DescribedObject, m.Metric.Selector, ct);
                    var (p, current) = Total(value, m.Target, "object");
                    return new(p, m.Target.Type == "AverageValue" ? $"external metric {m.Metric.Name}({Shown(m.Metric)})" : $"{m.DescribedObject.Kind} metric {m.Metric.Name}",
                        new() { Type = metric.Type, Object = new() { Metric = m.Metric, DescribedObject = m.DescribedObject, Current = current } });
                });
            case "External" when metric.External is { } m:
                return await TryAsync("FailedGetExternalMetric", w => m.Target.AverageValue is null ? $"failed to get external metric {m.Metric.Name}: {w}" : $"failed to get {m.Metric.Name} external metric: {w}", async () =>
                {
                    long value = await readings.ExternalAsync(m.Metric.Name, _ns, m.Metric.Selector, ct);
                    var (p, current) = Total(value, m.Target, "external");
                    return new(p, $"external metric {m.Metric.Name}({Shown(m.Metric)})", new() { Type = metric.Type, External = new() { Metric = m.Metric, Current = current } });
                });
            default:
                string why = $"unknown metric source type \"{metric.Type}\"";
                throw new MetricException("InvalidMetricSourceType", why, why);
        }
    }

    static async Task<MetricProposal> TryAsync(string reason, Func<string, string> message, Func<Task<MetricProposal>> make)
    {
        try { return await make(); }
        catch (ReadingException e) { throw new MetricException(reason, e.Message, message(e.Message)); }
    }

    async Task<(Proposed, string)> ResourceAsync(string resource, string container, MetricTarget target, string what, CancellationToken ct)
    {
        if (target.AverageValue is null && target.AverageUtilization is null) throw new ReadingException($"invalid {what} metric source: neither a utilization target nor a value target was set");
        var read = await readings.ResourceAsync(resource, _ns, selector, container, ct);
        return target.AverageValue is { } average
            ? (ReplicaMath.ByAverage(specReplicas, average.MilliValue(), resource, pods, read, _tolerance, now), $"{resource} {what}")
            : (ReplicaMath.ByUtilization(specReplicas, target.AverageUtilization!.Value, resource, container, pods, read, _tolerance, now), $"{resource} {what} utilization (percentage of request)");
    }

    (int Replicas, MetricValueStatus Current) Total(long value, MetricTarget target, string what)
    {
        if (target.AverageValue is { } average)
        {
            var share = ReplicaMath.ByShare(statusReplicas, value, average.MilliValue(), _tolerance);
            return (share.Replicas, new() { AverageValue = Milli(share.Average) });
        }
        if (target.Value is { } whole) return (ReplicaMath.ByTotal(specReplicas, value, whole.MilliValue(), pods, _tolerance), new() { Value = Milli(value) });
        throw new ReadingException($"invalid {what} metric source: neither a value target nor an average value target was set");
    }

    static MetricValueStatus Current(Proposed p) => new() { AverageUtilization = p.Utilization, AverageValue = Milli(p.Average) };

    /// <summary>As Go prints a selector behind a pointer.</summary>
    static string Shown(MetricIdentifier metric) => metric.Selector is { } selector
        ? $"&LabelSelector{{MatchLabels:map[string]string{{{string.Concat(selector.MatchLabels.Select(l => $"{l.Key}: {l.Value},"))}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}" : "nil";
}
