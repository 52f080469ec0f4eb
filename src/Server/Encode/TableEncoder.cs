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

    public static void Row(IBufferWriter<byte> to, Output output, Resource resource, Item item, DateTimeOffset now)
    {
        to.Write("{"u8);
        item.RowOf(resource.Table).Write(to, now);
        to.Write("\"object\":"u8);
        switch (output.IncludeObject)
        {
            case "None": to.Write("null"u8); break;
            case "Object": item.Json.WriteTo(to); break;
            default: Encoder.WritePartial(to, output, item); break;
        }
        to.Write("}"u8);
    }
}
