namespace Hanbae.Testing.Tests;

public sealed class TestTimeTests
{
    /// <summary>Ends when a timer of that clock fires.</summary>
    static async Task Due(TestTime time, TimeSpan after)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var timer = time.CreateTimer(_ => fired.TrySetResult(), null, after, Timeout.InfiniteTimeSpan);
        await fired.Task;
    }

    [Fact]
    public async Task What_is_due_by_the_new_time_happens_when_the_clock_is_put_forward()
    {
        var time = new TestTime();
        var hour = Due(time, TimeSpan.FromHours(1));
        var day = Due(time, TimeSpan.FromDays(1));
        time.Advance(TimeSpan.FromHours(2));
        await hour.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(day.IsCompleted);
        time.Advance(TimeSpan.FromDays(1));
        await day.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task It_goes_on_by_itself()
    {
        var time = new TestTime();
        var before = time.GetUtcNow();
        await Due(time, TimeSpan.FromMilliseconds(5)).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(time.GetUtcNow() > before);
    }

    [Fact]
    public async Task Periodic_timers_go_on_after_a_jump()
    {
        var time = new TestTime();
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), time);
        for (int i = 0; i < 3; i++)
        {
            var tick = timer.WaitForNextTickAsync().AsTask();
            time.Advance(TimeSpan.FromMinutes(61));
            Assert.True(await tick.WaitAsync(TimeSpan.FromMinutes(1)));
        }
    }

    [Fact]
    public async Task A_timer_that_is_set_anew_while_it_fires_is_put_forward_as_any()
    {
        for (int i = 0; i < 500; i++)
        {
            var time = new TestTime();
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var firing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var timer = time.CreateTimer(_ =>
            {
                firing.TrySetResult();
                if (time.Ahead > TimeSpan.Zero) done.TrySetResult();
            }, null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
            if (i % 2 == 0) await firing.Task.WaitAsync(TimeSpan.FromMinutes(1));
            else Thread.SpinWait(i * 200);
            timer.Change(TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
            time.Advance(TimeSpan.FromHours(2));
            await done.Task.WaitAsync(TimeSpan.FromMinutes(1));
        }
    }

    [Fact]
    public void It_never_goes_back() => Assert.Throws<ArgumentOutOfRangeException>(() => new TestTime().Advance(TimeSpan.FromTicks(-1)));
}
