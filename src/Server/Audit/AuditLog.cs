using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Audit;

/// <summary>Writes events to a file, a line each. One writer takes all that waits at once, so that requests share the disk's flushes.</summary>
/// <remarks>Bound: <see cref="AuditLogOptions.Buffer"/> events wait; then requests do, or in batch mode the event is dropped and counted.</remarks>
sealed partial class AuditLog : IAuditSink
{
    readonly AuditLogOptions _options;
    readonly ILogger _log;
    readonly AuditCounts _counts;
    readonly Channel<Pending> _waiting;
    readonly RotatingFile _file;
    readonly Task _writing;

    sealed record Pending(byte[] Line, TaskCompletionSource<bool>? Written);

    public AuditLog(AuditLogOptions options, AuditCounts counts, TimeProvider time, ILogger log)
    {
        (_options, _counts, _log) = (options, counts, log);
        _file = new(options, time);
        _waiting = Channel.CreateBounded<Pending>(new BoundedChannelOptions(options.Buffer) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _writing = Task.Run(WriteAllAsync);
    }

    public async ValueTask<bool> WriteAsync(AuditEvent e, CancellationToken ct)
    {
        if (Truncation.Fit(e, _options.Truncate, typed: true) is not var (fit, json))
        {
            _counts.Failed("truncate");
            return false;
        }
        byte[] line = _options.Legacy ? Encoding.UTF8.GetBytes(fit.ToLegacy() + "\n") : [.. json, (byte)'\n'];
        if (_options.Mode == AuditMode.Batch)
        {
            if (_waiting.Writer.TryWrite(new(line, null))) return true;
            _counts.Failed("buffered");
            return false;
        }
        var written = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        try { await _waiting.Writer.WriteAsync(new(line, written), CancellationToken.None).ConfigureAwait(false); }
        catch (ChannelClosedException) { return false; }
        // Not given up when the client leaves: what is begun is written.
        return await written.Task.ConfigureAwait(false);
    }

    async Task WriteAllAsync()
    {
        var batch = new List<Pending>();
        while (await _waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            while (batch.Count < 1000 && _waiting.Reader.TryRead(out var one)) batch.Add(one);
            bool written = false;
            try
            {
                foreach (var pending in batch) _file.Write(pending.Line);
                _file.Flush(toDisk: _options.Mode == AuditMode.BlockingStrict);
                written = true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _counts.Failed("log", batch.Count);
                Log.NotWritten(_log, e, _options.Path);
            }
            foreach (var pending in batch) pending.Written?.TrySetResult(written);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
        _file.Dispose();
    }

    static partial class Log
    {
        [LoggerMessage(2040, LogLevel.Error, "The audit log {Path} could not be written")]
        public static partial void NotWritten(ILogger logger, Exception e, string path);
    }
}
