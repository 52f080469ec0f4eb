namespace Hanbae.Kubelet.Streaming.WebSockets;

/// <summary>One numbered channel of a WebSocket.</summary>
internal sealed class WebSocketChannel(WebSocketChannels owner, int number) : DuplexStream
{
    readonly InboundBuffer _inbound = new();
    volatile bool _finished;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _inbound.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_finished) throw new IOException($"channel {number} is closed for writing");
        return buffer.IsEmpty ? ValueTask.CompletedTask : owner.SendAsync(number, buffer, cancellationToken);
    }

    /// <summary>An empty message, by which upstream tells clients that the session is up.</summary>
    public ValueTask AnnounceAsync(CancellationToken ct) => owner.SendAsync(number, default, ct);

    /// <summary>Nothing goes over the wire: upstream's servers end their channels only by closing the socket.</summary>
    public override ValueTask CompleteWritesAsync(CancellationToken ct)
    {
        _finished = true;
        return ValueTask.CompletedTask;
    }

    public override void StopReading() => _inbound.Discard();

    public override ValueTask AbortAsync(CancellationToken ct)
    {
        StopReading();
        return CompleteWritesAsync(ct);
    }

    internal ValueTask OnDataAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct) => _inbound.ReceiveAsync(bytes, ct);

    internal void OnEnd(Exception? why) => _inbound.End(why);
}
