using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;

namespace Hanbae.Grpc.Wire;

/// <summary>Takes length-prefixed messages off an HTTP/2 body; both sides read with it.</summary>
/// <param name="limit">The largest message taken; a larger one is refused before any of it is buffered.</param>
internal sealed class FrameReader(Stream body, int limit) : IDisposable
{
    byte[] _buffer = ArrayPool<byte>.Shared.Rent(4096);
    int _start;
    int _end;

    /// <returns>The next message, or null at the orderly end of the body.</returns>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken ct) where T : class, IMessage<T>
    {
        if (!await FillAsync(Frame.HeaderSize, ct))
            return _start == _end ? null : throw Truncated();

        if (_buffer[_start] != 0)
            throw new GrpcException(GrpcStatus.Internal, "grpc: compressed flag set with identity or empty encoding");
        uint length = BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_start + 1));
        if (length > (uint)limit)
            throw new GrpcException(GrpcStatus.ResourceExhausted, $"grpc: received message larger than max ({length} vs. {limit})");

        _start += Frame.HeaderSize;
        if (!await FillAsync((int)length, ct)) throw Truncated();
        try
        {
            var message = parser.ParseFrom(_buffer, _start, (int)length);
            _start += (int)length;
            return message;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new GrpcException(GrpcStatus.Internal, "grpc: failed to unmarshal the received message: " + e.Message, e);
        }
    }

    public void Dispose()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _end = 0;
    }

    /// <returns>False when the body ended before <paramref name="count"/> bytes were there.</returns>
    async ValueTask<bool> FillAsync(int count, CancellationToken ct)
    {
        if (_end - _start >= count) return true;
        MakeRoom(count);
        while (_end - _start < count)
        {
            int read = await body.ReadAsync(_buffer.AsMemory(_end), ct);
            if (read == 0) return false;
            _end += read;
        }
        return true;
    }

    void MakeRoom(int count)
    {
        if (_start == _end) _start = _end = 0;
        if (_buffer.Length - _start >= count && _buffer.Length > _end) return;

        var target = _buffer.Length >= count && _start > 0 ? _buffer : ArrayPool<byte>.Shared.Rent(Math.Max(count, 4096));
        _buffer.AsSpan(_start, _end - _start).CopyTo(target);
        if (target != _buffer) ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _end, _start) = (target, _end - _start, 0);
    }

    static GrpcException Truncated() => new(GrpcStatus.Internal, "unexpected EOF");
}
