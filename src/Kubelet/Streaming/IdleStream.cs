namespace Hanbae.Kubelet.Streaming;

/// <summary>Ends a connection over which nothing has moved for too long (<c>streamingConnectionIdleTimeout</c>).</summary>
/// <remarks>As upstream any traffic counts, so that a client which sends pings is never idle.</remarks>
internal sealed class IdleStream : Stream
{
    readonly Stream _inner;
    readonly TimeSpan _bound;
    readonly TimeProvider _time;
    readonly CancellationTokenSource _idle = new();
    readonly ITimer _timer;
    long _last;

    public IdleStream(Stream inner, TimeSpan bound, TimeProvider time)
    {
        (_inner, _bound, _time, _last) = (inner, bound, time, time.GetTimestamp());
        _timer = time.CreateTimer(_ => Look(), null, bound > TimeSpan.Zero ? bound : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _idle.Token);
        try { return await _inner.ReadAsync(buffer, either.Token).ConfigureAwait(false); }
        catch (OperationCanceledException e) when (_idle.IsCancellationRequested) { throw new IOException($"connection was idle for {_bound}", e); }
        finally { Touch(); }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _inner.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        Touch();
    }

    public override async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _inner.DisposeAsync().ConfigureAwait(false);
    }

    void Touch() => Volatile.Write(ref _last, _time.GetTimestamp());

    // The timer is not set anew for every byte that moves: it looks when it fires how long there was silence.
    void Look()
    {
        var left = _bound - _time.GetElapsedTime(Volatile.Read(ref _last));
        if (left <= TimeSpan.Zero) _idle.Cancel();
        else _timer.Change(left, Timeout.InfiniteTimeSpan);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _timer.Dispose();
        _inner.Dispose();
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
