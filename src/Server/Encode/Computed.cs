using System.Buffers;
using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Schema;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Encode;

/// <summary>Answers with objects that are worked out rather than stored, in any shape that clients ask for; their kinds have a table in <see cref="TableCatalog"/>.</summary>
static class Computed
{
    /// <param name="request">Its output is negotiated already.</param>
    public static Reply One(RequestContext request, IObject obj, ImmutableArray<ApiColumn> columns, TimeProvider time)
    {
        var output = request.Output;
        if (request.InProcess || output.Shape == Shape.Full) return Reply.Object(obj);
        var json = new ArrayBufferWriter<byte>(1024);
        if (output.Shape == Shape.Table) Table(json, output, [obj], columns, time);
        else Partial(json, output, obj);
        return Reply.Bytes(output.ContentType, Encoder.Finish(output, json.WrittenSpan));
    }

    /// <param name="request">Its output is negotiated already, without protobuf.</param>
    public static Reply List<T>(RequestContext request, ImmutableArray<T> items, ImmutableArray<ApiColumn> columns, TimeProvider time) where T : class, IObject<T>
    {
        var output = request.Output;
        var json = new ArrayBufferWriter<byte>(1024);
        if (output.Shape == Shape.Table) Table(json, output, items.CastArray<IObject>(), columns, time);
        else
        {
            bool partial = output.Shape == Shape.Metadata;
            Encoder.WriteText(json, partial ? $"{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"{output.MetaApiVersion}\",\"metadata\":{{}},\"items\":["
                : $"{{\"kind\":\"{T.Info.ListKind}\",\"apiVersion\":\"{T.Info.ApiVersion}\",\"metadata\":{{}},\"items\":[");
            for (int i = 0; i < items.Length; i++)
            {
                if (i > 0) json.Write(","u8);
                if (partial) Partial(json, output, items[i]);
                else Written(json, (ref JsonWriter w) => w.Message(items[i]));
            }
            json.Write("]}"u8);
        }
        return Reply.Bytes(output.ContentType, Encoder.Finish(output, json.WrittenSpan));
    }

    static void Table(ArrayBufferWriter<byte> to, Output output, ImmutableArray<IObject> items, ImmutableArray<ApiColumn> columns, TimeProvider time)
    {
        var table = items.IsEmpty ? null : TableCatalog.Of(items[0].Kind());
        Encoder.WriteText(to, $"{{\"kind\":\"Table\",\"apiVersion\":\"{output.MetaApiVersion}\",\"metadata\":{{}},\"columnDefinitions\":");
        to.Write(TableEncoder.Columns(columns, table));
        to.Write(",\"rows\":["u8);
        var now = time.GetUtcNow();
        for (int i = 0; i < items.Length; i++)
        {
            to.Write(i > 0 ? ",{"u8 : "{"u8);
            var row = Row.Of(table!, items[i]);
            to.Advance(row.CopyTo(to.GetSpan(row.Most), now));
            to.Write("\"object\":"u8);
            if (output.IncludeObject == "None") to.Write("null"u8);
            else if (output.IncludeObject == "Object") to.Write(items[i].Kind().ToJson(items[i]));
            else Partial(to, output, items[i]);
            to.Write("}"u8);
        }
        to.Write("]}"u8);
    }

    static void Partial(ArrayBufferWriter<byte> to, Output output, IObject obj)
    {
        Encoder.WriteText(to, $"{{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"{output.MetaApiVersion}\",\"metadata\":");
        Written(to, (ref JsonWriter w) => w.Message(obj.Metadata));
        to.Write("}"u8);
    }

    delegate void Writing(ref JsonWriter writer);

    static void Written(ArrayBufferWriter<byte> to, Writing write)
    {
        var writer = new JsonWriter(512);
        try
        {
            write(ref writer);
            to.Write(writer.Written);
        }
        finally { writer.Dispose(); }
    }
}
