using System.Buffers;
using System.Collections.Immutable;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;
using Hanbae.Server.Cache;
using Hanbae.Server.Registry;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Encode;

/// <summary>Writes tables: the columns, and for each row its kept cells and a part of the object's bytes.</summary>
static class TableEncoder
{
    static readonly ApiColumn[] s_default = [new("Name", "string", "name", 0), new("Created At", "date", "", 0)];

    public static void Begin(IBufferWriter<byte> to, Output output, Resource resource, ListMeta meta, bool columns)
    {
        to.Write(output.MetaVersion == "v1" ? "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":"u8 : "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1beta1\",\"metadata\":"u8);
        to.Write(Encoder.Json(meta));
        to.Write(",\"columnDefinitions\":"u8);
        if (columns) to.Write(resource.ColumnsJson);
        else to.Write("null"u8);
        to.Write(",\"rows\":["u8);
    }

    public static byte[] Columns(Resource resource) => Columns(resource.Info.Columns.IsEmpty ? [.. s_default] : resource.Info.Columns, resource.Table);

    public static byte[] Columns(ImmutableArray<ApiColumn> columns, ITable? table)
    {
        var writer = new JsonWriter(1024);
        for (int i = 0; i < columns.Length; i++)
        {
            var column = columns[i];
            writer.Raw(i == 0 ? "[{\"name\":"u8 : ",{\"name\":"u8); writer.String(column.Name);
            writer.Raw(",\"type\":"u8); writer.String(column.Type);
            writer.Raw(",\"format\":"u8); writer.String(column.Format);
            writer.Raw(",\"description\":"u8); writer.String(table?.Describe(column) ?? "");
            writer.Raw(",\"priority\":"u8); writer.Int64(column.Priority);
            writer.Byte((byte)'}');
        }
        writer.Byte((byte)']');
        byte[] json = writer.ToArray();
        writer.Dispose();
        return json;
    }

    /// <summary>One row, laid into the buffer at once: a list is thousands of them.</summary>
    public static void Row(IBufferWriter<byte> to, Output output, Resource resource, Item item, DateTimeOffset now)
    {
        var row = item.RowOf(resource.Table);
        ReadOnlySpan<byte> before = output.IncludeObject switch { "None" => "\"object\":null}"u8, "Object" => "\"object\":"u8, _ => output.MetaVersion == "v1" ? Partial : PartialBeta };
        var metadata = output.IncludeObject is "None" or "Object" ? default : item.MetadataJson;
        var span = to.GetSpan(1 + row.Most + before.Length + metadata.Length + 2);
        span[0] = (byte)'{';
        int at = 1 + row.CopyTo(span[1..], now);
        before.CopyTo(span[at..]);
        at += before.Length;
        switch (output.IncludeObject)
        {
            case "None": to.Advance(at); return;
            case "Object":
                to.Advance(at);
                item.Json.WriteTo(to);
                to.Write("}"u8);
                return;
        }
        metadata.CopyTo(span[at..]);
        at += metadata.Length;
        "}}"u8.CopyTo(span[at..]);
        to.Advance(at + 2);
    }

    static ReadOnlySpan<byte> Partial => "\"object\":{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":"u8;
    static ReadOnlySpan<byte> PartialBeta => "\"object\":{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1beta1\",\"metadata\":"u8;
}
