using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Audit;

/// <summary>Sends events to a server: collected in batches beside the requests, or each one before its request goes on.</summary>
/// <remarks>Bound: <see cref="AuditWebhookOptions.Buffer"/> events wait; what comes then is dropped and counted, never waited for, as upstream.</remarks>
sealed partial class AuditWebhook : IAuditSink
{
    /// <summary>Upstream's: five tries, each half as long again after the one before.</summary>
    const int Tries = 5;
    const double Growth = 1.5;
    static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);

    readonly AuditWebhookOptions _options;
    readonly AuditCounts _counts;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly Channel<byte[]> _waiting;
    readonly CancellationTokenSource _stop = new();
    readonly Task _sending;

    public AuditWebhook(AuditWebhookOptions options, AuditCounts counts, TimeProvider time, ILogger log)
    {
        (_options, _counts, _time, _log) = (options, counts, time, log);
        // TryWrite alone is used: full means dropped.
        _waiting = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(options.Buffer) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _sending = options.Mode == AuditMode.Batch ? Task.Run(SendAllAsync) : Task.CompletedTask;
    }

    public async ValueTask<bool> WriteAsync(AuditEvent e, CancellationToken ct)
    {
        if (Truncation.Fit(e, _options.Truncate, typed: false) is not var (_, json))
        {
            _counts.Failed("truncate");
            return false;
        }
        if (_options.Mode != AuditMode.Batch) return await SendAsync([json], ct).ConfigureAwait(false);
        if (_waiting.Writer.TryWrite(json)) return true;
        _counts.Failed("buffered");
        return false;
    }

    async Task SendAllAsync()
    {
        var bucket = new TokenBucket(_options.BatchesPerSecond, _options.Burst, _time);
        byte[]? held = null;
        try
        {
            while (held is not null || await _waiting.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                (var batch, held) = await CollectAsync(held).ConfigureAwait(false);
                if (_options.Throttle) await bucket.TakeAsync(_stop.Token).ConfigureAwait(false);
                await SendAsync(batch, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
    }

    /// <summary>As many as fit and come in time; what did not fit is the first of the next.</summary>
    async Task<(List<byte[]> Batch, byte[]? Held)> CollectAsync(byte[]? first)
    {
        var batch = new List<byte[]>();
        long size = 0;
        if (first is not null) (batch, size) = ([first], first.Length);
        using var over = new CancellationTokenSource(_options.BatchWait, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, _stop.Token);
        while (batch.Count < _options.BatchSize)
        {
            if (!_waiting.Reader.TryRead(out byte[]? one))
            {
                // Nothing more will come, or not in time.
                try { if (!await _waiting.Reader.WaitToReadAsync(either.Token).ConfigureAwait(false)) break; }
                catch (OperationCanceledException) { break; }
                continue;
            }
            size += one.Length;
            if (_options.Truncate is { } bounds && size > bounds.MaxBatch && batch.Count > 0) return (batch, one);
            batch.Add(one);
        }
        return (batch, null);
    }

    async Task<bool> SendAsync(IReadOnlyList<byte[]> events, CancellationToken ct)
    {
        if (events.Count == 0) return true;
        byte[] list = ListOf(events);
        var pause = _options.InitialBackoff;
        for (int i = 1; ; i++)
        {
            WebhookAnswer answer;
            Exception? why = null;
            try { answer = await _options.Post(list, ct).ConfigureAwait(false); }
            catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException && !ct.IsCancellationRequested) { (answer, why) = (WebhookAnswer.TryAgain, e); }
            if (answer == WebhookAnswer.Taken) return true;
            if (answer == WebhookAnswer.Refused || i == Tries)
            {
                _counts.Failed("webhook", events.Count);
                Log.NotSent(_log, why, events.Count);
                return false;
            }
            await Task.Delay(pause * (1 + Random.Shared.NextDouble() * 0.2), _time, ct).ConfigureAwait(false);
            pause *= Growth;
        }
    }

    static byte[] ListOf(IReadOnlyList<byte[]> events)
    {
        using var list = new MemoryStream();
        list.Write("{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/v1\",\"metadata\":{},\"items\":["u8);
        for (int i = 0; i < events.Count; i++)
        {
            if (i > 0) list.WriteByte((byte)',');
            list.Write(events[i]);
        }
        list.Write("]}\n"u8);
        return list.ToArray();
    }

    /// <summary>What waits is sent, if the server takes it soon.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        _stop.CancelAfter(s_grace);
        await _sending.ConfigureAwait(false);
        _stop.Dispose();
    }

    static partial class Log
    {
        [LoggerMessage(2041, LogLevel.Error, "{Count} audit events could not be sent to the webhook")]
        public static partial void NotSent(ILogger logger, Exception? e, int count);
    }
}

/// <summary>So many a second, and some more at once after a quiet time.</summary>
sealed class TokenBucket(double perSecond, int burst, TimeProvider time)
{
    double _tokens = burst;
    long _at = time.GetTimestamp();

    /// <summary>For one caller at a time.</summary>
    public async ValueTask TakeAsync(CancellationToken ct)
    {
        while (true)
        {
            long now = time.GetTimestamp();
            _tokens = Math.Min(burst, _tokens + time.GetElapsedTime(_at, now).TotalSeconds * perSecond);
            _at = now;
            if (_tokens >= 1)
            {
                _tokens--;
                return;
            }
            await Task.Delay(TimeSpan.FromSeconds((1 - _tokens) / perSecond) + TimeSpan.FromMilliseconds(1), time, ct).ConfigureAwait(false);
        }
    }
}
