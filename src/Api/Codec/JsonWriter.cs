using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hanbae.Api.Codec;

/// <summary>Writes JSON into one growing buffer, in Go's form (field order, escapes of &lt;, &gt; and &amp;).</summary>
/// <remarks>
/// Every member is written as <c>,"name":value</c>; <see cref="EndObject"/> turns the first comma into the brace. So no member asks whether
/// it is the first. Give the buffer back with <see cref="Dispose"/>.
/// </remarks>
public ref struct JsonWriter : IDisposable
{
    static readonly SearchValues<char> Escaped =
        SearchValues.Create([.. Enumerable.Range(0, 32).Select(i => (char)i), '"', '\\', '<', '>', '&', '\u2028', '\u2029', .. Enumerable.Range(0xD800, 0x800).Select(i => (char)i)]);

    /// <summary>What nearly every string consists of; looked for by itself since a set of ASCII alone is searched several times faster.</summary>
    static readonly SearchValues<char> Plain = SearchValues.Create([.. Enumerable.Range(32, 95).Select(i => (char)i).Except("\"\\<>&")]);

    byte[] _b;
    int _i;

    public JsonWriter() : this(4096) { }

    public JsonWriter(int capacity) => _b = ArrayPool<byte>.Shared.Rent(capacity);

    public readonly ReadOnlySpan<byte> Written => _b.AsSpan(0, _i);
    public readonly int Position => _i;
    public readonly byte[] ToArray() => Written.ToArray();

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_b);
        _b = [];
    }

    /// <summary>Copies bytes as they are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        if (_b.Length - _i < bytes.Length) Grow(bytes.Length);
        bytes.CopyTo(_b.AsSpan(_i));
        _i += bytes.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Byte(byte b)
    {
        if (_b.Length == _i) Grow(1);
        _b[_i++] = b;
    }

    /// <param name="start">The position before the first member was written.</param>
    public void EndObject(int start)
    {
        if (_i == start) Byte((byte)'{');
        else _b[start] = (byte)'{';
        Byte((byte)'}');
    }

    /// <summary>Joins an object written at <paramref name="start"/> to members written before it without their closing brace.</summary>
    public void Continue(int start)
    {
        if (_i == start + 2) { _b[start] = (byte)'}'; _i--; }
        else _b[start] = (byte)',';
    }

    public void Null() => Raw("null"u8);

    public void Bool(bool value) => Raw(value ? "true"u8 : "false"u8);

    public void Int64(long value)
    {
        if (_b.Length - _i < 20) Grow(20);
        Utf8Formatter.TryFormat(value, _b.AsSpan(_i), out int written);
        _i += written;
    }

    /// <summary>As Go writes a float64: shortest digits, exponent form below 1e-6 and from 1e21 on.</summary>
    public void Double(double value)
    {
        double size = Math.Abs(value);
        string text = value.ToString(size != 0 && (size < 1e-6 || size >= 1e21) ? "E16" : "R", CultureInfo.InvariantCulture);
        if (text.Contains('E', StringComparison.Ordinal))
        {
            text = value.ToString("R", CultureInfo.InvariantCulture);
            if (!text.Contains('E', StringComparison.Ordinal)) text = value.ToString("0.################E+0", CultureInfo.InvariantCulture);
            else if (size is >= 1e-6 and < 1e21) text = value.ToString("F0", CultureInfo.InvariantCulture);
            text = text.Replace("E+0", "e+", StringComparison.Ordinal).Replace("E-0", "e-", StringComparison.Ordinal).Replace('E', 'e');
        }
        Ascii(text);
    }

    void Ascii(string text)
    {
        if (_b.Length - _i < text.Length) Grow(text.Length);
        _i += Encoding.ASCII.GetBytes(text, _b.AsSpan(_i));
    }

    public void String(string? value)
    {
        value ??= "";
        if (_b.Length - _i < value.Length * 3 + 2) Grow(value.Length * 3 + 2);
        _b[_i++] = (byte)'"';
        int at = value.AsSpan().IndexOfAnyExcept(Plain);
        if (at < 0)
        {
            System.Text.Ascii.FromUtf16(value, _b.AsSpan(_i), out int written);
            _i += written;
        }
        else if (value.AsSpan(at).IndexOfAny(Escaped) is >= 0 and var more) Escape(value, at + more);
        else _i += Encoding.UTF8.GetBytes(value, _b.AsSpan(_i));
        if (_b.Length == _i) Grow(1);
        _b[_i++] = (byte)'"';
    }

    void Escape(string value, int at)
    {
        int from = 0;
        while (at >= 0)
        {
            at += from;
            Utf8(value.AsSpan(from, at - from));
            char c = value[at];
            from = at + 1;
            if (char.IsHighSurrogate(c) && from < value.Length && char.IsLowSurrogate(value[from])) { Utf8(value.AsSpan(at, 2)); from++; }
            else if (char.IsSurrogate(c)) Raw("\\ufffd"u8);
            else switch (c)
            {
                case '"': Raw("\\\""u8); break;
                case '\\': Raw("\\\\"u8); break;
                case '\n': Raw("\\n"u8); break;
                case '\r': Raw("\\r"u8); break;
                case '\t': Raw("\\t"u8); break;
                case '\b': Raw("\\b"u8); break;
                case '\f': Raw("\\f"u8); break;
                default: Ascii($"\\u{(int)c:x4}"); break;
            }
            at = value.AsSpan(from).IndexOfAny(Escaped);
        }
        Utf8(value.AsSpan(from));
    }

    void Utf8(ReadOnlySpan<char> text)
    {
        if (_b.Length - _i < text.Length * 3) Grow(text.Length * 3);
        _i += Encoding.UTF8.GetBytes(text, _b.AsSpan(_i));
    }

    public void Bytes(Bytes value)
    {
        if (value.IsNil) { Null(); return; }
        int room = Base64.GetMaxEncodedToUtf8Length(value.Length) + 2;
        if (_b.Length - _i < room) Grow(room);
        _b[_i++] = (byte)'"';
        Base64.EncodeToUtf8(value.Span, _b.AsSpan(_i), out _, out int written);
        _i += written;
        _b[_i++] = (byte)'"';
    }

    public void Quantity(Quantity value)
    {
        if (_b.Length - _i < 50) Grow(50);
        if (!value.TryFormat(_b.AsSpan(_i + 1, 48), out int written)) { String(value.ToString()); return; }
        _b[_i] = (byte)'"';
        _b[_i + written + 1] = (byte)'"';
        _i += written + 2;
    }

    public void IntOrString(IntOrString value)
    {
        if (value.IsString) String(value.String);
        else Int64(value.Int);
    }

    /// <summary>Whole seconds, UTC; the zero time is <c>null</c>.</summary>
    public void Time(DateTimeOffset? value) => Timestamp(value, micro: false);

    /// <summary>Microseconds, UTC; the zero time is <c>null</c>.</summary>
    public void MicroTime(DateTimeOffset? value) => Timestamp(value, micro: true);

    void Timestamp(DateTimeOffset? value, bool micro)
    {
        if (value is not { } time) { Null(); return; }
        if (_b.Length - _i < 40) Grow(40);
        _b[_i++] = (byte)'"';
        _i += Timestamps.Format(time, _b.AsSpan(_i), micro);
        _b[_i++] = (byte)'"';
    }

    public void Duration(Duration value) => String(value.ToString());

    public void RawJson(RawJson value)
    {
        if (value.IsNil) Null();
        else Raw(value.Span);
    }

    public void Message<T>(T value) where T : class, IMessage<T> => value.WriteJson(ref this);

    public void Strings(Seq<string> items)
    {
        if (items.IsNil) { Null(); return; }
        int start = _i;
        foreach (string item in items.Span) { Byte((byte)','); String(item); }
        EndArray(start);
    }

    public void Messages<T>(Seq<T> items) where T : class, IMessage<T>
    {
        if (items.IsNil) { Null(); return; }
        int start = _i;
        foreach (var item in items.Span) { Byte((byte)','); item.WriteJson(ref this); }
        EndArray(start);
    }

    public void Values<T, TCodec>(Seq<T> items) where TCodec : struct, IValueCodec<T>
    {
        if (items.IsNil) { Null(); return; }
        int start = _i;
        foreach (var item in items.Span) { Byte((byte)','); TCodec.WriteJson(ref this, item); }
        EndArray(start);
    }

    public void StringMap(Map<string> items)
    {
        if (items.IsNil) { Null(); return; }
        int start = _i;
        foreach (var (key, value) in items.Span) { Key(key); String(value); }
        EndObject(start);
    }

    public void MessageMap<T>(Map<T> items) where T : class, IMessage<T>
    {
        if (items.IsNil) { Null(); return; }
        int start = _i;
        foreach (var (key, value) in items.Span) { Key(key); value.WriteJson(ref this); }
        EndObject(start);
    }

    public void ValueMap<T, TCodec>(Map<T> items) where TCodec : struct, IValueCodec<T>
    {
        if (items.IsNil) { Null(); return; }
        int start = _i;
        foreach (var (key, value) in items.Span) { Key(key); TCodec.WriteJson(ref this, value); }
        EndObject(start);
    }

    /// <summary>A member's comma, name and colon.</summary>
    public void Key(string key)
    {
        Byte((byte)',');
        String(key);
        Byte((byte)':');
    }

    /// <param name="start">The position before the first item's comma was written.</param>
    public void EndArray(int start)
    {
        if (_i == start) Byte((byte)'[');
        else _b[start] = (byte)'[';
        Byte((byte)']');
    }

    void Grow(int room)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_b.Length * 2, _i + room));
        _b.AsSpan(0, _i).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_b);
        _b = larger;
    }
}
