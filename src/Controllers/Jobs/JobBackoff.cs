using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Jobs;

/// <summary>Pods of a Job that failed since the last one that succeeded.</summary>
readonly record struct Failures(int Count, DateTimeOffset Last)
{
    static readonly TimeSpan First = TimeSpan.FromSeconds(10), Longest = TimeSpan.FromMinutes(10);

    /// <summary>With Pods that were not known to have ended.</summary>
    public Failures With(IReadOnlyCollection<Pod> succeeded, IReadOnlyCollection<Pod> failed, DateTimeOffset now)
    {
        if (succeeded.Count == 0 && failed.Count == 0) return this;
        var since = succeeded.Count == 0 ? DateTimeOffset.MinValue : succeeded.Max(p => JobPod.EndOf(p, now));
        var later = failed.Select(p => JobPod.EndOf(p, now)).Where(end => end > since).ToList();
        int before = Last > since ? Count : 0;
        return new(before + later.Count, later.Append(before > 0 ? Last : DateTimeOffset.MinValue).Max());
    }

    /// <summary>When the next Pod may be made: 10 s after the first failure, doubling to ten minutes.</summary>
    public DateTimeOffset? Until => After(Count, Last);

    public static DateTimeOffset? After(int failures, DateTimeOffset last) =>
        failures == 0 ? null : last + TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << Math.Min(failures - 1, 10)));
}

/// <summary>Keeps the failures of each Job. Bound: one entry for each unfinished Job with failures; a restart forgets them, as upstream's does.</summary>
sealed class JobBackoff
{
    readonly Lock _lock = new();
    readonly Dictionary<Key, Failures> _jobs = [];

    public Failures Of(Key job) { lock (_lock) return _jobs.GetValueOrDefault(job); }
    public void Set(Key job, Failures failures) { lock (_lock) if (failures.Count == 0) _jobs.Remove(job); else _jobs[job] = failures; }
    public void Forget(Key job) { lock (_lock) _jobs.Remove(job); }
}
