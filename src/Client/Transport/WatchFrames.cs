using System.Buffers;
using System.Buffers.Binary;

namespace Hanbae.Client;

/// <summary>Cuts the body of a watch into events: lines of JSON, or protobuf messages behind their lengths (four bytes, big-endian).</summary>
/// <param name="lengths">Messages behind lengths, not lines.</param>
sealed class WatchFrames(Stream body, bool lengths) : IDisposable
{
    /// <summary>No object is larger: servers do not store them.</summary>
    const int Largest = 64 << 20;

    byte[] _buffer = ArrayPool<byte>.Shared.Rent(32 << 10);
    int _start, _end, _searched;

    /// <returns>The next event, valid until the next call; null at the end. What is left unfinished at the end is dropped: the watch broke.</returns>
    public async ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken ct)
    {
        while (true)
        {
            if (Cut() is { } frame)
            {
                if (frame.Length > 0) return frame;
                continue;
            }
            MakeRoom();
            int read = await body.ReadAsync(_buffer.AsMemory(_end), ct);
            if (read == 0) return null;
            _end += read;
        }
    }

    ReadOnlyMemory<byte>? Cut()
    {
        var unread = _buffer.AsSpan(_start.._end);
        if (lengths)
        {
            if (unread.Length < 4) return null;
            uint length = BinaryPrimitives.ReadUInt32BigEndian(unread);
            if (length > Largest) throw new InvalidDataException($"watch event of {length} bytes");
            if (unread.Length - 4 < length) return null;
            var frame = _buffer.AsMemory(_start + 4, (int)length);
            _start += 4 + (int)length;
            return frame;
        }
        int end = unread[_searched..].IndexOf((byte)'\n');
        if (end < 0) { _searched = unread.Length; return null; }
        end += _searched;
        var line = _buffer.AsMemory(_start, end);
        _start += end + 1;
        _searched = 0;
        return line;
    }

    void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end < _buffer.Length) return;
        if (_buffer.Length > Largest) throw new InvalidDataException($"watch event of more than {Largest} bytes");
        byte[] larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.AsSpan(0, _end).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
