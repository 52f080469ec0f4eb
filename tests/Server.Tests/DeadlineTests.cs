using Hanbae.Kit;

namespace Hanbae.Server.Tests;

/// <summary>How long a request may take, by the server's word and by its own.</summary>
public sealed class DeadlineTests
{
    static Task<TestServer> StartAsync(FakeTime time, TaskCompletionSource reached) => TestServer.StartAsync(o => o with
    {
        Time = time, RequestTimeout = TimeSpan.FromMinutes(1),
        Paths = [new("/held", false, async r =>
        {
            reached.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, r.Aborted);
            return Reply.Text("");
        })],
    });

    [Fact]
    public async Task A_request_that_asks_for_a_time_is_answered_504_when_it_is_over()
    {
        var (time, reached) = (new FakeTime(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var server = await StartAsync(time, reached);
        var answer = server.GetAsync("/held?timeout=5s");
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(60));
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(answer.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        var end = await answer.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal((504, "Timeout", "Timeout: request did not complete within the allotted timeout"), (end.Code, end.Text("reason"), end.Message));
    }

    [Fact]
    public async Task More_than_the_servers_own_is_not_given_and_nonsense_is_a_bad_request()
    {
        var (time, reached) = (new FakeTime(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var server = await StartAsync(time, reached);
        var answer = server.GetAsync("/held?timeout=1h");
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(60));
        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(504, (await answer.WaitAsync(TimeSpan.FromSeconds(60))).Code);
        var bad = await server.GetAsync("/api/v1/pods?timeout=soon");
        Assert.Equal((400, "invalid timeout specified in the request URL - time: invalid duration \"soon\""), (bad.Code, bad.Message));
        Assert.Equal(200, (await server.GetAsync("/api/v1/pods?timeout=10s")).Code);
    }
}
