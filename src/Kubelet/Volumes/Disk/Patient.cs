namespace Hanbae.Kubelet.Volumes.Disk;

/// <summary>Makes system calls that may never come back: on a server's file system, while the server is away.</summary>
/// <remarks>
/// A thread that the kernel holds on to cannot be ended. It is none of the pool's, and while it is held the same is not tried again: as many threads
/// as mounts of dead servers.
/// </remarks>
sealed class Patient(TimeProvider time, TimeSpan patience)
{
    readonly HashSet<string> _held = [];

    /// <param name="key">What is tried, of which there is one at a time.</param>
    /// <exception cref="TimeoutException">The kernel does not answer, or does not since an earlier try.</exception>
    public async Task<T> RunAsync<T>(string key, Func<T> work, CancellationToken ct)
    {
        lock (_held) if (!_held.Add(key)) throw new TimeoutException($"{key}: no answer since an earlier try");
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                T result = work();
                Let();
                done.SetResult(result);
            }
            catch (Exception e)
            {
                Let();
                done.SetException(e);
            }
        }, 512 << 10) { IsBackground = true, Name = "patient" }.Start();
        try { return await done.Task.WaitAsync(patience, time, ct).ConfigureAwait(false); }
        catch (TimeoutException e) when (!done.Task.IsCompleted) { throw new TimeoutException($"{key}: no answer within {patience.TotalSeconds:0.###} s", e); }

        void Let()
        {
            lock (_held) _held.Remove(key);
        }
    }
}
