using System.Buffers.Binary;

namespace Hanbae.Kubelet.Streaming.Spdy;

/// <summary>The control frames of SPDY/3 by their numbers.</summary>
internal enum SpdyType : ushort { SynStream = 1, SynReply = 2, RstStream = 3, Settings = 4, Ping = 6, GoAway = 7, Headers = 8, WindowUpdate = 9 }

/// <summary>Why a stream was reset, by SPDY/3's numbers.</summary>
internal enum SpdyReset { ProtocolError = 1, InvalidStream = 2, RefusedStream = 3, Cancel = 5, InternalError = 6 }

/// <summary>The eight bytes every frame begins with.</summary>
/// <param name="Type">Zero for a data frame.</param>
/// <param name="StreamId">Of a data frame only; control frames carry theirs in the body.</param>
internal readonly record struct SpdyFrameHead(SpdyType Type, int StreamId, byte Flags, int Length)
{
    public const int Size = 8;
    public const byte Fin = 1;

    public bool IsData => Type == 0;
    public bool IsLast => (Flags & Fin) != 0;

    public static SpdyFrameHead Parse(ReadOnlySpan<byte> bytes)
    {
        uint first = BinaryPrimitives.ReadUInt32BigEndian(bytes), second = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        var (flags, length) = ((byte)(second >> 24), (int)(second & 0xffffff));
        if ((first & 0x8000_0000) == 0) return new(0, (int)first, flags, length);
        if ((first >> 16 & 0x7fff) != 3) throw new InvalidDataException($"SPDY version {first >> 16 & 0x7fff} is not 3");
        return (first & 0xffff) is not 0 and var type ? new((SpdyType)type, 0, flags, length) : throw new InvalidDataException("SPDY frame type 0");
    }

    public void Write(Span<byte> into)
    {
        BinaryPrimitives.WriteUInt32BigEndian(into, IsData ? (uint)StreamId : 0x8003_0000u | (ushort)Type);
        BinaryPrimitives.WriteUInt32BigEndian(into[4..], (uint)Flags << 24 | (uint)Length);
    }
}
