using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;

namespace Hanbae.Kubelet.Streaming.Spdy;

/// <summary>Many streams over one connection, in the part of SPDY/3.1 that Kubernetes uses.</summary>
/// <remarks>
/// As moby's implementation, which is at the other end of all these connections: no flow control (WINDOW_UPDATE and SETTINGS
/// are read and ignored, none are sent), so a stream nobody reads holds up the whole connection until it is read or stopped.
/// At most 1024 streams are open at once; the next is refused.
/// </remarks>
public sealed class SpdySession : IStreamConnection
{
    internal const int MaxDataSent = 32 * 1024;
    const int MaxControl = 64 * 1024, MaxStreams = 1024, ReadBuffer = 32 * 1024;

    readonly Stream _transport;
    readonly bool _server;
    readonly Func<SpdyStream, bool>? _accept;
    readonly ConcurrentDictionary<int, SpdyStream> _streams = new();
    readonly SemaphoreSlim _writing = new(1, 1);
    readonly byte[] _out = new byte[SpdyFrameHead.Size + MaxDataSent];
    readonly HeaderDeflater _deflater = new();
    readonly HeaderInflater _inflater = new();
    readonly CancellationTokenSource _closed = new(), _stop = new();
    Task _reading = Task.CompletedTask;
    int _nextId, _lastAccepted, _disposed;

    SpdySession(Stream transport, bool server, Func<SpdyStream, bool>? accept) =>
        (_transport, _server, _accept, _nextId) = (transport, server, accept, server ? 2 : 1);

    public CancellationToken Closed => _closed.Token;

    /// <param name="transport">Owned by the session from now on.</param>
    /// <param name="accept">Decides on each stream the peer opens, before it is replied to; must not block. Null refuses all.</param>
    public static SpdySession Start(Stream transport, bool server, Func<SpdyStream, bool>? accept)
    {
        var session = new SpdySession(transport, server, accept);
        session._reading = Task.Run(session.ReadFramesAsync);
        return session;
    }

    /// <summary>Opens a stream and waits until the peer has taken it.</summary>
    public async Task<SpdyStream> OpenAsync(IReadOnlyDictionary<string, string> headers, CancellationToken ct)
    {
        SpdyStream stream;
        await _writing.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_stop.IsCancellationRequested) throw new IOException("SPDY connection is closed");
            stream = new SpdyStream(this, _nextId, headers);
            _nextId += 2;
            _streams[stream.Id] = stream;
            var block = _deflater.Write(headers);
            var frame = new byte[SpdyFrameHead.Size + 10 + block.Length];
            new SpdyFrameHead(SpdyType.SynStream, 0, 0, 10 + block.Length).Write(frame);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(8), stream.Id);
            block.CopyTo(frame, SpdyFrameHead.Size + 10);
            await WriteAsync(frame).ConfigureAwait(false);
        }
        finally { _writing.Release(); }
        // The reading loop may have ended between the look at it and the entry in the table; then nobody would answer.
        if (Closed.IsCancellationRequested) stream.OnLost(new IOException("SPDY connection is closed"));
        try { await stream.Replied.WaitAsync(ct).ConfigureAwait(false); }
        catch (OperationCanceledException)
        {
            await stream.AbortAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
        return stream;
    }

    public async Task CloseAsync(TimeSpan linger)
    {
        foreach (var stream in _streams.Values) stream.StopReading();
        try { await _reading.WaitAsync(linger).ConfigureAwait(false); }
        catch (TimeoutException)
        {
            var body = new byte[8];
            BinaryPrimitives.WriteInt32BigEndian(body, _lastAccepted);
            // A peer that does not even read is not waited for a second time: stopping ends the write, too.
            _stop.CancelAfter(linger);
            try { await SendControlAsync(SpdyType.GoAway, body, _stop.Token).ConfigureAwait(false); }
            catch (Exception e) when (IsEnd(e)) { }
        }
        await DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (var stream in _streams.Values) stream.StopReading();
        await _transport.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        _inflater.Dispose();
        await _writing.WaitAsync().ConfigureAwait(false);
        _deflater.Dispose();
        _writing.Release();
    }

    internal void ForgetFinished(SpdyStream stream)
    {
        if (stream.IsFinished) _streams.TryRemove(stream.Id, out _);
    }

    internal async ValueTask SendDataAsync(int id, ReadOnlyMemory<byte> data, bool last, CancellationToken ct)
    {
        await _writing.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            new SpdyFrameHead(0, id, last ? SpdyFrameHead.Fin : (byte)0, data.Length).Write(_out);
            data.CopyTo(_out.AsMemory(SpdyFrameHead.Size));
            await WriteAsync(_out.AsMemory(0, SpdyFrameHead.Size + data.Length)).ConfigureAwait(false);
        }
        finally { _writing.Release(); }
    }

    internal ValueTask SendResetAsync(int id, SpdyReset why, CancellationToken ct)
    {
        var body = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(body, id);
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(4), (int)why);
        return SendControlAsync(SpdyType.RstStream, body, ct);
    }

    async ValueTask SendControlAsync(SpdyType type, ReadOnlyMemory<byte> body, CancellationToken ct)
    {
        var frame = new byte[SpdyFrameHead.Size + body.Length];
        new SpdyFrameHead(type, 0, 0, body.Length).Write(frame);
        body.CopyTo(frame.AsMemory(SpdyFrameHead.Size));
        await _writing.WaitAsync(ct).ConfigureAwait(false);
        try { await WriteAsync(frame).ConfigureAwait(false); }
        finally { _writing.Release(); }
    }

    async ValueTask SendReplyAsync(int id, CancellationToken ct)
    {
        await _writing.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var block = _deflater.Write([]);
            var frame = new byte[SpdyFrameHead.Size + 4 + block.Length];
            new SpdyFrameHead(SpdyType.SynReply, 0, 0, 4 + block.Length).Write(frame);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(8), id);
            block.CopyTo(frame, SpdyFrameHead.Size + 4);
            await WriteAsync(frame).ConfigureAwait(false);
        }
        finally { _writing.Release(); }
    }

    // A write is never abandoned half way for its caller's token: a torn frame would end every other stream too.
    async ValueTask WriteAsync(ReadOnlyMemory<byte> frame)
    {
        try { await _transport.WriteAsync(frame, _stop.Token).ConfigureAwait(false); }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            throw new IOException("SPDY connection is closed", e);
        }
    }

    async Task ReadFramesAsync()
    {
        var input = PipeReader.Create(_transport, new StreamPipeReaderOptions(bufferSize: ReadBuffer, leaveOpen: true));
        Exception? why = null;
        try
        {
            while (await ReadExactlyAsync(input, SpdyFrameHead.Size).ConfigureAwait(false) is { } bytes)
            {
                var head = SpdyFrameHead.Parse(bytes);
                if (head.IsData) await ReadDataAsync(input, head).ConfigureAwait(false);
                else await ReadControlAsync(input, head).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (IsEnd(e)) { why = e; }
        finally
        {
            await _closed.CancelAsync().ConfigureAwait(false);
            foreach (var stream in _streams.Values) stream.OnLost(new IOException("SPDY connection is closed", why));
        }
    }

    async ValueTask ReadDataAsync(PipeReader input, SpdyFrameHead head)
    {
        _streams.TryGetValue(head.StreamId, out var stream);
        for (int left = head.Length; left > 0;)
        {
            var result = await input.ReadAsync(_stop.Token).ConfigureAwait(false);
            if (result.Buffer.IsEmpty && result.IsCompleted) throw new EndOfStreamException();
            var part = result.Buffer.Slice(0, Math.Min(left, result.Buffer.Length));
            left -= (int)part.Length;
            // Data for a stream that is gone is dropped, as moby does: a reset may have crossed it.
            if (stream is not null) await stream.OnDataAsync(part, _stop.Token).ConfigureAwait(false);
            input.AdvanceTo(part.End);
        }
        if (head.IsLast) stream?.OnFin();
    }

    async ValueTask ReadControlAsync(PipeReader input, SpdyFrameHead head)
    {
        if (head.Length > MaxControl) throw new InvalidDataException($"SPDY control frame of {head.Length} bytes");
        var body = await ReadExactlyAsync(input, head.Length).ConfigureAwait(false) ?? throw new EndOfStreamException();
        switch (head.Type)
        {
            case SpdyType.SynStream: await OnSynStreamAsync(head, body).ConfigureAwait(false); break;
            case SpdyType.SynReply:
                // All blocks pass through the inflater, wanted or not: the next one continues where this one ends.
                _inflater.Read(body.AsSpan(4));
                if (_streams.TryGetValue(IdOf(body), out var opened))
                {
                    opened.OnReply();
                    if (head.IsLast) opened.OnFin();
                }
                break;
            case SpdyType.Headers:
                _inflater.Read(body.AsSpan(4));
                if (head.IsLast && _streams.TryGetValue(IdOf(body), out var ended)) ended.OnFin();
                break;
            case SpdyType.RstStream:
                if (_streams.TryRemove(IdOf(body), out var reset)) reset.OnReset();
                break;
            case SpdyType.Ping when (IdOf(body) & 1) == (_server ? 1 : 0):
                await SendControlAsync(SpdyType.Ping, body, _stop.Token).ConfigureAwait(false);
                break;
        }
    }

    async ValueTask OnSynStreamAsync(SpdyFrameHead head, byte[] body)
    {
        if (body.Length < 10) throw new InvalidDataException("SPDY SYN_STREAM is too short");
        int id = IdOf(body);
        var headers = _inflater.Read(body.AsSpan(10));
        if (id == 0 || (id & 1) != (_server ? 1 : 0) || id <= _lastAccepted)
        {
            await SendResetAsync(id, SpdyReset.ProtocolError, _stop.Token).ConfigureAwait(false);
            return;
        }
        _lastAccepted = id;
        var stream = new SpdyStream(this, id, headers);
        if (_streams.Count >= MaxStreams || _accept is null || !_accept(stream))
        {
            await SendResetAsync(id, SpdyReset.RefusedStream, _stop.Token).ConfigureAwait(false);
            return;
        }
        _streams[id] = stream;
        if (head.IsLast) stream.OnFin();
        await SendReplyAsync(id, _stop.Token).ConfigureAwait(false);
        stream.OnReply();
    }

    static int IdOf(byte[] body) =>
        body.Length >= 4 ? BinaryPrimitives.ReadInt32BigEndian(body) & int.MaxValue : throw new InvalidDataException("SPDY control frame is too short");

    async ValueTask<byte[]?> ReadExactlyAsync(PipeReader input, int count)
    {
        if (count == 0) return [];
        var result = await input.ReadAtLeastAsync(count, _stop.Token).ConfigureAwait(false);
        if (result.Buffer.Length < count) return result.Buffer.IsEmpty ? null : throw new EndOfStreamException();
        var bytes = result.Buffer.Slice(0, count).ToArray();
        input.AdvanceTo(result.Buffer.GetPosition(count));
        return bytes;
    }

    static bool IsEnd(Exception e) => e is IOException or OperationCanceledException or ObjectDisposedException or InvalidDataException or InvalidOperationException;
}
