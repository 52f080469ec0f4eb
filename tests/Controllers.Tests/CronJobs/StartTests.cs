using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Rest;
using Hanbae.Controllers.CronJobs;
using Hanbae.Controllers.Jobs;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Tests.Jobs;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.CronJobs;

public sealed class StartTests
{
    static readonly string[] Which = ["cronjob"];

    static CronJob Cron(string policy = "Allow", bool suspend = false) => new()
    {
        Metadata = new() { Name = "tick", Namespace = "default", Uid = "uid-of-tick", Generation = 1 },
        Spec = new()
        {
            Schedule = "*/1 * * * *", ConcurrencyPolicy = policy, Suspend = suspend, SuccessfulJobsHistoryLimit = 2, FailedJobsHistoryLimit = 1,
            JobTemplate = new() { Metadata = new() { Labels = Map.Of(("app", "tick")) }, Spec = Works.Job("x").Spec with { Selector = null } },
        },
    };

    static CronJobStatus Status(FakeApi api) => api.Find<CronJob>("tick")!.Status;
    static long Minutes => Make.Start.ToUnixTimeSeconds() / 60;

    static void End(TestCluster cluster, string name, string how = "Complete") => cluster.Api.Change<Job>(name, j => j with
    {
        Status = j.Status with
        {
            StartTime = cluster.Time.GetUtcNow(), CompletionTime = how == "Complete" ? cluster.Time.GetUtcNow() : null,
            Conditions = [JobConditions.New(how, "", "", cluster.Time.GetUtcNow())],
        },
    });

    [Fact]
    [Trait("Conformance", "[sig-apps] CronJob should schedule multiple jobs concurrently [Conformance]")]
    public async Task Each_minute_starts_a_Job_of_that_minutes_name()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Cron());
        await cluster.UntilAsync(api => Status(api).Active.Count == 2);

        Assert.Equal([$"tick-{Minutes + 1}", $"tick-{Minutes + 2}"], cluster.Api.All<Job>().Select(j => j.Metadata.Name));
        var job = cluster.Api.All<Job>()[0];
        Assert.Equal(("tick", "tick", "2030-01-01T00:01:00Z"), (job.Controller?.Name, job.Metadata.Labels["app"], job.Metadata.Annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]));
        Assert.Equal(Make.Start.AddMinutes(2), Status(cluster.Api).LastScheduleTime);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] CronJob should not schedule jobs when suspended [Slow] [Conformance]")]
    public async Task Suspended_it_starts_nothing()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Cron(suspend: true));
        cluster.Time.Advance(TimeSpan.FromMinutes(10));
        cluster.Api.Put(Cron() with { Metadata = new() { Name = "other", Namespace = "default", Uid = "other" } });
        await cluster.UntilAsync(api => api.All<Job>().Count == 2);
        Assert.All(cluster.Api.All<Job>(), j => Assert.StartsWith("other-", j.Metadata.Name));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] CronJob should not schedule new jobs when ForbidConcurrent [Slow] [Conformance]")]
    public async Task Forbid_waits_for_the_running_one()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Cron("Forbid"));
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid")));
        string first = Assert.Single(cluster.Api.All<Job>()).Metadata.Name;
        End(cluster, first);
        await cluster.UntilAsync(api => api.All<Job>().Count == 2 && Status(api).LastSuccessfulTime is not null);
        Assert.Contains(("SawCompletedJob", $"Saw completed job: {first}, condition: Complete"), cluster.Events.Told);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] CronJob should replace jobs when ReplaceConcurrent [Conformance]")]
    public async Task Replace_ends_the_running_one()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Cron("Replace"));
        await cluster.UntilAsync(api => Status(api).Active is [{ } only] && only.Name == $"tick-{Minutes + 2}");
        Assert.Single(cluster.Api.All<Job>());
        Assert.Contains(("SuccessfulDelete", $"Deleted job tick-{Minutes + 1}"), cluster.Events.Told);
    }

    [Fact]
    public async Task What_cannot_be_replaced_is_not_run_beside()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Cron("Replace"));
        await cluster.UntilAsync(api => Status(api).Active is [{ } only] && only.Name == $"tick-{Minutes + 1}");
        cluster.Api.Intercept = r => r.Method == "DELETE" ? new() { Code = 500, Object = new Api.Meta.V1.Status { StatusValue = "Failure", Code = 500, Message = "no" } } : null;
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("FailedDelete", "Deleted job: no")));
        Assert.Single(cluster.Api.All<Job>());

        cluster.Api.Intercept = null;
        await cluster.UntilAsync(api => Status(api).Active is [{ } only] && only.Name != $"tick-{Minutes + 1}");
        Assert.Single(cluster.Api.All<Job>());
    }

    [Fact]
    public async Task As_many_ended_Jobs_are_kept_as_asked()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Cron());
        for (int i = 1; i <= 6; i++)
        {
            string name = $"tick-{Minutes + i}";
            await cluster.UntilAsync(api => api.Find<Job>(name) is not null);
            End(cluster, name, i % 3 == 0 ? "Failed" : "Complete");
        }
        cluster.Creep = TestCluster.Hardly;
        await cluster.UntilAsync(api => api.All<Job>().Where(j => j.IsFinished()).Select(j => j.Metadata.Name).SequenceEqual([$"tick-{Minutes + 4}", $"tick-{Minutes + 5}", $"tick-{Minutes + 6}"]));
    }

    [Fact]
    public async Task A_Job_whose_start_was_not_written_down_is_not_started_again()
    {
        await using var cluster = new TestCluster(Which);
        bool refused = false;
        cluster.Api.Intercept = r => r is { Method: "PUT" } && !Interlocked.Exchange(ref refused, true)
            ? new ApiResult { Code = 409, Object = FakeApi.Error(409, "Conflict", "the object has been modified").Status } : null;
        cluster.Api.Put(Cron());
        await cluster.UntilAsync(api => api.Find<CronJob>("tick") is not null);
        cluster.Time.Advance(TimeSpan.FromSeconds(61));
        await cluster.UntilAsync(api => refused && Status(api).Active.Count == 1);
        Assert.Single(cluster.Api.All<Job>());
        Assert.Equal(1, cluster.Events.Told.Count(e => e.Reason == "SuccessfulCreate"));
    }

    [Fact]
    public async Task A_zone_or_schedule_that_nobody_knows_is_told()
    {
        await using var cluster = new TestCluster(Which);
        cluster.Api.Put(Cron() is var c ? c with { Spec = c.Spec with { TimeZone = "Mars/Olympus" } } : null!);
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "UnknownTimeZone"));
        cluster.Api.Change<CronJob>("tick", x => x with { Spec = x.Spec with { TimeZone = null, Schedule = "61 * * * *" } });
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "UnparseableSchedule"));
    }

    [Fact]
    public async Task What_the_server_knows_of_a_running_Job_counts_although_the_cache_does_not()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        var job = Works.Job("before") is var j ? j with { Metadata = j.Metadata with { OwnerReferences = [Cron().ControllerRef()] } } : null!;
        var live = cluster.Api.Put(Cron("Forbid")) with { Status = new() { Active = [CronStatus.RefTo(job)] } };
        cluster.Api.Intercept = r => r is { Method: "GET", Path: "/apis/batch/v1/namespaces/default/cronjobs/tick" } ? new() { Code = 200, Object = live } : null;
        cluster.Api.Put(job);
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "JobAlreadyActive"));
        Assert.Single(cluster.Api.All<Job>());
        Assert.DoesNotContain(cluster.Events.Told, e => e.Reason == "UnexpectedJob");
    }
}
