using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hanbae.Api.Codec;

/// <summary>Writes protobuf from the last field to the first, so that every length is known when its prefix is written: one pass, no sizes counted ahead.</summary>
/// <remarks>The bytes are those of upstream's generated marshallers, which write zero values of non-pointer fields too.</remarks>
public ref struct ProtoWriter : IDisposable
{
    byte[] _b;
    /// <summary>The first used byte; everything from here to the end is written.</summary>
    int _i;

    public ProtoWriter() : this(4096) { }

    public ProtoWriter(int capacity)
    {
        _b = ArrayPool<byte>.Shared.Rent(capacity);
        _i = _b.Length;
    }

    public readonly ReadOnlySpan<byte> Written => _b.AsSpan(_i);
    public readonly byte[] ToArray() => Written.ToArray();
    /// <summary>How many bytes are written: take it before a message and give it to <see cref="EndMessage"/>.</summary>
    public readonly int Length => _b.Length - _i;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_b);
        _b = [];
        _i = 0;
    }

    public void Varint(ulong value)
    {
        int size = 1;
        for (ulong v = value >> 7; v != 0; v >>= 7) size++;
        Room(size);
        _i -= size;
        int at = _i;
        while (value >= 0x80) { _b[at++] = (byte)(value | 0x80); value >>= 7; }
        _b[at] = (byte)value;
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        Room(bytes.Length);
        _i -= bytes.Length;
        bytes.CopyTo(_b.AsSpan(_i));
    }

    /// <summary>Writes the length of what was written since <paramref name="start"/>, and the tag, before it.</summary>
    public void EndMessage(int field, int start)
    {
        Varint((ulong)(Length - start));
        Varint((ulong)(field << 3 | 2));
    }

    public void Int64(int field, long value)
    {
        Varint((ulong)value);
        Varint((ulong)(field << 3));
    }

    public void Bool(int field, bool value) => Int64(field, value ? 1 : 0);

    public void Double(int field, double value)
    {
        Room(8);
        _i -= 8;
        BitConverter.TryWriteBytes(_b.AsSpan(_i), value);
        Varint((ulong)(field << 3 | 1));
    }

    public void String(int field, string? value)
    {
        value ??= "";
        int size = Encoding.UTF8.GetByteCount(value);
        Room(size);
        _i -= size;
        Encoding.UTF8.GetBytes(value, _b.AsSpan(_i));
        Varint((ulong)size);
        Varint((ulong)(field << 3 | 2));
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Raw(value);
        Varint((ulong)value.Length);
        Varint((ulong)(field << 3 | 2));
    }

    public void Message<T>(int field, T value) where T : class, IMessage<T>
    {
        int start = Length;
        value.WriteProto(ref this);
        EndMessage(field, start);
    }

    public void Messages<T>(int field, Seq<T> items) where T : class, IMessage<T>
    {
        for (int i = items.Count - 1; i >= 0; i--) Message(field, items[i]);
    }

    public void Strings(int field, Seq<string> items)
    {
        for (int i = items.Count - 1; i >= 0; i--) String(field, items[i]);
    }

    public void Value<T, TCodec>(int field, T value) where TCodec : struct, IValueCodec<T> => TCodec.WriteProto(ref this, field, value);

    public void Values<T, TCodec>(int field, Seq<T> items) where TCodec : struct, IValueCodec<T>
    {
        for (int i = items.Count - 1; i >= 0; i--) TCodec.WriteProto(ref this, field, items[i]);
    }

    public void StringMap(int field, Map<string> items)
    {
        for (int i = items.Count - 1; i >= 0; i--)
        {
            int start = Length;
            String(2, items.Span[i].Value);
            String(1, items.Span[i].Key);
            EndMessage(field, start);
        }
    }

    public void MessageMap<T>(int field, Map<T> items) where T : class, IMessage<T>
    {
        for (int i = items.Count - 1; i >= 0; i--)
        {
            int start = Length;
            Message(2, items.Span[i].Value);
            String(1, items.Span[i].Key);
            EndMessage(field, start);
        }
    }

    public void ValueMap<T, TCodec>(int field, Map<T> items) where TCodec : struct, IValueCodec<T>
    {
        for (int i = items.Count - 1; i >= 0; i--)
        {
            int start = Length;
            TCodec.WriteProto(ref this, 2, items.Span[i].Value);
            String(1, items.Span[i].Key);
            EndMessage(field, start);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Room(int bytes)
    {
        if (_i < bytes) Grow(bytes);
    }

    void Grow(int room)
    {
        int used = Length;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_b.Length * 2, used + room));
        Written.CopyTo(larger.AsSpan(larger.Length - used));
        ArrayPool<byte>.Shared.Return(_b);
        _b = larger;
        _i = larger.Length - used;
    }
}
