using System.Buffers;
using System.Buffers.Text;
using System.Net.WebSockets;

namespace Hanbae.Kubelet.Streaming.WebSockets;

/// <summary>Several byte streams over one WebSocket: the first byte of each message names the channel.</summary>
/// <remarks>
/// The <c>channel.k8s.io</c> family. Binary messages carry the channel as a number, base64 ones as a digit before base64 text.
/// Only v5 can end a channel: message 255 followed by the channel. A message for an unknown channel is ignored, as upstream.
/// A message is passed on as its fragments arrive, so its size has no bound and needs none.
/// </remarks>
internal sealed class WebSocketChannels : IStreamConnection
{
    public const int MaxPayloadSent = 32 * 1024;
    const byte CloseChannel = 255;

    readonly WebSocket _socket;
    readonly bool _base64, _closable;
    readonly WebSocketChannel[] _channels;
    readonly SemaphoreSlim _writing = new(1, 1);
    readonly CancellationTokenSource _closed = new(), _stop = new();
    Task _reading = Task.CompletedTask;
    int _disposed;

    WebSocketChannels(WebSocket socket, bool base64, bool closable, int count)
    {
        (_socket, _base64, _closable) = (socket, base64, closable);
        _channels = [.. Enumerable.Range(0, count).Select(n => new WebSocketChannel(this, n))];
    }

    public CancellationToken Closed => _closed.Token;

    public WebSocketChannel this[int number] => _channels[number];

    /// <param name="closable">Whether the peer may end a channel by message 255 (v5).</param>
    public static WebSocketChannels Start(WebSocket socket, bool base64, bool closable, int count)
    {
        var channels = new WebSocketChannels(socket, base64, closable, count);
        channels._reading = Task.Run(channels.ReadMessagesAsync);
        return channels;
    }

    public async ValueTask SendAsync(int channel, ReadOnlyMemory<byte> payload, CancellationToken ct)
    {
        do
        {
            var part = payload[..Math.Min(payload.Length, MaxPayloadSent)];
            payload = payload[part.Length..];
            var message = ArrayPool<byte>.Shared.Rent(1 + (_base64 ? Base64.GetMaxEncodedToUtf8Length(part.Length) : part.Length));
            int length = 1 + part.Length;
            if (_base64)
            {
                message[0] = (byte)('0' + channel);
                Base64.EncodeToUtf8(part.Span, message.AsSpan(1), out _, out int written);
                length = 1 + written;
            }
            else
            {
                message[0] = (byte)channel;
                part.CopyTo(message.AsMemory(1));
            }
            await _writing.WaitAsync(ct).ConfigureAwait(false);
            try
            {
                // Not the caller's token: cancelling a send aborts the whole socket.
                await _socket.SendAsync(message.AsMemory(0, length), _base64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, true, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is WebSocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
            {
                throw new IOException("WebSocket is closed", e);
            }
            finally
            {
                _writing.Release();
                ArrayPool<byte>.Shared.Return(message);
            }
        }
        while (!payload.IsEmpty);
    }

    public async Task CloseAsync(TimeSpan linger)
    {
        foreach (var channel in _channels) channel.StopReading();
        using var patience = new CancellationTokenSource(linger);
        try
        {
            await _writing.WaitAsync(patience.Token).ConfigureAwait(false);
            try { await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", patience.Token).ConfigureAwait(false); }
            finally { _writing.Release(); }
            await _reading.WaitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (IsEnd(e)) { }
        await DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        foreach (var channel in _channels) channel.StopReading();
        await _stop.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await _reading.ConfigureAwait(false);
    }

    async Task ReadMessagesAsync()
    {
        var buffer = new byte[MaxPayloadSent];
        Exception? why = null;
        try
        {
            while (await ReadMessageAsync(buffer).ConfigureAwait(false)) { }
        }
        catch (Exception e) when (IsEnd(e)) { why = new IOException("WebSocket is closed", e); }
        finally
        {
            await _closed.CancelAsync().ConfigureAwait(false);
            foreach (var channel in _channels) channel.OnEnd(why);
        }
    }

    async ValueTask<bool> ReadMessageAsync(byte[] buffer)
    {
        int number = -1, kept = 0;
        bool last = false;
        while (!last)
        {
            var got = await _socket.ReceiveAsync(buffer.AsMemory(kept), _stop.Token).ConfigureAwait(false);
            if (got.MessageType == WebSocketMessageType.Close) return false;
            last = got.EndOfMessage;
            int have = kept + got.Count, from = 0;
            if (number < 0 && have > 0)
            {
                number = _base64 ? (byte)(buffer[0] - '0') : buffer[0];
                from = 1;
            }
            if (number == CloseChannel && _closable && have > from)
            {
                if (buffer[from] < _channels.Length) _channels[buffer[from]].OnEnd(null);
                have = from;
            }
            kept = await DeliverAsync(number, buffer, from, have, last).ConfigureAwait(false);
        }
        return true;
    }

    /// <returns>How many bytes at the start of the buffer wait for the rest of their base64 group.</returns>
    async ValueTask<int> DeliverAsync(int number, byte[] buffer, int from, int to, bool last)
    {
        if (number < 0 || number >= _channels.Length) return 0;
        int length = to - from;
        if (!_base64)
        {
            if (length > 0) await _channels[number].OnDataAsync(buffer.AsMemory(from, length), _stop.Token).ConfigureAwait(false);
            return 0;
        }
        int rest = last ? 0 : length % 4, whole = length - rest;
        Span<byte> tail = stackalloc byte[4];
        buffer.AsSpan(from + whole, rest).CopyTo(tail);
        var keep = tail[..rest].ToArray();
        if (Base64.DecodeFromUtf8InPlace(buffer.AsSpan(from, whole), out int decoded) != OperationStatus.Done) throw new InvalidDataException("illegal base64 data in a channel message");
        if (decoded > 0) await _channels[number].OnDataAsync(buffer.AsMemory(from, decoded), _stop.Token).ConfigureAwait(false);
        keep.CopyTo(buffer, 0);
        return rest;
    }

    static bool IsEnd(Exception e) => e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidDataException or InvalidOperationException;
}
