using Hanbae.Api;
using Hanbae.Api.Policy.V1;

namespace Hanbae.Scheduler;

/// <summary>Tells which of a node's Pods could go without breaking a disruption budget.</summary>
internal sealed class Budgets(IReadOnlyCollection<PodDisruptionBudget> all)
{
    readonly (PodDisruptionBudget Budget, Selector Selector)[] _all = [.. all.Select(b => (b, Tallies.PodScope.SelectorOf(b.Spec.Selector)))];
    int[] _left = [];

    /// <summary>Starts over with what the budgets allow.</summary>
    public void Begin() => _left = [.. _all.Select(b => b.Budget.Status.DisruptionsAllowed)];

    /// <param name="pods">Most important first: what a budget allows is used up by them.</param>
    public (List<PodInfo> Violating, List<PodInfo> Harmless) Split(List<PodInfo> pods)
    {
        if (_all.Length == 0) return ([], pods);
        List<PodInfo> violating = [], rest = [];
        foreach (var pod in pods) (Violates(pod) ? violating : rest).Add(pod);
        return (violating, rest);
    }

    bool Violates(PodInfo pod)
    {
        bool violates = false;
        if (pod.Labels.IsEmpty) return false;
        for (int i = 0; i < _all.Length; i++)
        {
            var (budget, selector) = _all[i];
            if (budget.Metadata.Namespace != pod.Key.Namespace || selector.IsEmpty || !selector.Matches(pod.Labels)) continue;
            // A Pod whose disruption is under way has been counted already.
            if (budget.Status.DisruptedPods.ContainsKey(pod.Key.Name)) continue;
            violates |= --_left[i] < 0;
        }
        return violates;
    }
}
