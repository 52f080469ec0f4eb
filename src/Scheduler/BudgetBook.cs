using Hanbae.Api;
using Hanbae.Api.Policy.V1;

namespace Hanbae.Scheduler;

/// <summary>The disruption budgets that there are, by namespace, their selectors read once.</summary>
internal sealed class BudgetBook
{
    public readonly record struct Entry(PodDisruptionBudget Budget, Selector Selector);

    readonly Dictionary<string, Dictionary<string, Entry>> _byNamespace = [];

    /// <summary>Counts what changes whom budgets cover.</summary>
    public long Rules { get; private set; }
    /// <summary>Counts what changes how much budgets allow.</summary>
    public long States { get; private set; }

    public void Set(PodDisruptionBudget budget)
    {
        if (!_byNamespace.TryGetValue(budget.Metadata.Namespace, out var all)) _byNamespace[budget.Metadata.Namespace] = all = [];
        if (all.TryGetValue(budget.Metadata.Name, out var before) && before.Budget.Spec == budget.Spec)
        {
            if (before.Budget.Status != budget.Status) States++;
            all[budget.Metadata.Name] = before with { Budget = budget };
            return;
        }
        Rules++;
        all[budget.Metadata.Name] = new(budget, Tallies.PodScope.SelectorOf(budget.Spec.Selector));
    }

    public void Remove(Key key)
    {
        if (!_byNamespace.TryGetValue(key.Namespace, out var all) || !all.Remove(key.Name)) return;
        Rules++;
        if (all.Count == 0) _byNamespace.Remove(key.Namespace);
    }

    /// <summary>Those that cover a Pod.</summary>
    public IEnumerable<PodDisruptionBudget> Of(PodInfo pod)
    {
        if (pod.Labels.IsEmpty || !_byNamespace.TryGetValue(pod.Key.Namespace, out var all)) yield break;
        foreach (var (budget, selector) in all.Values)
            if (!selector.IsEmpty && selector.Matches(pod.Labels)) yield return budget;
    }

    public bool IsEmpty => _byNamespace.Count == 0;
}
