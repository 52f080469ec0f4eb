using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Hanbae.Dns.Wire;

/// <summary>Reads queries and answers (RFC 1035, EDNS0 of RFC 6891). Whatever comes in, it ends: compression may only point backwards.</summary>
internal static class DnsReader
{
    /// <summary>Characters of 255 bytes on the wire: without the first length and the last zero.</summary>
    const int LongestName = 253;
    const int Header = 12, SmallestDatagram = 512, LargestDatagram = 4096;
    /// <summary>Stands for a dot inside of a label (as in the names of DNS-SD), so that names can be told as texts with dots between labels.</summary>
    internal const char InnerDot = '\uFF0E';

    /// <returns>Null when the bytes are no query with one question.</returns>
    public static Query? Read(ReadOnlySpan<byte> message)
    {
        if (message.Length < Header) return null;
        ushort id = BinaryPrimitives.ReadUInt16BigEndian(message), flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        bool response = (flags & 0x8000) != 0, plain = (flags & 0x7800) == 0;
        if (response || !plain || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1) return null;
        int at = Header;
        if (Name(message, ref at) is not { } name || at + 4 > message.Length) return null;
        var type = (RecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        at += 4;
        bool edns = Edns(message, at, out int size);
        return new(id, (flags & 0x0100) != 0, new(name.ToLowerInvariant(), name, type), edns ? Math.Clamp(size, SmallestDatagram, LargestDatagram) : SmallestDatagram, edns);
    }

    /// <summary>What those are told who ask what cannot be read, or for something else than a name; null when it is no question at all, and nobody is to be told anything.</summary>
    public static byte[]? Refusal(ReadOnlySpan<byte> message)
    {
        if (message.Length < Header || (message[2] & 0x80) != 0) return null;
        byte[] answer = new byte[Header];
        message[..2].CopyTo(answer);
        answer[2] = (byte)(0x80 | (message[2] & 0x79));
        answer[3] = (byte)((message[2] & 0x78) != 0 ? ResponseCode.NotImplemented : ResponseCode.FormatError);
        return answer;
    }

    /// <summary>The addresses and aliases that another server answered with; null when the bytes are no answer.</summary>
    public static (ResponseCode Code, ImmutableArray<Record> Records)? ReadAnswer(ReadOnlySpan<byte> message)
    {
        if (message.Length < Header || (message[2] & 0x80) == 0) return null;
        int at = Header;
        for (int questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]); questions > 0; questions--)
        {
            if (Name(message, ref at) is null || at + 4 > message.Length) return null;
            at += 4;
        }
        var records = ImmutableArray.CreateBuilder<Record>();
        for (int answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]); answers > 0; answers--)
        {
            if (Name(message, ref at) is not { } name || at + 10 > message.Length) return null;
            var type = (RecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
            uint ttl = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
            int length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]), data = at + 10;
            at = data + length;
            if (at > message.Length) return null;
            switch (type)
            {
                case RecordType.A when length == 4:
                case RecordType.Aaaa when length == 16:
                    records.Add(new(name, type, ttl, new RecordData.Address(new(message.Slice(data, length)))));
                    break;
                case RecordType.Cname:
                    if (Name(message, ref data) is { } target) records.Add(new(name, type, ttl, new RecordData.Alias(target)));
                    break;
            }
        }
        return ((ResponseCode)(message[3] & 0xF), records.ToImmutable());
    }

    static bool Edns(ReadOnlySpan<byte> message, int at, out int size)
    {
        size = 0;
        int answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]) + BinaryPrimitives.ReadUInt16BigEndian(message[8..]);
        int additional = BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        for (int i = 0; i < answers + additional; i++)
        {
            if (Name(message, ref at) is null || at + 10 > message.Length) return false;
            var type = (RecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
            size = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]);
            at += 10 + BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
            if (at > message.Length) return false;
            if (type == RecordType.Opt && i >= answers) return true;
        }
        return false;
    }

    static string? Name(ReadOnlySpan<byte> message, ref int at)
    {
        var text = new StringBuilder();
        int from = at, barrier = at;
        bool jumped = false;
        while (true)
        {
            if (from >= message.Length) return null;
            int length = message[from];
            if (length == 0) { if (!jumped) at = from + 1; return text.ToString(); }
            if ((length & 0xC0) == 0xC0)
            {
                if (from + 1 >= message.Length) return null;
                int target = (length & 0x3F) << 8 | message[from + 1];
                if (!jumped) at = from + 2;
                if (target >= barrier) return null;
                (jumped, barrier, from) = (true, target, target);
                continue;
            }
            if (length > 63 || from + 1 + length > message.Length || text.Length + 1 + length > LongestName + (text.Length == 0 ? 1 : 0)) return null;
            if (text.Length > 0) text.Append('.');
            foreach (byte b in message.Slice(from + 1, length)) text.Append(b == '.' ? InnerDot : (char)b);
            from += 1 + length;
        }
    }
}
