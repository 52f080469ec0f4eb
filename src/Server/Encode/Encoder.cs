using System.Buffers;
using System.Globalization;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Cache;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Encode;

/// <summary>Writes objects in the agreed encoding. What is stored is copied, not encoded (decision 2).</summary>
static class Encoder
{
    static readonly GroupVersion s_core = new("", "v1");

    /// <summary>An object that was made for this answer.</summary>
    public static byte[] Object(Output output, IKind value)
    {
        var kind = value.Kind();
        // Status is everybody's and says v1; Table and the like say their group.
        bool status = value is Status;
        switch (output.Format)
        {
            case Format.Protobuf: return status ? Envelope.Wrap(value, s_core, kind.Kind) : kind.ToProto(value);
            default:
                byte[] json = status ? kind.WriteFor(value, s_core) : kind.ToJson(value);
                return Finish(output, json);
        }
    }

    /// <summary>Ends a JSON answer with the newline of Go's encoder, or makes YAML or something pretty of it.</summary>
    public static byte[] Finish(Output output, ReadOnlySpan<byte> json) =>
        output.Format == Format.Yaml ? Verbs.YamlBody.ToYaml(json) : output.Pretty ? Pretty.Print(json) : [.. json, (byte)'\n'];

    /// <summary>Whether answers are made whole before they are sent, because they are printed from JSON.</summary>
    public static bool IsPrinted(Output output) => output.Format == Format.Yaml || output.Pretty;

    /// <summary>One stored object, without the final newline.</summary>
    public static void Item(IBufferWriter<byte> to, Output output, Resource resource, Item item, DateTimeOffset now, bool columns = true)
    {
        switch (output.Shape)
        {
            case Shape.Table:
                TableEncoder.Begin(to, output, resource, new ListMeta { ResourceVersion = Number(item.Revision) }, columns);
                TableEncoder.Row(to, output, resource, item, now);
                to.Write("]}"u8);
                break;
            case Shape.Metadata when output.Format == Format.Protobuf: to.Write(PartialProto(output, Partial(item))); break;
            case Shape.Metadata: WritePartial(to, output, item); break;
            default:
                if (output.Format == Format.Protobuf) ProtoEncoder.Item(to, item);
                else item.Json.WriteTo(to);
                break;
        }
    }

    public static PartialObjectMetadata Partial(Item item) => new() { Metadata = item.ReadMetadata() };

    public static byte[] ToProto(IMessage message)
    {
        var writer = new ProtoWriter();
        try { message.WriteProto(ref writer); return writer.ToArray(); }
        finally { writer.Dispose(); }
    }

    /// <param name="json">The same object, with whose sets it is kept.</param>
    public static SharedBytes ToProto(IMessage message, SharedBytes json)
    {
        var writer = new ProtoWriter();
        try { message.WriteProto(ref writer); return SharedBytes.Like(json, writer.Written); }
        finally { writer.Dispose(); }
    }

    /// <summary>Metadata in an envelope.</summary>
    public static byte[] PartialProto(Output output, PartialObjectMetadata value) =>
        Envelope.Wrap(value, new("meta.k8s.io", output.MetaVersion), "PartialObjectMetadata");

    public static void WritePartial(IBufferWriter<byte> to, Output output, Item item)
    {
        to.Write(output.MetaVersion == "v1" ? "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":"u8
            : "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1beta1\",\"metadata\":"u8);
        item.MetadataJson.WriteTo(to);
        to.Write("}"u8);
    }

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    public static void WriteText(IBufferWriter<byte> to, string ascii) => Encoding.ASCII.GetBytes(ascii, to);

    /// <summary><c>{"resourceVersion":"5"}</c>, and where the list goes on.</summary>
    public static byte[] Json(ListMeta meta)
    {
        var writer = new JsonWriter(256);
        try { meta.WriteJson(ref writer); return writer.ToArray(); }
        finally { writer.Dispose(); }
    }

    public static ListMeta MetaOf(Listing listing) => new() { ResourceVersion = Number(listing.Revision), Continue = listing.Continue, RemainingItemCount = listing.Remaining };
}
