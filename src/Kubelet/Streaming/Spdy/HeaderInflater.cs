using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Hanbae.Kubelet.Streaming.Spdy;

/// <summary>Reads the header blocks a SPDY peer sends: one zlib stream across all blocks of a session.</summary>
/// <remarks>
/// .NET's zlib takes no preset dictionary. Its raw deflate does the same when it is first fed the dictionary as a stored
/// block, whose output is thrown away: what a dictionary is for is the window behind the first byte, and there it is.
/// </remarks>
internal sealed class HeaderInflater : IDisposable
{
    /// <summary>More than any client of the streaming protocols sends; what is larger ends the session.</summary>
    const int MaxBlock = 32 * 1024;

    readonly Feed _feed = new();
    DeflateStream? _inflate;

    public Dictionary<string, string> Read(ReadOnlySpan<byte> block)
    {
        if (_inflate is null) block = Open(block);
        _feed.Set(block);
        int left = MaxBlock;
        int count = ReadLength(ref left);
        var headers = new Dictionary<string, string>(Math.Min(count, 16), StringComparer.OrdinalIgnoreCase);
        for (int i = 0; i < count; i++)
        {
            var name = ReadText(ref left);
            headers[name] = ReadText(ref left);
        }
        // The sync flush that ends a block leaves an empty stored block to be swallowed.
        Span<byte> none = stackalloc byte[1];
        if (_inflate!.Read(none) != 0) throw new InvalidDataException("SPDY header block has bytes after its last header");
        return headers;
    }

    public void Dispose() => _inflate?.Dispose();

    ReadOnlySpan<byte> Open(ReadOnlySpan<byte> block)
    {
        if (block.Length < 2 || (block[0] & 0x0f) != 8 || (block[0] << 8 | block[1]) % 31 != 0)
            throw new InvalidDataException("SPDY header block is not zlib");
        bool dictionary = (block[1] & 0x20) != 0;
        block = block[2..];
        _inflate = new DeflateStream(_feed, CompressionMode.Decompress);
        if (!dictionary) return block;

        if (block.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(block) != SpdyDictionary.Id)
            throw new InvalidDataException("SPDY header block wants an unknown dictionary");
        var words = SpdyDictionary.Bytes.Span;
        var stored = new byte[5 + words.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(stored.AsSpan(1), (ushort)words.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(stored.AsSpan(3), (ushort)~words.Length);
        words.CopyTo(stored.AsSpan(5));
        _feed.Set(stored);
        _inflate.ReadExactly(new byte[words.Length]);
        return block[4..];
    }

    int ReadLength(ref int left)
    {
        Span<byte> four = stackalloc byte[4];
        Take(four, ref left);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(four);
        return length <= (uint)left ? (int)length : throw new InvalidDataException($"SPDY header block is larger than {MaxBlock} bytes");
    }

    string ReadText(ref int left)
    {
        var bytes = new byte[ReadLength(ref left)];
        Take(bytes, ref left);
        return Encoding.UTF8.GetString(bytes);
    }

    void Take(Span<byte> into, ref int left)
    {
        if ((left -= into.Length) < 0) throw new InvalidDataException($"SPDY header block is larger than {MaxBlock} bytes");
        if (_inflate!.ReadAtLeast(into, into.Length, throwOnEndOfStream: false) < into.Length)
            throw new InvalidDataException("SPDY header block ends early");
    }

    /// <summary>What arrived so far; "nothing more for now" is read as an end that later turns out not to be one, which deflate accepts.</summary>
    sealed class Feed : Stream
    {
        byte[] _bytes = [];
        int _at;

        public void Set(ReadOnlySpan<byte> bytes)
        {
            if (_at < _bytes.Length) throw new InvalidDataException("SPDY header block ends the compressed stream");
            (_bytes, _at) = (bytes.ToArray(), 0);
        }

        public override int Read(Span<byte> buffer)
        {
            int n = Math.Min(buffer.Length, _bytes.Length - _at);
            _bytes.AsSpan(_at, n).CopyTo(buffer);
            _at += n;
            return n;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override bool CanRead => true;
        public override bool CanWrite => false;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
