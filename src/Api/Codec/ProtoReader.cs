using System.Text;

namespace Hanbae.Api.Codec;

/// <summary>Reads protobuf into generated types; unknown fields are skipped.</summary>
public ref struct ProtoReader
{
    const int MaxDepth = 512;

    readonly ReadOnlySpan<byte> _s;
    readonly int _depth;
    int _i;
    int _wire;

    public ProtoReader(ReadOnlySpan<byte> message) : this(message, 0) { }

    ProtoReader(ReadOnlySpan<byte> message, int depth)
    {
        _s = message;
        _depth = depth;
        if (depth > MaxDepth) throw new DecodeException("proto: exceeded max depth");
    }

    /// <summary>Reads the next tag; false at the end.</summary>
    public bool Tag(out int field)
    {
        if (_i >= _s.Length) { field = 0; return false; }
        ulong tag = Varint();
        _wire = (int)(tag & 7);
        field = (int)(tag >> 3);
        if (field <= 0) throw new DecodeException($"proto: illegal tag {field} (wire type {_wire})", _i);
        return true;
    }

    public ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (_i >= _s.Length) throw Eof();
            byte b = _s[_i++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
        throw new DecodeException("proto: integer overflow", _i);
    }

    public long Int64()
    {
        Expect(0);
        return (long)Varint();
    }

    public int Int32() => (int)Int64();
    public bool Bool() => Int64() != 0;

    public double Double()
    {
        Expect(1);
        if (_s.Length - _i < 8) throw Eof();
        _i += 8;
        return BitConverter.ToDouble(_s[(_i - 8)..]);
    }

    public ReadOnlySpan<byte> Span()
    {
        Expect(2);
        ulong length = Varint();
        if (length > (ulong)(_s.Length - _i)) throw Eof();
        _i += (int)length;
        return _s.Slice(_i - (int)length, (int)length);
    }

    /// <summary>The bytes of a nested message, as a reader.</summary>
    public ProtoReader Sub() => new(Span(), _depth + 1);

    public string? String() => Span() is { Length: > 0 } s ? StringPool.Get(s) : null;
    public string? Unique() => Span() is { Length: > 0 } s ? Encoding.UTF8.GetString(s) : null;
    public string Pointer() => StringPool.Get(Span());

    public T Message<T>() where T : class, IMessage<T>
    {
        var sub = Sub();
        return T.ReadProto(ref sub);
    }

    public T Value<T, TCodec>() where TCodec : struct, IValueCodec<T> => TCodec.ReadProto(ref this);

    /// <summary>One entry of a map field.</summary>
    public KeyValuePair<string, string> StringEntry()
    {
        var sub = Sub();
        string key = "", value = "";
        while (sub.Tag(out int field))
            if (field == 1) key = sub.Pointer();
            else if (field == 2) value = sub.Pointer();
            else sub.Skip();
        return new(key, value);
    }

    /// <inheritdoc cref="StringEntry"/>
    public KeyValuePair<string, T> MessageEntry<T>() where T : class, IMessage<T>
    {
        var sub = Sub();
        string key = "";
        var value = T.Empty;
        while (sub.Tag(out int field))
            if (field == 1) key = sub.Pointer();
            else if (field == 2) value = sub.Message<T>();
            else sub.Skip();
        return new(key, value);
    }

    /// <inheritdoc cref="StringEntry"/>
    public KeyValuePair<string, T> ValueEntry<T, TCodec>() where TCodec : struct, IValueCodec<T>
    {
        var sub = Sub();
        string key = "";
        T value = default!;
        while (sub.Tag(out int field))
            if (field == 1) key = sub.Pointer();
            else if (field == 2) value = TCodec.ReadProto(ref sub);
            else sub.Skip();
        return new(key, value);
    }

    public void Skip()
    {
        switch (_wire)
        {
            case 0: Varint(); break;
            case 1: Advance(8); break;
            case 2: Span(); break;
            case 5: Advance(4); break;
            default: throw new DecodeException($"proto: illegal wireType {_wire}", _i);
        }
    }

    void Advance(int bytes)
    {
        if (_s.Length - _i < bytes) throw Eof();
        _i += bytes;
    }

    readonly void Expect(int wire)
    {
        if (_wire != wire) throw new DecodeException($"proto: wrong wireType = {_wire}", _i);
    }

    readonly DecodeException Eof() => new("unexpected EOF", _i);
}
