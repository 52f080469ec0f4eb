using Hanbae.Controllers.CronJobs;
using Hanbae.Machinery.Schedule;

namespace Hanbae.Controllers.Tests.CronJobs;

public sealed class StartPlanTests
{
    static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(null, "2030-01-01T00:30:00Z", null, false, false)]
    [InlineData(null, "2030-01-01T01:00:00Z", "2030-01-01T01:00:00Z", false, false)]
    [InlineData(null, "2030-01-01T09:59:00Z", "2030-01-01T09:00:00Z", false, false)]
    [InlineData(null, "2030-02-01T00:00:30Z", "2030-02-01T00:00:00Z", false, true)]
    [InlineData(7200L, "2030-02-01T00:00:30Z", "2030-02-01T00:00:00Z", false, false)]
    [InlineData(10L, "2030-01-01T01:00:30Z", null, false, false)]
    public void Of_times_that_were_missed_the_last_counts(long? deadline, string now, string? due, bool late, bool many)
    {
        var cron = new Api.Batch.V1.CronJob { Metadata = new() { CreationTimestamp = At("2030-01-01T00:00:00Z") }, Spec = new() { StartingDeadlineSeconds = deadline } };
        var plan = StartPlan.For(cron, CronSchedule.Parse("0 * * * *", TimeZoneInfo.Utc), At(now));
        Assert.Equal((due is null ? null : At(due), late, many), (plan.Due, plan.IsTooLate, plan.ManyMissed));
    }

    [Theory]
    [InlineData("2030-01-01T00:40:00Z", null, "2030-01-01T01:30:00Z")]
    [InlineData("2030-01-01T01:30:00Z", "2030-01-01T01:30:00Z", "2030-01-01T03:00:00Z")]
    [InlineData("2030-01-01T04:45:00Z", "2030-01-01T04:30:00Z", "2030-01-01T06:00:00Z")]
    public void What_comes_every_so_often_is_counted_from_the_last_time(string now, string? due, string next)
    {
        var cron = new Api.Batch.V1.CronJob { Metadata = new() { CreationTimestamp = At("2029-12-31T00:00:00Z") }, Status = new() { LastScheduleTime = At("2030-01-01T00:00:00Z") } };
        var plan = StartPlan.For(cron, CronSchedule.Parse("@every 90m", TimeZoneInfo.Utc), At(now));
        Assert.Equal((due is null ? null : At(due), At(next).AddMilliseconds(100)), (plan.Due, plan.NextAt));
    }
}
