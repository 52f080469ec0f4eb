using System.Buffers;
using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Encode;

/// <summary>Puts protobuf messages that are there already into their envelopes: only lengths are computed.</summary>
static class ProtoEncoder
{
    static readonly ConcurrentDictionary<(string, string), byte[]> s_types = new();

    /// <summary>The magic, and the field that says kind and apiVersion.</summary>
    static byte[] Head(string apiVersion, string kind) => s_types.GetOrAdd((apiVersion, kind), static type =>
    {
        var writer = new ProtoWriter(128);
        int start = writer.Length;
        writer.String(2, type.Item2);
        writer.String(1, type.Item1);
        writer.EndMessage(1, start);
        writer.Raw(Envelope.Magic);
        byte[] head = writer.ToArray();
        writer.Dispose();
        return head;
    });

    // contentEncoding and contentType, always written, always empty.
    static ReadOnlySpan<byte> Tail => [3 << 3 | 2, 0, 4 << 3 | 2, 0];

    static int VarintSize(int value)
    {
        int size = 1;
        for (uint v = (uint)value >> 7; v != 0; v >>= 7) size++;
        return size;
    }

    static void Varint(IBufferWriter<byte> to, int value)
    {
        var span = to.GetSpan(5);
        int at = 0;
        uint v = (uint)value;
        for (; v >= 0x80; v >>= 7) span[at++] = (byte)(v | 0x80);
        span[at++] = (byte)v;
        to.Advance(at);
    }

    static void Field(IBufferWriter<byte> to, int field, int length)
    {
        var span = to.GetSpan(1);
        span[0] = (byte)(field << 3 | 2);
        to.Advance(1);
        Varint(to, length);
    }

    static int EnvelopeSize(byte[] head, int message) => head.Length + 1 + VarintSize(message) + message + 4;

    public static void Item(IBufferWriter<byte> to, Item item)
    {
        var proto = item.Proto;
        to.Write(Head(item.Kind.ApiVersion, item.Kind.Kind));
        Field(to, 2, proto.Length);
        proto.WriteTo(to);
        to.Write(Tail);
    }

    /// <summary>All of a list before its first item.</summary>
    /// <param name="items">The items' messages.</param>
    public static void BeginList(IBufferWriter<byte> to, string apiVersion, string kind, ListMeta meta, long itemBytes)
    {
        var writer = new ProtoWriter(256);
        meta.WriteProto(ref writer);
        to.Write(Head(apiVersion, kind));
        int message = checked(1 + VarintSize(writer.Length) + writer.Length + (int)itemBytes);
        Field(to, 2, message);
        Field(to, 1, writer.Length);
        to.Write(writer.Written);
        writer.Dispose();
    }

    public static int ListItemSize(int message) => 1 + VarintSize(message) + message;

    public static void ListItem(IBufferWriter<byte> to, ReadOnlySpan<byte> message)
    {
        Field(to, 2, message.Length);
        to.Write(message);
    }

    public static void ListItem(IBufferWriter<byte> to, SharedBytes message)
    {
        Field(to, 2, message.Length);
        message.WriteTo(to);
    }

    public static void EndList(IBufferWriter<byte> to) => to.Write(Tail);

    /// <summary>A frame of a watch: four bytes of length, and an event whose object is raw in an envelope of its own.</summary>
    public static void Event(IBufferWriter<byte> to, string type, Item item)
    {
        var proto = item.Proto;
        byte[] head = Head(item.Kind.ApiVersion, item.Kind.Kind);
        int envelope = EnvelopeSize(head, proto.Length);
        BeginEvent(to, type, envelope);
        to.Write(head);
        Field(to, 2, proto.Length);
        proto.WriteTo(to);
        to.Write(Tail);
    }

    public static void Event(IBufferWriter<byte> to, string type, byte[] envelope)
    {
        BeginEvent(to, type, envelope.Length);
        to.Write(envelope);
    }

    static void BeginEvent(IBufferWriter<byte> to, string type, int envelope)
    {
        int raw = 1 + VarintSize(envelope) + envelope, message = 2 + type.Length + 1 + VarintSize(raw) + raw;
        // The event itself is in an envelope with no type, as upstream's stream serializer writes it.
        int total = message;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(4), total);
        to.Advance(4);
        Field(to, 1, type.Length);
        Encoder.WriteText(to, type);
        Field(to, 2, raw);
        Field(to, 1, envelope);
    }
}
