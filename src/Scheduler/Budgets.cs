using Hanbae.Api;

namespace Hanbae.Scheduler;

/// <summary>Tells which of a node's Pods could go without breaking a disruption budget.</summary>
internal sealed class Budgets(BudgetBook book)
{
    readonly Dictionary<Key, int> _left = [];

    /// <summary>Of the last who were told apart: a budget covers one of them.</summary>
    public bool Guard { get; private set; }

    /// <param name="pods">Most important first: what a budget allows is used up by them.</param>
    public (List<PodInfo> Violating, List<PodInfo> Harmless) Split(List<PodInfo> pods)
    {
        Guard = false;
        if (book.IsEmpty) return ([], pods);
        _left.Clear();
        List<PodInfo> violating = [], rest = [];
        foreach (var pod in pods) (Violates(pod) ? violating : rest).Add(pod);
        return (violating, rest);
    }

    bool Violates(PodInfo pod)
    {
        bool violates = false;
        foreach (var budget in book.Of(pod))
        {
            Guard = true;
            // A Pod whose disruption is under way has been counted already.
            if (budget.Status.DisruptedPods.ContainsKey(pod.Key.Name)) continue;
            var key = Key.Of(budget);
            int left = _left.GetValueOrDefault(key, budget.Status.DisruptionsAllowed) - 1;
            _left[key] = left;
            violates |= left < 0;
        }
        return violates;
    }
}
