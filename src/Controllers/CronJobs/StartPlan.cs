using Hanbae.Api.Batch.V1;
using Hanbae.Machinery.Schedule;

namespace Hanbae.Controllers.CronJobs;

/// <summary>Whether a CronJob has a Job to start now.</summary>
/// <param name="Due">The latest time that has come and has had no Job yet.</param>
/// <param name="IsTooLate">It is longer ago than the CronJob allows.</param>
/// <param name="ManyMissed">Suspiciously many times have passed.</param>
/// <param name="NextAt">When to look again.</param>
readonly record struct StartPlan(DateTimeOffset? Due, bool IsTooLate, bool ManyMissed, DateTimeOffset? NextAt)
{
    const int Many = 100;
    /// <summary>A little late, lest clocks that differ make it a little early.</summary>
    static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(100);

    /// <exception cref="FormatException">There is no such time.</exception>
    public static StartPlan For(CronJob cron, CronSchedule schedule, DateTimeOffset now)
    {
        var since = cron.Status.LastScheduleTime ?? cron.Metadata.CreationTimestamp ?? now;
        // From a time that was one, whatever the deadline: what comes every so often is counted from the last, not from when somebody looked.
        var nextAt = schedule.Next(schedule.LastUntil(now, since) ?? since) + Slack;
        var earliest = since;
        if (cron.Spec.StartingDeadlineSeconds is { } seconds && now - earliest > TimeSpan.FromSeconds(seconds)) earliest = now.AddSeconds(-seconds);
        if (schedule.Next(earliest) is not { } first || schedule.Next(first) is not { } second) throw new FormatException("time difference between two schedules is less than 1 second");
        if (now < first) return new(null, false, false, nextAt);
        if (now < second) return new(first, IsLate(first), false, nextAt);
        var step = second - first;
        var due = schedule.LastUntil(now, earliest)!.Value;
        return new(due, IsLate(due), (now - first) / step + 1 > Many, nextAt);

        bool IsLate(DateTimeOffset time) => cron.Spec.StartingDeadlineSeconds is { } limit && time.AddSeconds(limit) < now;
    }
}
