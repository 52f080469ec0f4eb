namespace Hanbae.Testing;

/// <summary>What works in the background of a test cluster: ends in reverse order, and what failed says so at the end.</summary>
sealed class Parts(TimeSpan patience) : IAsyncDisposable
{
    readonly Lock _gate = new();
    readonly Stack<(string Name, Task Task, CancellationTokenSource Stop)> _running = [];
    bool _ended;

    /// <param name="run">Runs until cancelled.</param>
    public void Run(string name, Func<CancellationToken, Task> run)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            var stop = new CancellationTokenSource();
            _running.Push((name, Task.Run(() => run(stop.Token)), stop));
        }
    }

    /// <exception cref="AggregateException">What failed meanwhile, and what did not end when it was told to.</exception>
    public async ValueTask DisposeAsync()
    {
        lock (_gate) _ended = true;
        List<Exception> failures = [];
        foreach (var (name, task, stop) in _running)
        {
            await stop.CancelAsync();
            try { await task.WaitAsync(patience); }
            catch (OperationCanceledException) { }
            catch (TimeoutException) when (!task.IsCompleted) { failures.Add(new TimeoutException($"{name} did not end")); }
            catch (Exception e) { failures.Add(new InvalidOperationException($"{name} failed: {e.Message}", e)); }
            stop.Dispose();
        }
        _running.Clear();
        if (failures.Count > 0) throw new AggregateException(failures);
    }
}
