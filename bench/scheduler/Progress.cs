namespace Hanbae.Bench.Scheduler;

/// <summary>Counts Pods that are bound, and tells when there are as many as were expected.</summary>
sealed class Progress
{
    readonly Lock _lock = new();
    TaskCompletionSource _reached = new();
    int _bound, _goal = int.MaxValue;

    public int Bound { get { lock (_lock) return _bound; } }

    public void One()
    {
        lock (_lock) if (++_bound == _goal) _reached.TrySetResult();
    }

    public Task ExpectAsync(int more)
    {
        lock (_lock)
        {
            _goal = _bound + more;
            _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return more == 0 ? Task.CompletedTask : _reached.Task;
        }
    }
}
