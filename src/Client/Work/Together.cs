namespace Hanbae.Client;

/// <summary>Keeps loops of which none may end alone: with one of them dead, the others would only look alive.</summary>
public static class Together
{
    /// <summary>Runs them until one ends; the others are then stopped and waited for.</summary>
    /// <exception cref="Exception">What the first one ended with.</exception>
    public static async Task RunAsync(IReadOnlyList<Func<CancellationToken, Task>> loops, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        // One may end before it ever waited.
        async Task Start(Func<CancellationToken, Task> loop) => await loop(stop.Token);
        Task[] running = [.. loops.Select(Start)];
        try { await await Task.WhenAny(running); }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
