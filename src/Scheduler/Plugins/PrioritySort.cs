namespace Hanbae.Scheduler.Plugins;

/// <summary>Lets Pods of higher priority go first, and among equals those that have waited longest.</summary>
internal sealed class PrioritySort : IQueueSort
{
    public string Name => "PrioritySort";

    public int Compare(PodInfo a, long queuedA, PodInfo b, long queuedB) =>
        a.Priority != b.Priority ? b.Priority.CompareTo(a.Priority) : queuedA.CompareTo(queuedB);
}
