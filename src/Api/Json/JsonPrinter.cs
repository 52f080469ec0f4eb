using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Hanbae.Api.Json;

/// <summary>How a <see cref="JsonValue"/> is written.</summary>
[Flags]
public enum JsonStyle
{
    /// <summary>Members in their order, numbers by their literal.</summary>
    AsWritten = 0,
    /// <summary>Members by name, as Go writes maps: what custom objects look like on the wire.</summary>
    SortKeys = 1,
    /// <summary>Doubles as Go prints them, whatever the literal was: <c>1.0</c> becomes <c>1</c>.</summary>
    GoNumbers = 2,
}

/// <summary>Writes <see cref="JsonValue"/> as compact UTF-8 with the escapes of Go's encoding/json.</summary>
public static class JsonPrinter
{
    static readonly SearchValues<char> _attention = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(i => (char)i), '"', '\\', '<', '>', '&', '\u2028', '\u2029']);

    public static byte[] ToUtf8(JsonValue value, JsonStyle style = JsonStyle.AsWritten)
    {
        var sink = new Sink(null, ArrayPool<byte>.Shared.Rent(4096));
        try
        {
            sink.Value(value, style);
            return sink.Written.ToArray();
        }
        finally { ArrayPool<byte>.Shared.Return(sink.Rented!); }
    }

    public static void Write(JsonValue value, IBufferWriter<byte> to, JsonStyle style = JsonStyle.AsWritten)
    {
        var sink = new Sink(to, null);
        sink.Value(value, style);
        sink.Flush();
    }

    /// <summary>Collects bytes in spans of the writer, or in one growing rented array when there is none.</summary>
    ref struct Sink
    {
        readonly IBufferWriter<byte>? _to;
        Span<byte> _free;
        int _at;
        public byte[]? Rented;

        public Sink(IBufferWriter<byte>? to, byte[]? rented)
        {
            _to = to;
            Rented = rented;
            _free = to is null ? rented : to.GetSpan(256);
        }

        public readonly ReadOnlySpan<byte> Written => _free[.._at];

        public void Flush() => _to!.Advance(_at);

        void Need(int bytes)
        {
            if (_free.Length - _at >= bytes) return;
            if (_to is not null)
            {
                _to.Advance(_at);
                _free = _to.GetSpan(Math.Max(bytes, 256));
                _at = 0;
                return;
            }
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_free.Length * 2, _at + bytes));
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(Rented!);
            _free = Rented = larger;
        }

        void Byte(byte b)
        {
            if (_at >= _free.Length) Need(1);
            _free[_at++] = b;
        }

        void Bytes(scoped ReadOnlySpan<byte> bytes)
        {
            Need(bytes.Length);
            bytes.CopyTo(_free[_at..]);
            _at += bytes.Length;
        }

        public void Value(JsonValue value, JsonStyle style)
        {
            switch (value)
            {
                case JsonString s: Text(s.Value); break;
                case JsonObject o: Object(o, style); break;
                case JsonArray a: Array(a, style); break;
                case JsonNumber n: Number(n, style); break;
                case JsonBool b: Bytes(b.Value ? "true"u8 : "false"u8); break;
                default: Bytes("null"u8); break;
            }
        }

        void Object(JsonObject o, JsonStyle style)
        {
            ReadOnlySpan<JsonMember> members = o.Members.AsSpan();
            Byte((byte)'{');
            if ((style & JsonStyle.SortKeys) == 0 || Sorted(members))
            {
                for (int i = 0; i < members.Length; i++) Member(members[i], i, style);
            }
            else if (members.Length <= 32) SmallSorted(members, style);
            else
            {
                JsonMember[] sorted = members.ToArray();
                sorted.AsSpan().Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
                for (int i = 0; i < sorted.Length; i++) Member(sorted[i], i, style);
            }
            Byte((byte)'}');
        }

        /// <summary>Sorts places rather than members: nothing to rent, nothing to clear.</summary>
        void SmallSorted(ReadOnlySpan<JsonMember> members, JsonStyle style)
        {
            Span<byte> order = stackalloc byte[members.Length];
            for (int i = 0; i < members.Length; i++)
            {
                int at = i;
                for (; at > 0 && string.CompareOrdinal(members[order[at - 1]].Name, members[i].Name) > 0; at--) order[at] = order[at - 1];
                order[at] = (byte)i;
            }
            for (int i = 0; i < order.Length; i++) Member(members[order[i]], i, style);
        }

        void Member(in JsonMember member, int place, JsonStyle style)
        {
            if (place > 0) Byte((byte)',');
            Text(member.Name);
            Byte((byte)':');
            Value(member.Value, style);
        }

        static bool Sorted(ReadOnlySpan<JsonMember> members)
        {
            for (int i = 1; i < members.Length; i++)
                if (string.CompareOrdinal(members[i - 1].Name, members[i].Name) > 0) return false;
            return true;
        }

        void Array(JsonArray a, JsonStyle style)
        {
            Byte((byte)'[');
            for (int i = 0; i < a.Count; i++)
            {
                if (i > 0) Byte((byte)',');
                Value(a.Items[i], style);
            }
            Byte((byte)']');
        }

        void Number(JsonNumber n, JsonStyle style)
        {
            Need(GoFloat.MaxLength);
            if (n.IsInteger)
            {
                Utf8Formatter.TryFormat(n.Int64, _free[_at..], out int written);
                _at += written;
            }
            else if (n.Raw is { } raw && (style & JsonStyle.GoNumbers) == 0)
            {
                Need(raw.Length);
                _at += Encoding.ASCII.GetBytes(raw, _free[_at..]);
            }
            else
            {
                Span<char> chars = stackalloc char[GoFloat.MaxLength];
                int length = n.FormatGo(chars);
                _at += Encoding.ASCII.GetBytes(chars[..length], _free[_at..]);
            }
        }

        void Text(string text)
        {
            Byte((byte)'"');
            ReadOnlySpan<char> rest = text;
            while (true)
            {
                int stop = rest.IndexOfAny(_attention);
                var clean = stop < 0 ? rest : rest[..stop];
                Need(clean.Length * 3);
                _at += Encoding.UTF8.GetBytes(clean, _free[_at..]);
                if (stop < 0) break;
                Escape(rest[stop]);
                rest = rest[(stop + 1)..];
            }
            Byte((byte)'"');
        }

        void Escape(char c)
        {
            switch (c)
            {
                case '"': Bytes("\\\""u8); break;
                case '\\': Bytes("\\\\"u8); break;
                case '\b': Bytes("\\b"u8); break;
                case '\f': Bytes("\\f"u8); break;
                case '\n': Bytes("\\n"u8); break;
                case '\r': Bytes("\\r"u8); break;
                case '\t': Bytes("\\t"u8); break;
                default:
                    Bytes("\\u"u8);
                    Need(4);
                    Utf8Formatter.TryFormat((ushort)c, _free[_at..], out int n, new StandardFormat('x', 4));
                    _at += n;
                    break;
            }
        }
    }
}
