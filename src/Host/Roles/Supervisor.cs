using Microsoft.Extensions.Logging;

namespace Hanbae.Host.Roles;

/// <summary>Keeps the parts of the process running: what fails is logged once, waits, and starts again; what is stopped ends in reverse order.</summary>
public sealed partial class Supervisor(ILoggerFactory loggers, TimeProvider time) : IAsyncDisposable
{
    static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromSeconds(30), Settled = TimeSpan.FromMinutes(1);

    readonly Lock _gate = new();
    readonly List<(Task Task, CancellationTokenSource Stop)> _parts = [];
    readonly HashSet<string> _running = [];
    bool _ended;

    /// <param name="run">Runs until cancelled; returning earlier counts as a failure.</param>
    public void Run(string name, Func<CancellationToken, Task> run)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            var stop = new CancellationTokenSource();
            _parts.Add((Task.Run(() => KeepAsync(name, run, stop.Token)), stop));
        }
    }

    /// <summary>Whether it runs now, rather than waiting to start again.</summary>
    public bool Runs(string name) { lock (_gate) return _running.Contains(name); }

    async Task KeepAsync(string name, Func<CancellationToken, Task> run, CancellationToken ct)
    {
        var log = loggers.CreateLogger("hanbae." + name);
        var pause = FirstPause;
        while (!ct.IsCancellationRequested)
        {
            var started = time.GetUtcNow();
            try
            {
                lock (_gate) _running.Add(name);
                await run(ct);
                if (ct.IsCancellationRequested) return;
                Log.Ended(log, name, pause);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { return; }
            catch (Exception e) { Log.Failed(log, e, name, pause); }
            finally { lock (_gate) _running.Remove(name); }
            if (time.GetUtcNow() - started > Settled) pause = FirstPause;
            await Task.Delay(pause, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, pause.Ticks * 2));
        }
    }

    public async ValueTask DisposeAsync()
    {
        (Task Task, CancellationTokenSource Stop)[] parts;
        lock (_gate)
        {
            _ended = true;
            parts = [.. Enumerable.Reverse(_parts)];
            _parts.Clear();
        }
        foreach (var (task, stop) in parts)
        {
            await stop.CancelAsync();
            await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }
    }

    static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Warning, "{Part} ended by itself and starts again in {Pause}")]
        public static partial void Ended(ILogger logger, string part, TimeSpan pause);

        [LoggerMessage(1002, LogLevel.Error, "{Part} failed and starts again in {Pause}")]
        public static partial void Failed(ILogger logger, Exception e, string part, TimeSpan pause);
    }
}
