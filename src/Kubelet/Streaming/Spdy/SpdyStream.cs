using System.Buffers;

namespace Hanbae.Kubelet.Streaming.Spdy;

/// <summary>One stream of a SPDY session.</summary>
public sealed class SpdyStream : DuplexStream
{
    readonly SpdySession _session;
    readonly InboundBuffer _inbound = new();
    readonly TaskCompletionSource _replied = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _finSent;
    volatile bool _reset, _resetByPeer, _finReceived;

    internal SpdyStream(SpdySession session, int id, IReadOnlyDictionary<string, string> headers) => (_session, Id, Headers) = (session, id, headers);

    public int Id { get; }

    /// <summary>What the opener said of the stream; names compare without case.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Done when SYN_REPLY went over the wire, whichever way; fails when the stream was refused. moby drops data that outruns it.</summary>
    internal Task Replied => _replied.Task;

    public override bool WasReset => _resetByPeer;

    internal bool IsFinished => _reset || (_finReceived && Volatile.Read(ref _finSent) != 0);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _inbound.ReadAsync(buffer, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await Replied.WaitAsync(cancellationToken).ConfigureAwait(false);
        while (!buffer.IsEmpty)
        {
            if (_reset || Volatile.Read(ref _finSent) != 0) throw new IOException(_reset ? $"SPDY stream {Id} was reset" : $"SPDY stream {Id} is closed for writing");
            int n = Math.Min(buffer.Length, SpdySession.MaxDataSent);
            await _session.SendDataAsync(Id, buffer[..n], last: false, cancellationToken).ConfigureAwait(false);
            buffer = buffer[n..];
        }
    }

    public override async ValueTask CompleteWritesAsync(CancellationToken ct)
    {
        if (_reset || Interlocked.Exchange(ref _finSent, 1) != 0) return;
        await Replied.WaitAsync(ct).ConfigureAwait(false);
        await _session.SendDataAsync(Id, default, last: true, ct).ConfigureAwait(false);
        _session.ForgetFinished(this);
    }

    public override void StopReading() => _inbound.Discard();

    public override async ValueTask AbortAsync(CancellationToken ct)
    {
        StopReading();
        if (IsFinished) return;
        OnLost(new IOException($"SPDY stream {Id} was aborted"));
        _session.ForgetFinished(this);
        await _session.SendResetAsync(Id, SpdyReset.Cancel, ct).ConfigureAwait(false);
    }

    internal void OnReply() => _replied.TrySetResult();

    internal ValueTask OnDataAsync(ReadOnlySequence<byte> bytes, CancellationToken ct) => _inbound.ReceiveAsync(bytes, ct);

    internal void OnFin()
    {
        _finReceived = true;
        _inbound.End();
        _session.ForgetFinished(this);
    }

    internal void OnReset()
    {
        _resetByPeer = true;
        _inbound.End();
        OnLost(new IOException($"SPDY stream {Id} was reset by the peer"));
    }

    /// <summary>Nothing can be read or written any more, for a reason that has nothing to do with the peer's wishes.</summary>
    internal void OnLost(Exception why)
    {
        _reset = true;
        _inbound.End(why);
        if (_replied.TrySetException(why)) _ = _replied.Task.Exception; // seen: nobody need be waiting for the reply
    }
}
