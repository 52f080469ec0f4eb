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
    /// <summary>What the metrics that could be read said.</summary>
    public Seq<MetricStatus> Metrics { get; init; }
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
                return await TryAsync("FailedGetResourceMetric", w => $"failed to get {r.Name} resource metric value: {w}", async () =>
                {
                    var (p, name) = await ResourceAsync(r.Name, "", r.Target, ct);
                    return new(p.Replicas, name, new() { Type = metric.Type, Resource = new() { Name = r.Name, Current = Current(p) } });
                });
            case "ContainerResource" when metric.ContainerResource is { } r:
                return await TryAsync("FailedGetContainerResourceMetric", w => $"failed to get {r.Container} container metric value: {w}", async () =>
                {
                    var (p, name) = await ResourceAsync(r.Name, r.Container, r.Target, ct);
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
                string about = m.Target.Type == "AverageValue" ? $"failed to get {m.Metric.Name} object metric: " : "";
                return await TryAsync("FailedGetObjectMetric", w => $"failed to get object metric value: {about}{w}", async () =>
                {
                    long value = await readings.ObjectAsync(m.Metric.Name, _ns, m.DescribedObject, m.Metric.Selector, ct);
                    var (p, current) = Total(value, m.Target, "object");
                    return new(p, m.Target.Type == "AverageValue" ? $"external metric {m.Metric.Name}({m.Metric.Selector.AsGo()})" : $"{m.DescribedObject.Kind} metric {m.Metric.Name}",
                        new() { Type = metric.Type, Object = new() { Metric = m.Metric, DescribedObject = m.DescribedObject, Current = current } });
                });
            case "External" when metric.External is { } m:
                string what = m.Target.AverageValue is not null ? $"failed to get {m.Metric.Name} external metric: " : m.Target.Value is not null ? $"failed to get external metric {m.Metric.Name}: " : "";
                return await TryAsync("FailedGetExternalMetric", w => $"failed to get {m.Metric.Name} external metric value: {what}{w}", async () =>
                {
                    long value = await readings.ExternalAsync(m.Metric.Name, _ns, m.Metric.Selector, ct);
                    var (p, current) = Total(value, m.Target, "external");
                    return new(p, $"external metric {m.Metric.Name}({m.Metric.Selector.AsGo()})", new() { Type = metric.Type, External = new() { Metric = m.Metric, Current = current } });
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

    async Task<(Proposed, string)> ResourceAsync(string resource, string container, MetricTarget target, CancellationToken ct)
    {
        if (target.AverageValue is null && target.AverageUtilization is null)
            throw new ReadingException("invalid resource metric source: neither an average utilization target nor an average value (usage) target was set");
        try
        {
            var read = await readings.ResourceAsync(resource, _ns, selector, container, ct);
            return target.AverageValue is { } average
                ? (ReplicaMath.ByAverage(specReplicas, average.MilliValue(), resource, pods, read, _tolerance, now), $"{resource} resource")
                : (ReplicaMath.ByUtilization(specReplicas, target.AverageUtilization!.Value, resource, container, pods, read, _tolerance, now),
                    $"{resource} {(container.Length > 0 ? "container " : "")}resource utilization (percentage of request)");
        }
        catch (ReadingException e) { throw new ReadingException($"failed to get {resource} {(target.AverageValue is null ? "utilization" : "usage")}: {e.Message}"); }
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
}
