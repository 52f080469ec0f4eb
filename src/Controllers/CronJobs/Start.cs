using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Jobs;
using Hanbae.Controllers.Ownership;
using Hanbae.Machinery.Schedule;

namespace Hanbae.Controllers.CronJobs;

/// <summary>Starts a Job each time that a CronJob's schedule names, and keeps as many of the last ones as it asks for.</summary>
sealed class Start(IClusterAccess cluster) : IReconciler
{
    readonly IClient _client = cluster.Client;
    readonly ICache<CronJob> _crons = cluster.Cache<CronJob>();
    readonly ICache<Job> _jobs = cluster.Cache<Job>();

    public void Watch(Triggers on)
    {
        _jobs.IndexControllers();
        on.Each(_crons).OwnerOf(_jobs, "CronJob", "batch");
    }

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_crons.Find(key) is not { } cron) return Again.OnChange;
        var jobs = _jobs.ControlledBy(cron.Metadata.Uid);
        if (await NewerAsync(cron, jobs, ct) is not { } known) return Again.OnChange;
        cron = known;
        var status = await SeenAsync(cron, jobs, ct);
        DateTimeOffset? next = null;
        Exception? failure = null;
        try { (status, next) = await StartAsync(cron, status, ct); }
        catch (ApiException e) { failure = e; }
        foreach (var job in CronStatus.Surplus(cron, jobs))
            try
            {
                await DeleteAsync(cron, job.Metadata.Name, job.Metadata.Uid, ct);
                status = status.Without(job.Metadata.Uid);
            }
            catch (ApiException) { } // told as an event; it is still too many at the next look
        await _client.UpdateStatusIfChangedAsync(cron, cron with { Status = status }, ct);
        if (failure is not null && !Refusal.IsNamespaceTerminating(failure)) throw failure;
        return next is { } at ? Again.At(at) : Again.OnChange;
    }

    /// <summary>The CronJob as it is: a Job that runs and that its status does not name is one that the cache does not know of, or a stranger's.</summary>
    /// <returns>Null when it is gone.</returns>
    async Task<CronJob?> NewerAsync(CronJob cron, IReadOnlyCollection<Job> jobs, CancellationToken ct)
    {
        if (jobs.All(j => j.IsFinished() || cron.Status.Active.Exists(a => a.Uid == j.Metadata.Uid))) return cron;
        return await _client.FindAsync<CronJob>(Key.Of(cron), ct) is { } live && live.Metadata.Uid == cron.Metadata.Uid ? live : null;
    }

    /// <summary>The status, with what became of the Jobs.</summary>
    async Task<CronJobStatus> SeenAsync(CronJob cron, IReadOnlyCollection<Job> jobs, CancellationToken ct)
    {
        var status = cron.Status;
        foreach (var job in jobs)
        {
            bool active = status.Active.Exists(a => a.Uid == job.Metadata.Uid);
            if (active && job.IsFinished())
            {
                string how = job.Status.Conditions.IsTrue(JobConditions.Complete) ? "Complete" : "Failed";
                cluster.Recorder.Event(cron, "Normal", "SawCompletedJob", $"Saw completed job: {job.Metadata.Name}, condition: {how}");
                status = status.Without(job.Metadata.Uid);
            }
            else if (!active && !job.IsFinished())
                cluster.Recorder.Event(cron, "Warning", "UnexpectedJob", $"Saw a job that the controller did not create or forgot: {job.Metadata.Name}");
            status = status.WithSuccess(job);
        }
        foreach (var active in status.Active)
        {
            if (jobs.Any(j => j.Metadata.Uid == active.Uid)) continue;
            // The cache may not show it yet.
            if (await _client.FindAsync<Job>(new(cron.Metadata.Namespace, active.Name), ct) is { } there && there.Metadata.Uid == active.Uid) continue;
            cluster.Recorder.Event(cron, "Normal", "MissingJob", "Active job went missing: " + active.Name);
            status = status.Without(active.Uid);
        }
        return status;
    }

    async Task<(CronJobStatus, DateTimeOffset?)> StartAsync(CronJob cron, CronJobStatus status, CancellationToken ct)
    {
        if (cron.IsBeingDeleted) return (status, null);
        var zone = cluster.Time.LocalTimeZone;
        if (cron.Spec.TimeZone is { } name && !TimeZoneInfo.TryFindSystemTimeZoneById(name, out zone))
        {
            cluster.Recorder.Event(cron, "Warning", "UnknownTimeZone", $"invalid timeZone: \"{name}\": unknown time zone {name}");
            return (status, null);
        }
        if (cron.Spec.Suspend == true) return (status, null);
        if (cron.Spec.Schedule.Contains("TZ", StringComparison.Ordinal))
            cluster.Recorder.Event(cron, "Warning", "UnsupportedSchedule",
                $"CRON_TZ or TZ used in schedule \"{cron.Spec.Schedule}\" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details");
        CronSchedule schedule;
        try { schedule = CronSchedule.Parse(cron.Spec.Schedule, zone); }
        catch (FormatException e)
        {
            cluster.Recorder.Event(cron, "Warning", "UnparseableSchedule", $"unparseable schedule: \"{cron.Spec.Schedule}\" : {e.Message}");
            return (status, null);
        }
        StartPlan plan;
        try { plan = StartPlan.For(cron, schedule, cluster.Time.GetUtcNow()); }
        catch (FormatException e)
        {
            cluster.Recorder.Event(cron, "Warning", "InvalidSchedule", $"invalid schedule: {cron.Spec.Schedule} : {e.Message}");
            return (status, null);
        }
        if (plan.ManyMissed)
            cluster.Recorder.Event(cron, "Warning", "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew");
        if (plan.Due is not { } due) return (status, plan.NextAt);
        if (plan.IsTooLate)
        {
            cluster.Recorder.Event(cron, "Warning", "MissSchedule",
                $"Missed scheduled time to start a job: {due.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss +0000", System.Globalization.CultureInfo.InvariantCulture)}");
            return (status, plan.NextAt);
        }
        if (status.Active.Exists(a => a.Name == CronStatus.NameFor(cron, due)) || status.LastScheduleTime == due) return (status, plan.NextAt);
        if (cron.Spec.ConcurrencyPolicy == "Forbid" && !status.Active.IsEmpty)
        {
            cluster.Recorder.Event(cron, "Normal", "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid");
            return (status, plan.NextAt);
        }
        if (cron.Spec.ConcurrencyPolicy == "Replace")
            foreach (var active in status.Active)
            {
                await DeleteAsync(cron, active.Name, active.Uid, ct);
                status = status.Without(active.Uid);
            }
        var job = await CreateAsync(cron, CronStatus.JobFor(cron, due, cron.Spec.TimeZone is null ? TimeZoneInfo.Utc : zone), ct);
        if (job is not null && !status.Active.Exists(a => a.Uid == job.Metadata.Uid))
            status = status with { Active = job.IsFinished() ? status.Active : status.Active.Add(CronStatus.RefTo(job)), LastScheduleTime = due };
        return (status, plan.NextAt);
    }

    /// <returns>The Job, made now or before; null when the name is a stranger's.</returns>
    async Task<Job?> CreateAsync(CronJob cron, Job job, CancellationToken ct)
    {
        try
        {
            var made = await _client.CreateAsync(job, ct);
            cluster.Recorder.Event(cron, "Normal", "SuccessfulCreate", "Created job " + made.Metadata.Name);
            return made;
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            return await _client.FindAsync(job, ct) is { } there && there.IsControlledBy(cron) ? there : null;
        }
        catch (ApiException e) when (!Refusal.IsNamespaceTerminating(e))
        {
            cluster.Recorder.Event(cron, "Warning", "FailedCreate", "Error creating job: " + e.Message);
            throw;
        }
    }

    /// <exception cref="ApiException">It is still there: nothing may take its place.</exception>
    async Task DeleteAsync(CronJob cron, string name, string uid, CancellationToken ct)
    {
        try
        {
            await _client.TryDeleteAsync<Job>(new(cron.Metadata.Namespace, name), new() { PropagationPolicy = "Background", Preconditions = new Preconditions { Uid = uid } }, ct);
            cluster.Recorder.Event(cron, "Normal", "SuccessfulDelete", "Deleted job " + name);
        }
        catch (ApiException e)
        {
            cluster.Recorder.Event(cron, "Warning", "FailedDelete", "Deleted job: " + e.Message);
            throw;
        }
    }
}
