using System.Buffers;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;
using Hanbae.Server.Cache;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Encode;

/// <summary>Writes the events of one watch. The objects in them are bytes that all watchers share; only what is around them is written.</summary>
sealed class WatchEncoder(Output output, Resource resource, TimeProvider time)
{
    bool _columnsSent;

    public static string Name(EventType type) => type switch { EventType.Added => "ADDED", EventType.Modified => "MODIFIED", EventType.Deleted => "DELETED", _ => "BOOKMARK" };

    public void Write(IBufferWriter<byte> to, ItemEvent e)
    {
        if (e.Item is null) { Bookmark(to, e); return; }
        var item = resource.View(e.Item);
        if (output.Format == Format.Protobuf)
        {
            if (output.Shape == Shape.Metadata) ProtoEncoder.Event(to, Name(e.Type), Encoder.PartialProto(output, Encoder.Partial(item)));
            else ProtoEncoder.Event(to, Name(e.Type), item);
            return;
        }
        to.Write(e.Type switch
        {
            EventType.Added => "{\"type\":\"ADDED\",\"object\":"u8, EventType.Modified => "{\"type\":\"MODIFIED\",\"object\":"u8, _ => "{\"type\":\"DELETED\",\"object\":"u8,
        });
        // As upstream: only the first event of a table watch names the columns.
        Encoder.Item(to, output, resource, item, time.GetUtcNow(), columns: !_columnsSent);
        _columnsSent = true;
        to.Write("}\n"u8);
    }

    void Bookmark(IBufferWriter<byte> to, ItemEvent e)
    {
        var meta = MetaOf(e);
        if (output.Format == Format.Protobuf)
        {
            ProtoEncoder.Event(to, "BOOKMARK", output.Shape == Shape.Metadata ? Encoder.PartialProto(output, new() { Metadata = meta }) : resource.Info.Kind.ToProto(Empty(resource.Info.Kind, meta)));
            return;
        }
        to.Write("{\"type\":\"BOOKMARK\",\"object\":"u8);
        switch (output.Shape)
        {
            case Shape.Table:
                TableEncoder.Begin(to, output, resource, new ListMeta { ResourceVersion = meta.ResourceVersion }, !_columnsSent);
                _columnsSent = true;
                // Its one row is where clients look for what the bookmark says.
                TableEncoder.Row(to, output, resource, Item.Unstored(Empty(resource.Info.Kind, meta), ""), time.GetUtcNow());
                to.Write("]}"u8);
                break;
            case Shape.Metadata: to.Write(PartialObjectMetadata.Info.WriteFor(new PartialObjectMetadata { Metadata = meta }, new("meta.k8s.io", output.MetaVersion))); break;
            default: to.Write(resource.Info.Kind.ToJson(Empty(resource.Info.Kind, meta))); break;
        }
        to.Write("}\n"u8);
    }

    public static ObjectMeta MetaOf(ItemEvent e) => new()
    {
        ResourceVersion = Encoder.Number(e.Revision), Annotations = e.InitialEventsEnd ? Map.Of(("k8s.io/initial-events-end", "true")) : default,
    };

    /// <summary>An object of the kind that has nothing but metadata.</summary>
    public static IObject Empty(KindInfo kind, ObjectMeta meta) => ((IObject)kind.Decode("{}"u8)).WithMetadata(meta);

    public void Error(IBufferWriter<byte> to, Status status)
    {
        if (output.Format == Format.Protobuf) ProtoEncoder.Event(to, "ERROR", Encoder.Object(output, status));
        else
        {
            to.Write("{\"type\":\"ERROR\",\"object\":"u8);
            to.Write(Encoder.Object(Output.Json, status).AsSpan()[..^1]);
            to.Write("}\n"u8);
        }
    }
}
