using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Hanbae.Kubelet.Streaming.Spdy;

/// <summary>Writes header blocks for a SPDY peer: one zlib stream across all blocks of a session, flushed after each.</summary>
/// <remarks>Without the preset dictionary: a zlib stream says in its header whether it uses one, and moby's reader believes it.</remarks>
internal sealed class HeaderDeflater : IDisposable
{
    readonly MemoryStream _out = new();
    readonly ZLibStream _deflate;

    public HeaderDeflater() => _deflate = new ZLibStream(_out, CompressionLevel.Fastest);

    public byte[] Write(IReadOnlyCollection<KeyValuePair<string, string>> headers)
    {
        Length(headers.Count);
        foreach (var (name, value) in headers)
        {
            // SPDY wants lower case on the wire; Go's reader raises it again.
            Text(name.ToLowerInvariant());
            Text(value);
        }
        _deflate.Flush();
        var block = _out.ToArray();
        _out.SetLength(0);
        return block;
    }

    public void Dispose() => _deflate.Dispose();

    void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Length(bytes.Length);
        _deflate.Write(bytes);
    }

    void Length(int length)
    {
        Span<byte> four = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(four, length);
        _deflate.Write(four);
    }
}
