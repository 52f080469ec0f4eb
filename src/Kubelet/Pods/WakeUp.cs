namespace Hanbae.Kubelet.Pods;

/// <summary>Wakes one waiting loop; any number of calls before it looks wake it once.</summary>
sealed class WakeUp
{
    volatile TaskCompletionSource _set = New();

    public void Set() => _set.TrySetResult();

    /// <summary>Until set, or until the time has passed; <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</summary>
    public async Task WaitAsync(TimeSpan most, TimeProvider time, CancellationToken ct)
    {
        try { await _set.Task.WaitAsync(most > TimeSpan.Zero || most == Timeout.InfiniteTimeSpan ? most : TimeSpan.Zero, time, ct).ConfigureAwait(false); }
        catch (TimeoutException) { }
        if (_set.Task.IsCompleted) _set = New();
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
