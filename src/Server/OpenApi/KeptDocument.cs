using System.IO.Compression;
using System.Security.Cryptography;

namespace Hanbae.Server.OpenApi;

/// <summary>A large document that few ask for: kept compressed, which is how clients take it.</summary>
sealed class KeptDocument
{
    KeptDocument(byte[] gzip, string hash) => (Gzip, Hash) = (gzip, hash);

    public ReadOnlyMemory<byte> Gzip { get; }
    /// <summary>Of the contents, in hexadecimal.</summary>
    public string Hash { get; }

    public static KeptDocument Of(ReadOnlySpan<byte> content)
    {
        using var to = new MemoryStream();
        using (var gzip = new GZipStream(to, CompressionLevel.Optimal)) gzip.Write(content);
        return new(to.ToArray(), System.Convert.ToHexString(SHA512.HashData(content)));
    }

    public byte[] Content()
    {
        using var from = new GZipStream(new MemoryStream(Gzip.ToArray()), CompressionMode.Decompress);
        using var to = new MemoryStream();
        from.CopyTo(to);
        return to.ToArray();
    }
}
