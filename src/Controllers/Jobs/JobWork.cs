using System.Collections.Immutable;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.Jobs;

/// <summary>Which Pods a Job that goes on has to make or delete.</summary>
/// <param name="RetryAt">When what failed may be tried again.</param>
sealed record JobWork(ImmutableArray<Pod> Create, ImmutableArray<Pod> Delete, DateTimeOffset? RetryAt)
{
    /// <summary>At most so many Pods are made or deleted at a time (upstream's MaxPodCreateDeletePerSync).</summary>
    const int Burst = 500;

    public static JobWork None { get; } = new([], [], null);

    public static JobWork For(JobView view)
    {
        var job = view.Job;
        int active = view.Active.Length;
        if (job.IsSuspended()) return None with { Delete = view.Active };
        // Without a number of completions the first success tells that the work is done: what runs may end.
        int wanted = job.Spec.Completions is { } completions
            ? Math.Clamp(completions - view.Succeeded, 0, view.Parallelism)
            : view.Succeeded > 0 ? active : view.Parallelism;
        var delete = Surplus(view, Math.Max(0, active - wanted));
        if (!delete.IsEmpty) return None with { Delete = [.. delete.Take(Burst)] };

        int missing = wanted - active - (job.ReplacesFailedOnly() ? view.Terminating : 0);
        if (missing <= 0) return None;
        bool byIndex = job.Spec.BackoffLimitPerIndex is not null;
        if (!byIndex && view.Failures.Until is { } until && until > view.Now) return None with { RetryAt = until };
        missing = Math.Min(missing, Burst);
        if (!job.IsIndexed()) return None with { Create = [.. Enumerable.Repeat(JobPod.For(job), missing)] };

        DateTimeOffset? retryAt = null;
        var create = ImmutableArray.CreateBuilder<Pod>();
        foreach (int index in Pending(view).Take(missing))
        {
            var former = view.Awaiting.GetValueOrDefault(index);
            if (former is not null && Failures.After(JobPod.AllFailures(former), JobPod.EndOf(former, view.Now)) is { } at && at > view.Now)
            {
                if (retryAt is null || at < retryAt) retryAt = at;
            }
            else create.Add(JobPod.For(job, index, former));
        }
        return new(create.DrainToImmutable(), [], retryAt);
    }

    /// <summary>Indexes that have no Pod and need one, the lowest first.</summary>
    static IEnumerable<int> Pending(JobView view)
    {
        var taken = view.Active.Concat(view.Job.ReplacesFailedOnly() ? view.Pods.Where(p => p.IsTerminating) : []).Select(JobPod.IndexOf).ToHashSet();
        for (int i = 0; i < view.Completions; i++)
            if (!taken.Contains(i) && !view.SucceededIndexes.Contains(i) && view.FailedIndexes?.Contains(i) != true) yield return i;
    }

    /// <summary>What there is twice or should not be at all, and as many more as are too many, the least useful first.</summary>
    static ImmutableArray<Pod> Surplus(JobView view, int atLeast)
    {
        var order = Usefulness.Order;
        List<Pod> go = [], stay = [.. view.Active];
        if (view.Job.IsIndexed())
        {
            stay = [];
            foreach (var same in view.Active.GroupBy(p => view.IsValid(p) ? JobPod.IndexOf(p) : null))
            {
                var sorted = same.Order(order).ToList();
                if (same.Key is not null) { stay.Add(sorted[^1]); sorted.RemoveAt(sorted.Count - 1); }
                go.AddRange(sorted);
            }
        }
        if (go.Count < atLeast) go.AddRange(stay.Order(order).Take(atLeast - go.Count));
        return [.. go];
    }
}
