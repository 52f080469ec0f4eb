using System.Buffers.Binary;
using System.Text;

namespace Hanbae.Kubelet.Streaming.Spdy;

/// <summary>The bytes both ends of SPDY/3 agree to prime their header compression with.</summary>
/// <remarks>A constant of the protocol (SPDY draft 3, section 2.6.10.1): frequent words each after its 32-bit length, then plain text.</remarks>
internal static class SpdyDictionary
{
    /// <summary>The Adler-32 that a zlib header names the dictionary with.</summary>
    public const uint Id = 0xe3c6a7c2;

    const string Words =
        "options|head|post|put|delete|trace|accept|accept-charset|accept-encoding|accept-language|accept-ranges|age|allow|" +
        "authorization|cache-control|connection|content-base|content-encoding|content-language|content-length|content-location|" +
        "content-md5|content-range|content-type|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|" +
        "if-range|if-unmodified-since|last-modified|location|max-forwards|pragma|proxy-authenticate|proxy-authorization|range|" +
        "referer|retry-after|server|te|trailer|transfer-encoding|upgrade|user-agent|vary|via|warning|www-authenticate|method|" +
        "get|status|200 OK|version|HTTP/1.1|url|public|set-cookie|keep-alive|origin";

    const string Text =
        "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
        "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden" +
        "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable" +
        "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT" +
        "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public" +
        "privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

    public static ReadOnlyMemory<byte> Bytes { get; } = Compose();

    static byte[] Compose()
    {
        using var all = new MemoryStream();
        Span<byte> length = stackalloc byte[4];
        foreach (var word in Words.Split('|'))
        {
            BinaryPrimitives.WriteInt32BigEndian(length, word.Length);
            all.Write(length);
            all.Write(Encoding.ASCII.GetBytes(word));
        }
        all.Write(Encoding.ASCII.GetBytes(Text));
        return all.ToArray();
    }
}
