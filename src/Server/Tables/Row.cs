using System.Buffers;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Codec;

namespace Hanbae.Server.Tables;

/// <summary>One row's cells as bytes with holes where ages go: made once per object, written many times.</summary>
sealed class Row
{
    readonly byte[] _cells;
    readonly (int At, long Since)[] _ages;

    Row(byte[] cells, (int, long)[] ages) => (_cells, _ages) = (cells, ages);

    /// <summary>Longer than any age.</summary>
    const int LongestAge = 32;

    /// <summary>So long is what <see cref="CopyTo"/> writes, at most.</summary>
    public int Most => _cells.Length + _ages.Length * LongestAge;

    /// <summary>Writes <c>"cells":[…],"conditions":[…],</c>; <c>conditions</c> only when there are any.</summary>
    /// <returns>How much.</returns>
    public int CopyTo(Span<byte> to, DateTimeOffset now)
    {
        int from = 0, written = 0;
        foreach (var (at, since) in _ages)
        {
            _cells.AsSpan(from, at - from).CopyTo(to[written..]);
            written += at - from;
            string age = HumanDuration.Of(new(now.UtcTicks - since));
            // Angle brackets as Go escapes them.
            if (age[0] == '<') age = "\\u003cinvalid\\u003e";
            written += Encoding.ASCII.GetBytes(age, to[written..]);
            from = at;
        }
        _cells.AsSpan(from).CopyTo(to[written..]);
        return written + _cells.Length - from;
    }

    public static Row Of(ITable table, IObject obj)
    {
        var writer = new Writer();
        table.Write(obj, writer);
        return writer.ToRow();
    }

    sealed class Writer : IRow
    {
        readonly ArrayBufferWriter<byte> _cells = new(256);
        readonly List<(int, long)> _ages = [];
        byte[]? _conditions;
        bool _any;

        public Row ToRow()
        {
            byte[] end = [.. "],"u8, .. _conditions ?? []];
            byte[] begin = [.. _any ? ""u8 : "\"cells\":["u8];
            return new([.. begin, .. _cells.WrittenSpan, .. end], [.. _ages]);
        }

        void Next()
        {
            _cells.Write(_any ? ","u8 : "\"cells\":["u8);
            _any = true;
        }

        public void Text(string value)
        {
            Next();
            Quoted(value, quotes: true);
        }

        void Quoted(string value, bool quotes)
        {
            var writer = new JsonWriter(value.Length + 16);
            writer.String(value);
            _cells.Write(quotes ? writer.Written : writer.Written[1..^1]);
            writer.Dispose();
        }

        public void Number(long value)
        {
            Next();
            Encoding.ASCII.GetBytes(value.ToString(System.Globalization.CultureInfo.InvariantCulture), _cells);
        }

        public void Number(double value)
        {
            Next();
            var writer = new JsonWriter(64);
            writer.Double(value);
            _cells.Write(writer.Written);
            writer.Dispose();
        }

        public void Bool(bool value)
        {
            Next();
            _cells.Write(value ? "true"u8 : "false"u8);
        }

        public void Null()
        {
            Next();
            _cells.Write("null"u8);
        }

        public void Age(DateTimeOffset? since)
        {
            if (since is { } time) TextWithAge("", time, "");
            else Text("<unknown>");
        }

        public void TextWithAge(string before, DateTimeOffset since, string after)
        {
            Next();
            _cells.Write("\""u8);
            Quoted(before, quotes: false);
            _ages.Add((_cells.WrittenCount, since.UtcTicks));
            Quoted(after, quotes: false);
            _cells.Write("\""u8);
        }

        public void Time(DateTimeOffset? value)
        {
            Next();
            var writer = new JsonWriter(64);
            writer.Time(value);
            _cells.Write(writer.Written);
            writer.Dispose();
        }

        public void Condition(string type, string status, string reason, string message)
        {
            var writer = new JsonWriter(256);
            writer.Raw(_conditions is null ? "\"conditions\":["u8 : _conditions.AsSpan(0, _conditions.Length - 2));
            if (_conditions is not null) writer.Byte((byte)',');
            writer.Raw("{\"type\":"u8); writer.String(type);
            writer.Raw(",\"status\":"u8); writer.String(status);
            if (reason.Length > 0) { writer.Raw(",\"reason\":"u8); writer.String(reason); }
            if (message.Length > 0) { writer.Raw(",\"message\":"u8); writer.String(message); }
            writer.Raw("}],"u8);
            _conditions = writer.ToArray();
            writer.Dispose();
        }
    }
}
