using System.Collections.Concurrent;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Autoscaling.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Pods;
using HorizontalPodAutoscaler = Hanbae.Api.Autoscaling.V2.HorizontalPodAutoscaler;
using HorizontalPodAutoscalerStatus = Hanbae.Api.Autoscaling.V2.HorizontalPodAutoscalerStatus;
using MetricStatus = Hanbae.Api.Autoscaling.V2.MetricStatus;

namespace Hanbae.Controllers.HorizontalPodAutoscalers;

/// <summary>Gives what can be scaled as many replicas as its load asks for, within an autoscaler's bounds.</summary>
/// <remarks>Every 15 seconds, as upstream: load makes no events. What was done and recommended of late is kept in memory alone.</remarks>
sealed class Autoscale(IClusterAccess cluster) : IReconciler
{
    static readonly TimeSpan s_period = TimeSpan.FromSeconds(15);

    readonly ICache<HorizontalPodAutoscaler> _autoscalers = cluster.Cache<HorizontalPodAutoscaler>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly ScaleTarget _targets = new(cluster);
    readonly ConcurrentDictionary<Key, ScaleMemory> _memories = new();
    readonly ConcurrentDictionary<Key, Selector> _selectors = new();
    readonly ConcurrentDictionary<Key, DateTimeOffset?> _unsaid = new();
    Readings? _readings;

    public void Watch(Triggers on)
    {
        _pods.IndexLabels();
        on.When(_autoscalers, e => e.New is null || e.Old is null || e.Old.Spec != e.New.Spec).Needs(_pods);
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_autoscalers.Find(key) is not { } hpa)
        {
            _memories.TryRemove(key, out _);
            _selectors.TryRemove(key, out _);
            _unsaid.TryRemove(key, out _);
            return Again.OnChange;
        }
        var status = (await StatusAsync(key, hpa, ct)).Status;
        // What was scaled and could not be written down is not forgotten.
        if (status.LastScaleTime != hpa.Status.LastScaleTime) _unsaid[key] = status.LastScaleTime;
        else if (_unsaid.TryGetValue(key, out var scaled)) status = status with { LastScaleTime = scaled };
        try
        {
            await cluster.Client.UpdateStatusIfChangedAsync(hpa, hpa with { Status = status }, ct);
            _unsaid.TryRemove(key, out _);
        }
        catch (ApiException e) when (e.IsNotFound) { }
        return Again.In(s_period);
    }

    void Warn(HorizontalPodAutoscaler hpa, string reason, string message) => cluster.Recorder.Event(hpa, "Warning", reason, message);

    async Task<AutoscalerStatus> StatusAsync(Key key, HorizontalPodAutoscaler hpa, CancellationToken ct)
    {
        var now = cluster.Time.GetUtcNow();
        var status = new AutoscalerStatus(hpa.Status, now);
        ResourceInfo resource;
        Scale scale;
        try { (resource, scale) = await _targets.GetAsync(key.Namespace, hpa.Spec.ScaleTargetRef, ct); }
        catch (Exception e) when (e is ApiException or InvalidOperationException)
        {
            Warn(hpa, "FailedGetScale", e.Message);
            return status.With("AbleToScale", false, "FailedGetScale", "the HPA controller was unable to get the target's current scale: " + e.Message);
        }
        status = status.With("AbleToScale", true, "SucceededGetScale", "the HPA controller was able to get the target's current scale");
        int current = scale.Spec.Replicas, least = hpa.Spec.MinReplicas ?? 1, most = hpa.Spec.MaxReplicas, wanted;
        var memory = _memories.GetOrAdd(key, static (_, first) => ScaleMemory.Empty with { Recommended = [first] }, (current, now));
        Seq<MetricStatus> metrics = default;
        string why = "";
        if (current == 0 && least != 0)
            return status.With("ScalingActive", false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero").Set(hpa, current, 0, default, rescaled: false);
        if (current > most) (wanted, why) = (most, "Current number of replicas above Spec.MaxReplicas");
        else if (current < least) (wanted, why) = (least, "Current number of replicas below Spec.MinReplicas");
        else
        {
            try
            {
                (wanted, string name, metrics) = await ProposeAsync(hpa, scale, SelectorOf(key, hpa, scale), now, ct);
                status = status.With("ScalingActive", true, "ValidMetricFound", "the HPA was able to successfully calculate a replica count from " + name);
                why = wanted > current ? name + " above target" : wanted < current ? "All metrics below target" : "";
            }
            catch (MetricException e)
            {
                status = status.With("ScalingActive", false, e.Reason, e.Cause);
                Warn(hpa, "FailedComputeMetricsReplicas", e.Message);
                return status.Set(hpa, current, hpa.Status.DesiredReplicas, e.Metrics, rescaled: false);
            }
            var bounded = Bounded.Of(hpa.Spec, current, wanted, memory, now);
            (wanted, memory) = (bounded.Replicas, bounded.Memory);
            status = status.With("AbleToScale", true, bounded.Able.Reason, bounded.Able.Message).With("ScalingLimited", bounded.Limited.Is, bounded.Limited.Reason, bounded.Limited.Message);
        }
        _memories[key] = memory;
        if (wanted == current) return status.Set(hpa, current, current, metrics, rescaled: false);
        try { await _targets.SetAsync(resource, scale, wanted, ct); }
        catch (ApiException e)
        {
            Warn(hpa, "FailedRescale", string.Create(CultureInfo.InvariantCulture, $"New size: {wanted}; reason: {why}; error: {e.Message}"));
            return status.With("AbleToScale", false, "FailedUpdateScale", "the HPA controller was unable to update the target scale: " + e.Message)
                .Set(hpa, current, hpa.Status.DesiredReplicas, metrics, rescaled: false);
        }
        cluster.Recorder.Event(hpa, "Normal", "SuccessfulRescale", string.Create(CultureInfo.InvariantCulture, $"New size: {wanted}; reason: {why}"));
        _memories[key] = memory.Changed(wanted - current, now);
        return status.With("AbleToScale", true, "SucceededRescale", string.Create(CultureInfo.InvariantCulture, $"the HPA controller was able to update the target scale to {wanted}"))
            .Set(hpa, current, wanted, metrics, rescaled: true);
    }

    /// <exception cref="MetricException">There is none, or others scale the same Pods.</exception>
    Selector SelectorOf(Key key, HorizontalPodAutoscaler hpa, Scale scale)
    {
        if (scale.Status.Selector.Length == 0)
        {
            Warn(hpa, "SelectorRequired", "selector is required");
            throw new MetricException("InvalidSelector", "the HPA target's scale is missing a selector", "selector is required");
        }
        Selector selector;
        try { selector = Selector.Parse(scale.Status.Selector); }
        catch (SelectorFormatException e)
        {
            string invalid = "couldn't convert selector into a corresponding internal selector object: " + e.Message;
            Warn(hpa, "InvalidSelector", invalid);
            throw new MetricException("InvalidSelector", invalid, invalid);
        }
        _selectors[key] = selector;
        var pods = _pods.Near(key.Namespace, selector).Where(p => selector.Matches(p.Metadata.Labels)).ToArray();
        Key[] others = [.. _selectors.Where(s => s.Key != key && s.Key.Namespace == key.Namespace && _autoscalers.Find(s.Key) is not null && pods.Any(p => s.Value.Matches(p.Metadata.Labels))).Select(s => s.Key)];
        if (others.Length == 0) return selector;
        string ambiguous = $"pods by selector {selector} are controlled by multiple HPAs: [{string.Join(' ', others.Append(key).Order().Select(k => k.ToString()))}]";
        Warn(hpa, "AmbiguousSelector", ambiguous);
        throw new MetricException("AmbiguousSelector", ambiguous, ambiguous);
    }

    /// <summary>The most that any metric asks for; less than there is only when all could be read.</summary>
    async Task<(int, string, Seq<MetricStatus>)> ProposeAsync(HorizontalPodAutoscaler hpa, Scale scale, Selector selector, DateTimeOffset now, CancellationToken ct)
    {
        _readings ??= new(cluster, _targets);
        var proposals = new MetricProposals(_readings, hpa, scale.Spec.Replicas, scale.Status.Replicas, selector, [.. _pods.Near(hpa.Metadata.Namespace, selector).Where(p => selector.Matches(p.Metadata.Labels))], now);
        var (replicas, name, failed, failures, statuses) = (0, "", (MetricException?)null, 0, new List<MetricStatus>());
        foreach (var metric in hpa.Spec.Metrics)
            try
            {
                var proposal = await proposals.OfAsync(metric, ct);
                statuses.Add(proposal.Status);
                if (replicas == 0 || proposal.Replicas > replicas) (replicas, name) = (proposal.Replicas, proposal.Name);
            }
            catch (MetricException e)
            {
                Warn(hpa, e.Reason, e.Cause);
                failed ??= e;
                failures++;
                statuses.Add(new());
            }
        if (failed is not null && (failures >= hpa.Spec.Metrics.Count || replicas < scale.Spec.Replicas))
            throw new MetricException(failed.Reason, failed.Reason == "InvalidMetricSourceType" ? failed.Cause : "the HPA was unable to compute the replica count: " + failed.Cause,
                $"invalid metrics ({failures} invalid out of {hpa.Spec.Metrics.Count}), first error is: {failed.Message}") { Metrics = [.. statuses] };
        return (replicas, name, [.. statuses]);
    }
}
