using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.DBus;

enum DBusKind : byte { Call = 1, Return = 2, Error = 3, Signal = 4 }

/// <summary>A message of D-Bus, as much of it as talking to logind and systemd needs: header, and a body of values, arrays and structs.</summary>
sealed record DBusMessage
{
    const byte Little = (byte)'l', Protocol = 1;
    const int HeaderStart = 12, MaxLength = 1 << 20; // far more than anything that is asked for here

    public required DBusKind Kind { get; init; }
    public uint Serial { get; init; }
    public uint ReplyTo { get; init; }
    public string Path { get; init; } = "";
    public string Interface { get; init; } = "";
    public string Member { get; init; } = "";
    public string Error { get; init; } = "";
    public string Destination { get; init; } = "";
    public string Sender { get; init; } = "";
    /// <summary>
    /// Of types <c>s</c>, <c>o</c>, <c>b</c>, <c>i</c>, <c>u</c>, <c>t</c>, <c>h</c>, arrays and structs of these (both <c>object[]</c>), and a <c>v</c>
    /// of <c>s</c>, <c>b</c>, <c>i</c>, <c>u</c>, <c>t</c> or <c>as</c>.
    /// </summary>
    public string Signature { get; init; } = "";
    public IReadOnlyList<object> Body { get; init; } = [];
    /// <summary>What <c>h</c> values of the body count into; whoever reads the message closes them.</summary>
    public IReadOnlyList<SafeFileHandle> Files { get; init; } = [];

    public byte[] ToBytes()
    {
        var body = new Writer();
        foreach (var (type, value) in Types(Signature).Zip(Body)) body.Value(type, value);
        var header = new Writer();
        header.Bytes([Little, (byte)Kind, 0, Protocol]);
        header.UInt32((uint)body.Length);
        header.UInt32(Serial);
        header.UInt32(0); // the length of the fields, once it is known
        Field(1, 'o', Path);
        Field(2, 's', Interface);
        Field(3, 's', Member);
        Field(4, 's', Error);
        if (ReplyTo != 0) Number(5, ReplyTo);
        Field(6, 's', Destination);
        Field(7, 's', Sender);
        Field(8, 'g', Signature);
        if (Files.Count > 0) Number(9, (uint)Files.Count);
        byte[] bytes = header.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(HeaderStart), (uint)(bytes.Length - HeaderStart - 4));
        header.Align(8);
        return [.. bytes, .. new byte[header.Length - bytes.Length], .. body.ToArray()];

        void Field(byte code, char type, string value)
        {
            if (value.Length == 0) return;
            header.Align(8);
            header.Bytes([code, 1, (byte)type, 0]);
            header.Value(type.ToString(), value);
        }

        void Number(byte code, uint value)
        {
            header.Align(8);
            header.Bytes([code, 1, (byte)'u', 0]);
            header.UInt32(value);
        }
    }

    /// <returns>How many bytes the message at the start has; null while that cannot be told yet.</returns>
    /// <exception cref="FormatException"/>
    public static int? LengthOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderStart + 4) return null;
        var reader = new Reader(bytes.ToArray(), bytes[0] == Little);
        long length = Aligned(HeaderStart + 4 + (long)reader.UInt32At(HeaderStart)) + reader.UInt32At(4);
        return length <= MaxLength && bytes[3] == Protocol ? (int)length : throw new FormatException("no D-Bus message");
    }

    /// <param name="bytes">A whole message.</param>
    /// <exception cref="FormatException"/>
    public static DBusMessage Read(byte[] bytes, IReadOnlyList<SafeFileHandle> files)
    {
        var reader = new Reader(bytes, bytes[0] == Little);
        int fields = HeaderStart + 4 + (int)reader.UInt32At(HeaderStart);
        var message = new DBusMessage { Kind = (DBusKind)bytes[1], Serial = reader.UInt32At(8), Files = files };
        reader.Skip(HeaderStart + 4);
        while (reader.At < fields)
        {
            reader.Align(8);
            byte code = reader.Byte();
            object value = reader.Variant();
            message = code switch
            {
                1 => message with { Path = (string)value }, 2 => message with { Interface = (string)value }, 3 => message with { Member = (string)value }, 4 => message with { Error = (string)value },
                5 => message with { ReplyTo = (uint)value }, 6 => message with { Destination = (string)value }, 7 => message with { Sender = (string)value }, 8 => message with { Signature = (string)value },
                _ => message,
            };
        }
        reader.Align(8);
        // A body of types that nothing here asks for is left alone.
        return message.Signature.All(c => "sobiuthva()".Contains(c)) ? message with { Body = [.. Types(message.Signature).Select(reader.Value)] } : message;
    }

    /// <summary>The complete types that a signature is made of: <c>sa(sv)</c> is <c>s</c> and <c>a(sv)</c>.</summary>
    /// <exception cref="FormatException"/>
    static List<string> Types(string signature)
    {
        var types = new List<string>();
        for (int at = 0; at < signature.Length;)
        {
            int end = End(at);
            types.Add(signature[at..end]);
            at = end;
        }
        return types;

        int End(int at)
        {
            if (at >= signature.Length) throw new FormatException("a D-Bus signature that ends too soon: " + signature);
            if (signature[at] == 'a') return End(at + 1);
            if (signature[at] != '(') return at + 1;
            for (at++; at < signature.Length && signature[at] != ')';) at = End(at);
            return at < signature.Length ? at + 1 : throw new FormatException("a D-Bus signature that ends too soon: " + signature);
        }
    }

    static int AlignmentOf(char type) => type switch { '(' or 't' => 8, 'g' or 'v' => 1, _ => 4 };

    static long Aligned(long at) => (at + 7) / 8 * 8;

    sealed class Writer
    {
        readonly MemoryStream _bytes = new();

        public int Length => (int)_bytes.Length;
        public byte[] ToArray() => _bytes.ToArray();
        public void Bytes(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

        public void Align(int to)
        {
            while (_bytes.Length % to != 0) _bytes.WriteByte(0);
        }

        public void UInt32(uint value)
        {
            Align(4);
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
            Bytes(bytes);
        }

        public void Value(string type, object value)
        {
            switch (type[0])
            {
                case 'a':
                    UInt32(0); // the length, once it is known
                    int length = Length;
                    Align(AlignmentOf(type[1])); // not part of it
                    int start = Length;
                    foreach (object item in (IEnumerable<object>)value) Value(type[1..], item);
                    Span<byte> size = stackalloc byte[4];
                    BinaryPrimitives.WriteUInt32LittleEndian(size, (uint)(Length - start));
                    (_bytes.Position, int end) = (length - 4, Length);
                    Bytes(size);
                    _bytes.Position = end;
                    break;
                case '(':
                    Align(8);
                    foreach (var (inner, item) in Types(type[1..^1]).Zip((object[])value)) Value(inner, item);
                    break;
                case 's' or 'o':
                    byte[] text = Encoding.UTF8.GetBytes((string)value);
                    UInt32((uint)text.Length);
                    Bytes(text);
                    _bytes.WriteByte(0);
                    break;
                case 'g':
                    _bytes.WriteByte((byte)((string)value).Length);
                    Bytes(Encoding.UTF8.GetBytes((string)value));
                    _bytes.WriteByte(0);
                    break;
                case 'b': UInt32((bool)value ? 1u : 0); break;
                case 'i': UInt32((uint)(int)value); break;
                case 'u' or 'h': UInt32((uint)value); break;
                case 't':
                    Align(8);
                    Span<byte> bytes = stackalloc byte[8];
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)value);
                    Bytes(bytes);
                    break;
                case 'v':
                    string of = value switch { string => "s", bool => "b", int => "i", uint => "u", string[] => "as", _ => "t" };
                    Value("g", of);
                    Value(of, value);
                    break;
                default: throw new FormatException($"D-Bus type {type}");
            }
        }
    }

    sealed class Reader(byte[] bytes, bool little)
    {
        public int At { get; private set; }

        public void Skip(int to) => At = to;

        public void Align(int to) => At = (At + to - 1) / to * to;

        public byte Byte() => At < bytes.Length ? bytes[At++] : throw new FormatException("a D-Bus message that ends too soon");

        public uint UInt32At(int at) =>
            at + 4 > bytes.Length ? throw new FormatException("a D-Bus message that ends too soon")
            : little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at)) : BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));

        uint UInt32()
        {
            Align(4);
            At += 4;
            return UInt32At(At - 4);
        }

        string Text(int length)
        {
            if (length < 0 || At + length >= bytes.Length) throw new FormatException("a D-Bus message that ends too soon");
            string text = Encoding.UTF8.GetString(bytes, At, length);
            At += length + 1;
            return text;
        }

        public object Value(string type)
        {
            switch (type[0])
            {
                case 'a':
                    int length = (int)UInt32();
                    Align(AlignmentOf(type[1]));
                    if (length < 0 || At + length > bytes.Length) throw new FormatException("a D-Bus message that ends too soon");
                    var items = new List<object>();
                    for (int end = At + length; At < end;) items.Add(Value(type[1..]));
                    return items.ToArray();
                case '(':
                    Align(8);
                    return Types(type[1..^1]).Select(Value).ToArray();
                case 's' or 'o': return Text((int)UInt32());
                case 'g': return Text(Byte());
                case 'b': return UInt32() != 0;
                case 'i': return (int)UInt32();
                case 'u' or 'h': return UInt32();
                case 'v': return Variant();
                case 't':
                    Align(8);
                    ulong first = UInt32(), second = UInt32();
                    return little ? second << 32 | first : first << 32 | second;
                default: throw new FormatException($"D-Bus type {type}");
            }
        }

        public object Variant() => Value(Types(Text(Byte())) is [var type] ? type : throw new FormatException("a D-Bus variant of more than one type"));
    }
}
