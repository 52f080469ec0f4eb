namespace Hanbae.Testing.Tests;

public sealed class TestTimeTests
{
    [Fact]
    public async Task What_is_due_by_the_new_time_happens_when_the_clock_is_put_forward()
    {
        var time = new TestTime();
        var hour = Task.Delay(TimeSpan.FromHours(1), time);
        var day = Task.Delay(TimeSpan.FromDays(1), time);
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
        await Task.Delay(TimeSpan.FromMilliseconds(5), time);
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
    public void It_never_goes_back() => Assert.Throws<ArgumentOutOfRangeException>(() => new TestTime().Advance(TimeSpan.FromTicks(-1)));
}
