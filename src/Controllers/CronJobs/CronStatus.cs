using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Jobs;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.CronJobs;

/// <summary>Makes a CronJob's Jobs, and tells which of them are under way, have ended, or are too many to keep.</summary>
static class CronStatus
{
    const string ScheduledAt = "batch.kubernetes.io/cronjob-scheduled-timestamp";

    /// <summary>The Job of one time: its name follows from the minute, so that there is never a second.</summary>
    public static Job JobFor(CronJob cron, DateTimeOffset time, TimeZoneInfo zone)
    {
        var template = cron.Spec.JobTemplate;
        var local = TimeZoneInfo.ConvertTime(time, zone);
        string stamp = local.ToString(local.Offset == TimeSpan.Zero ? "yyyy-MM-ddTHH:mm:ss'Z'" : "yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture);
        return new()
        {
            Metadata = new()
            {
                Name = NameFor(cron, time), Namespace = cron.Metadata.Namespace, Labels = template.Metadata.Labels,
                Annotations = template.Metadata.Annotations.Set(ScheduledAt, stamp), OwnerReferences = [cron.ControllerRef()],
            },
            Spec = template.Spec,
        };
    }

    public static string NameFor(CronJob cron, DateTimeOffset time) =>
        $"{cron.Metadata.Name}-{(time.ToUnixTimeSeconds() / 60).ToString(CultureInfo.InvariantCulture)}";

    public static ObjectReference RefTo(Job job) => new()
    {
        ApiVersion = "batch/v1", Kind = "Job", Namespace = job.Metadata.Namespace, Name = job.Metadata.Name, Uid = job.Metadata.Uid, ResourceVersion = job.Metadata.ResourceVersion,
    };

    public static CronJobStatus Without(this CronJobStatus status, string uid) =>
        status.Active.Exists(a => a.Uid == uid) ? status with { Active = Refs(status.Active.Where(a => a.Uid != uid)) } : status;

    static Seq<ObjectReference> Refs(IEnumerable<ObjectReference> refs) => refs.ToSeq() is { IsEmpty: false } some ? some : default;

    public static CronJobStatus WithSuccess(this CronJobStatus status, Job job) =>
        job.Status.Conditions.IsTrue(JobConditions.Complete) && job.Status.CompletionTime is { } at && !(at <= status.LastSuccessfulTime) ? status with { LastSuccessfulTime = at } : status;

    /// <summary>Jobs that ended and are more than shall be kept, the oldest first.</summary>
    public static IEnumerable<Job> Surplus(CronJob cron, IEnumerable<Job> jobs)
    {
        var ended = jobs.Where(j => j.IsFinished() && !j.IsBeingDeleted).ToLookup(j => j.Status.Conditions.IsTrue(JobConditions.Complete));
        static IEnumerable<Job> Oldest(IEnumerable<Job> jobs, int? keep) => keep is { } limit
            ? jobs.OrderBy(j => j.Status.StartTime ?? DateTimeOffset.MaxValue).ThenBy(j => j.Metadata.Name, StringComparer.Ordinal).SkipLast(limit) : [];
        return Oldest(ended[true], cron.Spec.SuccessfulJobsHistoryLimit).Concat(Oldest(ended[false], cron.Spec.FailedJobsHistoryLimit));
    }
}
