using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;

namespace Hanbae.Api;

/// <summary>A kind that is known only at run time, such as a custom resource's. Its objects have no protobuf form.</summary>
public class UnstructuredKind(string group, string version, string kind) : KindInfo(group, version, kind, "")
{
    TypeSchema? _schema;

    public UnstructuredKind(GroupVersionKind gvk) : this(gvk.Group, gvk.Version, gvk.Kind) { }

    /// <summary>Metadata is known; whatever else there is, is free-form.</summary>
    public override TypeSchema Schema => _schema ??= new(Gvk.ToString(),
        [new("kind", ValueKind.String), new("apiVersion", ValueKind.String), new("metadata", ValueKind.Object, type: static () => ApiData.Type("meta/v1", "ObjectMeta"))]) { IsKind = true };

    public override IKind ReadJson(ref JsonReader reader)
    {
        var metadata = ObjectMeta.Empty;
        var content = new JsonObjectBuilder();
        if (reader.Object())
            do
            {
                var name = reader.Name();
                if (name.SequenceEqual("metadata"u8)) metadata = ObjectMeta.ReadJson(ref reader);
                else if (name.SequenceEqual("kind"u8) || name.SequenceEqual("apiVersion"u8)) reader.Skip();
                else content.Set(System.Text.Encoding.UTF8.GetString(name), ReadValue(ref reader));
            } while (reader.NextMember());
        return new Unstructured(this, metadata, content.Build());
    }

    /// <summary>Any value.</summary>
    protected static JsonValue ReadValue(ref JsonReader reader) => reader.Next == 'n' && reader.TryNull() ? JsonNull.Instance : JsonParser.Parse(reader.Raw().Span);

    /// <exception cref="DecodeException">Always: there is no such form.</exception>
    public override IKind ReadProto(ReadOnlySpan<byte> message) => throw new DecodeException($"{Gvk} has no protobuf form", 0);
}
