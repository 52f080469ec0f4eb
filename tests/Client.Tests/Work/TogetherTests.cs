namespace Hanbae.Client.Tests.Work;

public sealed class TogetherTests
{
    [Fact]
    public async Task One_that_ends_takes_the_others_with_it_and_says_why()
    {
        var stopped = new TaskCompletionSource();
        async Task Endless(CancellationToken ct)
        {
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stopped.SetResult();
        }

        var running = Together.RunAsync([Endless, _ => throw new InvalidOperationException("broken")], CancellationToken.None);

        Assert.Equal("broken", (await Assert.ThrowsAsync<InvalidOperationException>(() => running)).Message);
        Assert.True(stopped.Task.IsCompleted);
    }

    [Fact]
    public async Task All_end_when_they_are_told_to()
    {
        using var stop = new CancellationTokenSource();
        var running = Together.RunAsync([ct => Task.Delay(Timeout.Infinite, ct), ct => Task.Delay(Timeout.Infinite, ct)], stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }
}
