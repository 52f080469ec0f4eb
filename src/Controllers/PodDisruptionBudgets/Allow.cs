using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.PodDisruptionBudgets;

/// <summary>Tells for each PodDisruptionBudget how many of its Pods may be evicted; evictions take from that number.</summary>
/// <remarks>Also takes back what was said of a Pod's disruption when nothing came of it for two minutes.</remarks>
sealed class Allow(IClusterAccess cluster) : IReconciler
{
    /// <summary>Keys of Pods that are said to be disrupted; no budget has such a name.</summary>
    const string Disrupted = "pod/";

    readonly IClient _client = cluster.Client;
    readonly ICache<PodDisruptionBudget> _budgets = cluster.Cache<PodDisruptionBudget>();
    readonly ICache<Pod> _pods = cluster.Cache<Pod>();
    readonly OwnerScale _scale = new(cluster);

    public void Watch(Triggers on)
    {
        _pods.IndexLabels();
        _budgets.IndexSelectors(b => b.Spec.Selector);
        _scale.Watch(on.Each(_budgets).Needs(_pods)
            .From(add => _pods.Subscribe(e => OnPod(e, add)))
            .Map(cluster.Cache<Api.Apps.V1.Deployment>(), d => Selecting(d.Metadata.Namespace, d.Spec.Template.Metadata.Labels))
            .Map(cluster.Cache<Api.Apps.V1.ReplicaSet>(), s => Selecting(s.Metadata.Namespace, s.Spec.Template.Metadata.Labels))
            .Map(cluster.Cache<Api.Apps.V1.StatefulSet>(), s => Selecting(s.Metadata.Namespace, s.Spec.Template.Metadata.Labels))
            .Map(cluster.Cache<ReplicationController>(), c => Selecting(c.Metadata.Namespace, c.Spec.Template?.Metadata.Labels ?? default)));
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (key.Name.StartsWith(Disrupted, StringComparison.Ordinal)) return await ReassureAsync(new(key.Namespace, key.Name[Disrupted.Length..]), ct);
        if (_budgets.Find(key) is not { } budget) return Again.OnChange;
        var now = cluster.Time.GetUtcNow();
        var selector = budget.Spec.Selector.ToSelector();
        var pods = _pods.Near(key.Namespace, selector).Where(p => selector.Matches(p.Metadata.Labels)).ToList();
        if (pods.Count == 0) cluster.Recorder.Event(budget, "Normal", "NoPods", "No matching pods found");
        // One that sets no bound allows nothing.
        int scale = budget.Spec.MinAvailable is null ? 0 : pods.Count;
        try { if (BudgetPlan.NeedsScale(budget)) scale = await ScaleAsync(budget, pods, ct); }
        catch (Exception e) when (e is InvalidOperationException or ApiException && !ct.IsCancellationRequested)
        {
            cluster.Recorder.Event(budget, "Warning", "CalculateExpectedPodCountFailed", "Failed to calculate the number of expected pods: " + e.Message);
            await _client.UpdateStatusIfChangedAsync(budget, budget with { Status = BudgetPlan.Unknown(budget, e.Message, now) }, ct);
            throw;
        }
        var plan = BudgetPlan.For(budget, pods, scale, now);
        foreach (var pod in plan.Late)
            cluster.Recorder.Event(pod, "Warning", "NotDeleted", $"Pod was expected by PDB {key} to be deleted but it wasn't");
        await _client.UpdateStatusIfChangedAsync(budget, budget with { Status = plan.Status }, ct);
        return plan.CheckAt is { } at ? Again.At(at.AddSeconds(1)) : Again.OnChange;
    }

    async Task<int> ScaleAsync(PodDisruptionBudget budget, List<Pod> pods, CancellationToken ct)
    {
        var (scale, unmanaged) = await _scale.OfAsync(pods, ct);
        if (unmanaged.Count > 0)
            cluster.Recorder.Event(budget, "Warning", "UnmanagedPods", $"Pods selected by this PodDisruptionBudget (selector: {budget.Spec.Selector.AsGo()}) were found to be unmanaged. "
                + "As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. "
                + "To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.");
        return scale;
    }

    async Task<Again> ReassureAsync(Key key, CancellationToken ct)
    {
        if (_pods.Find(key) is not { } pod || DisruptedSince(pod) is not { } since) return Again.OnChange;
        var now = cluster.Time.GetUtcNow();
        if (since + BudgetPlan.EvictionTimeout > now) return Again.At(since + BudgetPlan.EvictionTimeout);
        int at = pod.Status.Conditions.IndexOf(c => c.Type == "DisruptionTarget");
        // Nothing is left of why it was said.
        var calm = new PodCondition { Type = "DisruptionTarget", Status = "False", LastTransitionTime = now, ObservedGeneration = pod.Metadata.Generation };
        try { await _client.UpdateStatusAsync(pod with { Status = pod.Status with { Conditions = pod.Status.Conditions.SetAt(at, calm) } }, ct); }
        catch (ApiException e) when (e.IsNotFound) { }
        return Again.OnChange;
    }

    static DateTimeOffset? DisruptedSince(Pod pod) =>
        // A node's agent takes as long as it takes.
        pod.IsBeingDeleted || pod.IsTerminal ? null
            : pod.Condition("DisruptionTarget") is { Status: "True", Reason: not "TerminationByKubelet" } condition ? condition.LastTransitionTime ?? DateTimeOffset.MinValue : null;

    void OnPod(CacheEvent<Pod> e, Action<Key> add)
    {
        foreach (var pod in (ReadOnlySpan<Pod?>)[e.Old, e.New])
            if (pod is not null)
            {
                Key? first = null;
                bool several = false;
                foreach (var key in Selecting(pod.Metadata.Namespace, pod.Metadata.Labels))
                {
                    several |= first is not null;
                    first ??= key;
                    add(key);
                }
                // No eviction of it is allowed while that is so. All are computed, whatever the words, which are upstream's.
                if (several && ReferenceEquals(pod, e.New))
                    cluster.Recorder.Event(pod, "Warning", "MultiplePodDisruptionBudgets",
                        $"Pod \"{pod.Metadata.Namespace}\"/\"{pod.Metadata.Name}\" matches multiple PodDisruptionBudgets.  Chose \"{first!.Value.Name}\" arbitrarily.");
            }
        if (e.New is { } now && DisruptedSince(now) is not null) add(new(now.Metadata.Namespace, Disrupted + now.Metadata.Name));
    }

    IEnumerable<Key> Selecting(string ns, Map<string> labels) =>
        _budgets.MayChoose(ns, labels).Where(b => b.Spec.Selector.ToSelector().Matches(labels)).Select(Key.Of);
}
