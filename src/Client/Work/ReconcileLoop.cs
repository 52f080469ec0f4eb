using Hanbae.Api;
using Hanbae.Api.Rest;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Client;

/// <summary>Runs a reconciler: caches to keys, keys to a queue, queue to workers.</summary>
/// <remarks>
/// Work begins when every cache the reconciler named is filled. A reconciler is never called twice at once for the same key. What it
/// throws is logged with the key and means: again, later, with growing delay; conflicts are too common to be worth more than a debug line.
/// Nor is it called for a key before the caches show what it wrote for it, by an <see cref="ApiClient"/>, the last time: a decision rests on
/// nothing older than the decision before it.
/// </remarks>
/// <param name="name">Of the queue: in logs and metrics.</param>
public sealed partial class ReconcileLoop(string name, IReconciler reconciler, TimeProvider time, ReconcileOptions? options = null, ILogger? logger = null)
{
    readonly ReconcileOptions _options = options ?? ReconcileOptions.Default;
    readonly ILogger _logger = logger ?? NullLogger.Instance;
    readonly OwnWrites _own = new(time);

    volatile WorkQueue<Key>? _queue;

    /// <summary>How many keys there are of which anything is remembered: that wait, failed, or whose writes caches do not show yet.</summary>
    internal int Remembered => _own.Count + (_queue?.Remembered ?? 0);
    /// <summary>The same without those that only wait for their time.</summary>
    internal int Unsettled => _own.Count + (_queue is { } queue ? queue.Remembered - queue.Delayed : 0);

    /// <summary>Until cancelled; work in hand is told so, and waited for.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var queue = new WorkQueue<Key>(name, time, _options.Retries);
        _queue = queue;
        using var triggers = new QueueTriggers(queue.Add) { Follow = _own };
        reconciler.Watch(triggers);
        try { await triggers.WhenSyncedAsync(ct); }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { return; }
        var workers = new Task[_options.Workers];
        // On the pool's threads, whatever context the caller has.
        for (int i = 0; i < workers.Length; i++) workers[i] = Task.Run(() => WorkAsync(queue, ct), CancellationToken.None);
        await Task.WhenAll(workers);
    }

    async Task WorkAsync(WorkQueue<Key> queue, CancellationToken ct)
    {
        try
        {
            while (await queue.WaitAsync(ct))
            {
                await _own.WhenCurrentAsync(ct);
                if (ct.IsCancellationRequested || !queue.TryTake(out var key)) continue;
                try { await OneAsync(queue, key, ct); }
                finally { queue.Done(key); }
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
    }

    async Task OneAsync(WorkQueue<Key> queue, Key key, CancellationToken ct)
    {
        Again again;
        try
        {
            if (await _own.WaitAsync(key, ct) is { } wait) { queue.AddAfter(key, wait); return; }
            _own.Begin(key);
            again = await reconciler.ReconcileAsync(key, ct);
        }
        catch (Exception) when (ct.IsCancellationRequested) { return; }
        catch (Exception e)
        {
            if (e is ApiException { IsConflict: true }) Log.Conflict(_logger, name, key.ToString(), e.Message);
            else Log.Failed(_logger, e, name, key.ToString(), queue.Retries(key) + 1);
            queue.AddRateLimited(key);
            return;
        }
        if (again == Again.WithBackoff) { queue.AddRateLimited(key); return; }
        queue.Forget(key);
        if (again.After is { } delay) queue.AddAfter(key, delay);
        else if (again.Time is { } at) queue.AddAfter(key, at - time.GetUtcNow());
    }

    static partial class Log
    {
        [LoggerMessage(3021, LogLevel.Error, "{Name}: {Key} failed (attempt {Attempt}): trying again later")]
        public static partial void Failed(ILogger logger, Exception e, string name, string key, int attempt);

        [LoggerMessage(3022, LogLevel.Debug, "{Name}: {Key} was changed meanwhile: trying again later ({Message})")]
        public static partial void Conflict(ILogger logger, string name, string key, string message);
    }
}

/// <summary>How a reconciler is run.</summary>
public sealed record ReconcileOptions
{
    /// <summary>Five workers, client-go's retries.</summary>
    public static ReconcileOptions Default { get; } = new();
    /// <summary>Keys worked on at once.</summary>
    public int Workers { get; init; } = 5;
    /// <summary>How long what failed has to wait.</summary>
    public RetryOptions Retries { get; init; } = RetryOptions.Default;
}
