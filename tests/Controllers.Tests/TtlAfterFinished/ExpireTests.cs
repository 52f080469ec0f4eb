using Hanbae.Api.Batch.V1;
using Hanbae.Controllers.Jobs;
using Hanbae.Controllers.Tests.Jobs;

namespace Hanbae.Controllers.Tests.TtlAfterFinished;

public sealed class ExpireTests
{
    [Fact]
    public async Task A_Job_goes_when_its_time_after_the_end_is_over()
    {
        await using var cluster = new TestCluster(["ttl-after-finished"]) { Creep = TestCluster.Hardly };
        Job Ended(string name, int? ttl, string how = "Complete") =>
            Works.Job(name).With(s => s with { TtlSecondsAfterFinished = ttl }) with { Status = new() { Conditions = [JobConditions.New(how, "", "", Make.Start)] } };
        cluster.Api.Put(Ended("ending", 0, "FailureTarget"));
        cluster.Api.Put(Ended("failed", 10, "Failed"));
        cluster.Api.Put(Ended("soon", 10));
        cluster.Api.Put(Ended("later", 1000));
        cluster.Api.Put(Ended("never", null));
        cluster.Api.Put(Works.Job("running").With(s => s with { TtlSecondsAfterFinished = 0 }));
        cluster.Creep = TimeSpan.FromSeconds(1);
        await cluster.UntilAsync(api => api.All<Job>().Count(j => j.Metadata.Name is "soon" or "failed" && j.Metadata.DeletionTimestamp is null) == 0);
        Assert.True(cluster.Time.GetUtcNow() >= Make.Start.AddSeconds(10));
        Assert.Equal(["ending", "later", "never", "running"], cluster.Api.All<Job>().Where(j => j.Metadata.DeletionTimestamp is null).Select(j => j.Metadata.Name));
    }
}
