using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hanbae.Api.Codec;

/// <summary>Reads JSON straight into generated types: one pass, no tokens, no reflection.</summary>
/// <remarks>
/// Unknown fields are skipped; when <see cref="Unknown"/> collects them, their offsets are noted and turned into paths only if asked
/// (strict field validation). Depth is bounded by <see cref="MaxDepth"/> so that hostile input cannot exhaust the stack.
/// </remarks>
public ref struct JsonReader
{
    const int MaxDepth = 512;
    static readonly SearchValues<byte> StringEnd = SearchValues.Create([.. Enumerable.Range(0, 32).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    readonly ReadOnlySpan<byte> _s;
    int _i;
    int _depth;

    /// <summary>Where unknown fields are noted (the offset of their value, behind the colon); null to ignore them.</summary>
    public readonly List<int>? UnknownFields;

    public JsonReader(ReadOnlySpan<byte> utf8, List<int>? unknownFields = null)
    {
        _s = utf8;
        UnknownFields = unknownFields;
    }

    /// <summary>How far reading has come, in bytes.</summary>
    public readonly int Position => _i;

    /// <summary>The first byte of the value that comes next, as a character.</summary>
    public char Next => (char)Peek();

    /// <summary>Fails unless only blanks are left.</summary>
    public void End()
    {
        if (Peek() != 0 || _i < _s.Length) throw Invalid("after top-level value");
    }

    // Objects: if (r.Object()) do { switch (r.Name()) { … } } while (r.NextMember());

    /// <summary>Enters an object. False for <c>{}</c> and <c>null</c>, which are then consumed.</summary>
    public bool Object()
    {
        byte c = Peek();
        if (c != '{') { if (c == 'n') { Null(); return false; } throw Mismatch(c, "object"); }
        _i++;
        if (++_depth > MaxDepth) throw new DecodeException("exceeded max depth", _i);
        if (Peek() == '}') { _i++; _depth--; return false; }
        return true;
    }

    /// <summary>Reads a member's name and the colon.</summary>
    public ReadOnlySpan<byte> Name()
    {
        if (Peek() != '"') throw Invalid("looking for beginning of object key string");
        int start = ++_i;
        int length = _s[_i..].IndexOf((byte)'"');
        if (length < 0) throw Truncated();
        var name = _s.Slice(start, length);
        if (name.Contains((byte)'\\')) { _i = start - 1; name = Encoding.UTF8.GetBytes(Text()); }
        else _i = start + length + 1;
        if (_i < _s.Length && _s[_i] == ':') { _i++; return name; }
        if (Peek() != ':') throw Invalid("after object key");
        _i++;
        return name;
    }

    /// <summary>After a member's value: whether another follows.</summary>
    public bool NextMember()
    {
        byte c = Peek();
        _i++;
        if (c == ',') return true;
        if (c == '}') { _depth--; return false; }
        _i--;
        throw Invalid("after object key:value pair");
    }

    /// <summary>Enters an array. False for <c>[]</c> (with <paramref name="isNull"/> unset) and <c>null</c>.</summary>
    public bool Array(out bool isNull)
    {
        byte c = Peek();
        isNull = c == 'n';
        if (isNull) { Null(); return false; }
        if (c != '[') throw Mismatch(c, "array");
        _i++;
        if (++_depth > MaxDepth) throw new DecodeException("exceeded max depth", _i);
        if (Peek() == ']') { _i++; _depth--; return false; }
        return true;
    }

    /// <summary>After an array's item: whether another follows.</summary>
    public bool NextItem()
    {
        byte c = Peek();
        _i++;
        if (c == ',') return true;
        if (c == ']') { _depth--; return false; }
        _i--;
        throw Invalid("after array element");
    }

    /// <summary>Skips a field that the type does not have.</summary>
    public void Unknown(ReadOnlySpan<byte> name)
    {
        // The offset tells the path later.
        UnknownFields?.Add(_i);
        Skip();
    }

    /// <summary>Whether <c>null</c> comes next; consumes it.</summary>
    public bool TryNull()
    {
        if (Peek() != 'n') return false;
        Null();
        return true;
    }

    /// <summary>A string that recurs between objects: shared.</summary>
    public string? String() => TryNull() ? null : Span(out var raw) ? (raw.Length == 0 ? null : StringPool.Get(raw)) : NullIfEmpty(Unescape(raw));

    /// <summary>A string of one object only (uid, message): not pooled.</summary>
    public string? Unique() => TryNull() ? null : Span(out var raw) ? (raw.Length == 0 ? null : Encoding.UTF8.GetString(raw)) : NullIfEmpty(Unescape(raw));

    /// <summary>A string that keeps <c>""</c> apart from <c>null</c>.</summary>
    public string? Pointer() => TryNull() ? null : Span(out var raw) ? StringPool.Get(raw) : Unescape(raw);

    string Text() => Span(out var raw) ? StringPool.Get(raw) : Unescape(raw);

    static string? NullIfEmpty(string s) => s.Length == 0 ? null : s;

    /// <summary>The bytes between the quotes; false when they hold escapes.</summary>
    bool Span(out ReadOnlySpan<byte> raw)
    {
        byte c = Peek();
        if (c != '"') throw Mismatch(c, "string");
        int start = ++_i;
        bool plain = true;
        while (true)
        {
            int at = _s[_i..].IndexOfAny(StringEnd);
            if (at < 0) throw Truncated();
            _i += at;
            if (_s[_i] == '"') break;
            if (_s[_i] < 32) throw Invalid("in string literal");
            plain = false;
            _i += 2;
            if (_i > _s.Length) throw Truncated();
        }
        raw = _s[start.._i++];
        return plain;
    }

    readonly string Unescape(ReadOnlySpan<byte> raw)
    {
        var text = new StringBuilder(raw.Length);
        while (raw.Length > 0)
        {
            int slash = raw.IndexOf((byte)'\\');
            if (slash < 0) { text.Append(Encoding.UTF8.GetString(raw)); break; }
            text.Append(Encoding.UTF8.GetString(raw[..slash]));
            raw = raw[(slash + 1)..];
            char c = (char)raw[0];
            raw = raw[1..];
            if (c == 'u')
            {
                if (raw.Length < 4 || !Utf8Parser.TryParse(raw[..4], out ushort unit, out int used, 'x') || used != 4)
                    throw new DecodeException($"invalid character in \\u hexadecimal character escape", _i);
                raw = raw[4..];
                text.Append((char)unit);
                continue;
            }
            int which = "\"\\/bfnrt".IndexOf(c);
            if (which < 0) throw new DecodeException($"invalid character '{c}' in string escape code", _i);
            text.Append("\"\\/\b\f\n\r\t"[which]);
        }
        // Lone surrogates become U+FFFD, as Go does.
        for (int i = 0; i < text.Length; i++)
            if (char.IsSurrogate(text[i]))
                if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
                else text[i] = '\uFFFD';
        return text.ToString();
    }

    public bool Bool()
    {
        byte c = Peek();
        if (c == 't') { Literal("true"u8); return true; }
        if (c == 'f') { Literal("false"u8); return false; }
        if (c == 'n') { Null(); return false; }
        throw Mismatch(c, "bool");
    }

    public int Int32()
    {
        long value = Int64("int32");
        if (value is < int.MinValue or > int.MaxValue) throw new DecodeException($"json: cannot unmarshal number {value} into Go value of type int32", _i);
        return (int)value;
    }

    public long Int64(string type = "int64")
    {
        byte c = Peek();
        if (c == 'n') { Null(); return 0; }
        if (c != '-' && (uint)(c - '0') > 9) throw Mismatch(c, type);
        var number = Number();
        if (!Utf8Parser.TryParse(number, out long value, out int used) || used != number.Length)
            throw new DecodeException($"json: cannot unmarshal number {Encoding.UTF8.GetString(number)} into Go value of type {type}", _i);
        return value;
    }

    public double Double()
    {
        byte c = Peek();
        if (c == 'n') { Null(); return 0; }
        if (c != '-' && (uint)(c - '0') > 9) throw Mismatch(c, "float64");
        return double.Parse(Number(), NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    ReadOnlySpan<byte> Number()
    {
        int start = _i;
        while (_i < _s.Length && _s[_i] is (>= (byte)'0' and <= (byte)'9') or (byte)'-' or (byte)'+' or (byte)'.' or (byte)'e' or (byte)'E') _i++;
        var number = _s[start.._i];
        // "01", "-", "1." and the like are not JSON; Utf8JsonReader's grammar is not needed for digits alone.
        if (number.ContainsAnyExceptInRange((byte)'0', (byte)'9') || (number.Length > 1 && number[0] == '0')) CheckNumber(number);
        return number;
    }

    readonly void CheckNumber(ReadOnlySpan<byte> number)
    {
        int i = number[0] == '-' ? 1 : 0, digits = i;
        while (i < number.Length && char.IsAsciiDigit((char)number[i])) i++;
        bool ok = i > digits && (number[digits] != '0' || i == digits + 1);
        if (ok && i < number.Length && number[i] == '.')
        {
            digits = ++i;
            while (i < number.Length && char.IsAsciiDigit((char)number[i])) i++;
            ok = i > digits;
        }
        if (ok && i < number.Length && number[i] is (byte)'e' or (byte)'E')
        {
            i++;
            if (i < number.Length && number[i] is (byte)'+' or (byte)'-') i++;
            digits = i;
            while (i < number.Length && char.IsAsciiDigit((char)number[i])) i++;
            ok = i > digits;
        }
        if (!ok || i != number.Length) throw new DecodeException($"invalid character in numeric literal", _i);
    }

    public Bytes Bytes()
    {
        if (TryNull()) return default;
        if (!Span(out var raw)) raw = Encoding.UTF8.GetBytes(Unescape(raw));
        byte[] result = new byte[Base64.GetMaxDecodedFromUtf8Length(raw.Length)];
        if (Base64.DecodeFromUtf8(raw, result, out int consumed, out int written) != OperationStatus.Done || consumed != raw.Length)
            throw new DecodeException($"illegal base64 data at input byte {consumed}", _i);
        return new(written == result.Length ? result : result[..written]);
    }

    public Quantity Quantity()
    {
        byte c = Peek();
        if (c == 'n') { Null(); return default; }
        if (c == '"')
        {
            int at = _i;
            if (!Span(out var raw)) raw = Encoding.UTF8.GetBytes(Unescape(raw));
            return Quantity(raw, at);
        }
        // A bare number is taken as its text, as upstream does.
        if (c == '-' || (uint)(c - '0') <= 9) return Quantity(Number(), _i);
        throw Mismatch(c, "resource.Quantity");
    }

    static Quantity Quantity(ReadOnlySpan<byte> text, int offset) =>
        Api.Quantity.TryParse(text, out var quantity, out string? error) ? quantity : throw new DecodeException(error!, offset);

    public IntOrString IntOrString()
    {
        byte c = Peek();
        if (c == '"') return new(Text());
        if (c == 'n') { Null(); return default; }
        return new(Int32());
    }

    /// <summary>RFC 3339, to whole seconds unless a fraction is given; <c>null</c> is the zero time.</summary>
    public DateTimeOffset? Time()
    {
        if (TryNull()) return null;
        int at = _i;
        if (!Span(out var raw)) throw new DecodeException("parsing time: escapes", at);
        return Timestamps.TryParse(raw, out var time) ? time
            : throw new DecodeException($"parsing time \"{Encoding.UTF8.GetString(raw)}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse", at);
    }

    public Duration Duration()
    {
        if (TryNull()) return default;
        int at = _i;
        string text = Text();
        return Api.Duration.TryParse(text, out var duration) ? duration : throw new DecodeException($"time: invalid duration \"{text}\"", at);
    }

    /// <summary>Any value, kept as it stands but for blanks between tokens.</summary>
    public RawJson Raw()
    {
        if (TryNull()) return default;
        int start = _i;
        Skip();
        var json = _s[start.._i];
        return new(FieldsPool.Holds(json) ? FieldsPool.Get(json) : Compact(json));
    }

    static byte[] Compact(ReadOnlySpan<byte> json)
    {
        if (!json.ContainsAny(" \n\r\t"u8)) return json.ToArray();
        byte[] compact = new byte[json.Length];
        int length = 0;
        bool quoted = false;
        for (int i = 0; i < json.Length; i++)
        {
            byte c = json[i];
            if (quoted)
            {
                if (c == '\\') compact[length++] = json[i++];
                else if (c == '"') quoted = false;
            }
            else if (c is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') continue;
            else if (c == '"') quoted = true;
            compact[length++] = json[i];
        }
        return compact[..length];
    }

    public T Message<T>() where T : class, IMessage<T> => T.ReadJson(ref this);

    public Seq<string> Strings()
    {
        if (!Array(out bool isNull)) return isNull ? default : new([]);
        var items = new ListBuilder<string>();
        do items.Add(TryNull() ? "" : Text()); while (NextItem());
        return items.ToSeq();
    }

    public Seq<T> Messages<T>() where T : class, IMessage<T>
    {
        if (!Array(out bool isNull)) return isNull ? default : new([]);
        var items = new ListBuilder<T>();
        do items.Add(T.ReadJson(ref this)); while (NextItem());
        return items.ToSeq();
    }

    public Map<string> StringMap()
    {
        if (!MapStart(out bool isNull)) return isNull ? default : new([]);
        var items = new ListBuilder<KeyValuePair<string, string>>();
        do
        {
            string key = StringPool.Get(Name());
            items.Add(new(key, TryNull() ? "" : Text()));
        } while (NextMember());
        return items.ToMap();
    }

    public Map<T> MessageMap<T>() where T : class, IMessage<T>
    {
        if (!MapStart(out bool isNull)) return isNull ? default : new([]);
        var items = new ListBuilder<KeyValuePair<string, T>>();
        do
        {
            string key = StringPool.Get(Name());
            items.Add(new(key, T.ReadJson(ref this)));
        } while (NextMember());
        return items.ToMap();
    }

    bool MapStart(out bool isNull)
    {
        isNull = Peek() == 'n';
        return Object();
    }

    // Lists and maps of scalars other than strings: read one by one by delegates-free generic value readers.

    public Seq<T> Values<T, TReader>() where TReader : struct, IValueCodec<T>
    {
        if (!Array(out bool isNull)) return isNull ? default : new([]);
        var items = new ListBuilder<T>();
        do items.Add(TReader.ReadJson(ref this)); while (NextItem());
        return items.ToSeq();
    }

    public Map<T> ValueMap<T, TReader>() where TReader : struct, IValueCodec<T>
    {
        if (!MapStart(out bool isNull)) return isNull ? default : new([]);
        var items = new ListBuilder<KeyValuePair<string, T>>();
        do
        {
            string key = StringPool.Get(Name());
            items.Add(new(key, TReader.ReadJson(ref this)));
        } while (NextMember());
        return items.ToMap();
    }

    /// <summary>Consumes one value of any kind.</summary>
    public void Skip()
    {
        switch (Peek())
        {
            case (byte)'{':
                if (Object()) do { Name(); Skip(); } while (NextMember());
                break;
            case (byte)'[':
                if (Array(out _)) do Skip(); while (NextItem());
                break;
            case (byte)'"': Span(out _); break;
            case (byte)'t' or (byte)'f': Bool(); break;
            case (byte)'n': Null(); break;
            case byte c when c == '-' || (uint)(c - '0') <= 9: Number(); break;
            default: throw Invalid("looking for beginning of value");
        }
    }

    /// <summary>The first byte that is not blank, without consuming it; 0 at the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    byte Peek()
    {
        if (_i < _s.Length && _s[_i] > ' ') return _s[_i];
        return SkipBlanks();
    }

    byte SkipBlanks()
    {
        while (_i < _s.Length)
        {
            byte c = _s[_i];
            if (c is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')) return c;
            _i++;
        }
        return 0;
    }

    void Null() => Literal("null"u8);

    void Literal(ReadOnlySpan<byte> literal)
    {
        if (!_s[_i..].StartsWith(literal))
        {
            int i = 0;
            while (_i < _s.Length && i < literal.Length && _s[_i] == literal[i]) { _i++; i++; }
            throw Invalid($"in literal {Encoding.ASCII.GetString(literal)} (expecting '{(char)literal[Math.Min(i, literal.Length - 1)]}')");
        }
        _i += literal.Length;
    }

    readonly DecodeException Truncated() => new("unexpected end of JSON input", _s.Length);

    readonly DecodeException Invalid(string where) =>
        _i >= _s.Length ? Truncated() : new($"invalid character {Quote(_s[_i])} {where}", _i);

    readonly DecodeException Mismatch(byte c, string wanted)
    {
        string? got = c switch
        {
            (byte)'{' => "object", (byte)'[' => "array", (byte)'"' => "string", (byte)'t' or (byte)'f' => "bool",
            (byte)'-' or (>= (byte)'0' and <= (byte)'9') => "number", _ => null,
        };
        return got is null ? Invalid("looking for beginning of value")
            : new($"json: cannot unmarshal {got} into Go value of type {wanted}", _i);
    }

    static string Quote(byte c) => c switch
    {
        (byte)'\'' => "'\\''", (byte)'"' => "'\"'", (byte)'\n' => "'\\n'", (byte)'\t' => "'\\t'", (byte)'\r' => "'\\r'",
        < 32 or > 126 => $"'\\x{c:x2}'", _ => $"'{(char)c}'",
    };
}
