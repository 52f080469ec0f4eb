using System.Net.WebSockets;

namespace Hanbae.Kubelet.Streaming.WebSockets;

/// <summary>A WebSocket as a plain byte stream in binary messages: what SPDY is tunnelled in (KEP-4006).</summary>
internal sealed class WebSocketByteStream(WebSocket socket) : Stream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (true)
            {
                var got = await socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (got.MessageType == WebSocketMessageType.Close) return 0;
                if (got.MessageType != WebSocketMessageType.Binary) throw new IOException("tunnelled SPDY arrived in a text message");
                if (got.Count > 0) return got.Count;
            }
        }
        catch (Exception e) when (e is WebSocketException or InvalidOperationException) { throw new IOException("WebSocket is closed", e); }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try { await socket.SendAsync(buffer, WebSocketMessageType.Binary, true, cancellationToken).ConfigureAwait(false); }
        catch (Exception e) when (e is WebSocketException or InvalidOperationException) { throw new IOException("WebSocket is closed", e); }
    }

    public override async ValueTask DisposeAsync()
    {
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            try { await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", patience.Token).ConfigureAwait(false); }
            catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException) { }
        }
        socket.Dispose();
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
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
