using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Server.Encode;

namespace Hanbae.Server.ResourceMetrics;

/// <summary>Usage in columns, for <c>kubectl get podmetrics</c>: a column for each resource, as the metrics server has them.</summary>
static class UsageTable
{
    public static byte[] Json<T>(Output output, ImmutableArray<T> items, Func<T, Map<Quantity>> usage, Func<T, Duration> window) where T : class, IObject<T>
    {
        string[] names = [.. items.Take(1).SelectMany(i => usage(i)).Select(u => u.Key).Order(StringComparer.Ordinal)];
        var writer = new JsonWriter(1024);
        try
        {
            writer.Raw("{\"kind\":\"Table\",\"apiVersion\":"u8); writer.String(output.MetaApiVersion);
            writer.Raw(",\"metadata\":{},\"columnDefinitions\":["u8);
            Column(ref writer, "Name", "name", "Name of the resource");
            foreach (string name in names)
            {
                writer.Byte((byte)',');
                Column(ref writer, name, "quantity", $"Usage of {name}");
            }
            writer.Byte((byte)',');
            Column(ref writer, "Window", "duration", "The time that the usage was measured over");
            writer.Raw("],\"rows\":["u8);
            for (int i = 0; i < items.Length; i++)
            {
                if (i > 0) writer.Byte((byte)',');
                var used = usage(items[i]);
                writer.Raw("{\"cells\":["u8); writer.String(items[i].Metadata.Name);
                foreach (string name in names)
                {
                    writer.Byte((byte)',');
                    writer.Quantity(used[name]);
                }
                writer.Byte((byte)','); writer.Duration(window(items[i]));
                writer.Raw("],\"object\":"u8);
                if (output.IncludeObject == "None") writer.Null();
                else if (output.IncludeObject == "Object") writer.Raw(T.Info.ToJson(items[i]));
                else
                {
                    writer.Raw("{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":"u8); writer.String(output.MetaApiVersion);
                    writer.Raw(",\"metadata\":"u8); writer.Message(items[i].Metadata);
                    writer.Byte((byte)'}');
                }
                writer.Byte((byte)'}');
            }
            writer.Raw("]}"u8);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }

    static void Column(ref JsonWriter writer, string name, string format, string description)
    {
        writer.Raw("{\"name\":"u8); writer.String(name);
        writer.Raw(",\"type\":\"string\",\"format\":"u8); writer.String(format);
        writer.Raw(",\"description\":"u8); writer.String(description);
        writer.Raw(",\"priority\":0}"u8);
    }
}
