using System.Buffers;
using System.IO.Pipelines;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Holds what a peer sent on one stream until somebody reads it, and stops the connection's reader when that is too much.</summary>
/// <remarks>
/// Neither moby's SPDY nor the channel subprotocols have flow control per stream, so TCP's is all there is: a full buffer
/// (64 KiB and at most one socket read beyond) pauses the whole connection, as upstream's does.
/// </remarks>
internal sealed class InboundBuffer
{
    const int Bound = 64 * 1024;

    readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: Bound, resumeWriterThreshold: Bound / 2, useSynchronizationContext: false));
    readonly Stream _reading;
    readonly Lock _ending = new();
    volatile bool _discard;
    bool _ended;
    Exception? _error;

    public InboundBuffer() => _reading = _pipe.Reader.AsStream();

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ct)
    {
        int n = await _reading.ReadAsync(buffer, ct).ConfigureAwait(false);
        if (n == 0 && buffer.Length > 0 && _error is { } error) throw error;
        return n;
    }

    /// <summary>Only the connection's reading loop calls this.</summary>
    public async ValueTask ReceiveAsync(ReadOnlySequence<byte> bytes, CancellationToken ct)
    {
        foreach (var part in bytes) await ReceiveAsync(part, ct).ConfigureAwait(false);
    }

    public async ValueTask ReceiveAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        lock (_ending)
        {
            if (_ended || _discard) return;
            _pipe.Writer.Write(bytes.Span);
        }
        await _pipe.Writer.FlushAsync(ct).ConfigureAwait(false);
    }

    /// <param name="error">What the reader gets once it has read all that came before; null is an orderly end.</param>
    public void End(Exception? error = null)
    {
        lock (_ending)
        {
            if (_ended) return;
            _ended = true;
            _error = error; // not the pipe's: that would throw away what was not read yet
            _pipe.Writer.Complete();
        }
    }

    public void Discard()
    {
        _discard = true;
        _pipe.Writer.CancelPendingFlush();
    }
}
