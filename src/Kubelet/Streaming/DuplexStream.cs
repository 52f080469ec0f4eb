namespace Hanbae.Kubelet.Streaming;

/// <summary>One bidirectional byte stream of a streaming connection whose sending half can end on its own.</summary>
/// <remarks>Asynchronous only: there is a network and a shared connection below, a blocking call would hold a thread for as long as a shell is open.</remarks>
public abstract class DuplexStream : Stream
{
    /// <summary>Tells the peer that no more bytes follow; reading goes on. Harmless when repeated.</summary>
    public abstract ValueTask CompleteWritesAsync(CancellationToken ct);

    /// <summary>Throws away what the peer still sends, so that one stream nobody reads cannot stop the connection.</summary>
    public abstract void StopReading();

    /// <summary>Whether the peer gave the stream up. Reading then merely ends, as in moby, whose servers reset streams after their last byte.</summary>
    public virtual bool WasReset => false;

    /// <summary>Gives both halves up; the peer sees an error rather than an end where the protocol can tell.</summary>
    public abstract ValueTask AbortAsync(CancellationToken ct);

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);
    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("streams of a streaming connection are asynchronous");
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("streams of a streaming connection are asynchronous");
    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
