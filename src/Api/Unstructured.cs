using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;

namespace Hanbae.Api;

/// <summary>An object of any kind: its metadata as such, all else as an immutable JSON tree. What custom resources are, and what generic controllers work with.</summary>
public sealed record Unstructured(UnstructuredKind Info, ObjectMeta Metadata, JsonObject Content) : IObject
{
    /// <summary>Without kind, apiVersion and metadata; never changes.</summary>
    public JsonObject Content { get; init; } = Content;

    KindInfo IKind.Kind() => Info;
    TypeSchema IMessage.Schema => Info.Schema;

    IObject IObject.WithMetadata(ObjectMeta metadata) => this with { Metadata = metadata };

    /// <summary>A field below the top, such as <c>spec</c>, <c>replicas</c>; null when any step is missing.</summary>
    public JsonValue? this[params ReadOnlySpan<string> path]
    {
        get
        {
            JsonValue? value = Content;
            foreach (string name in path) value = (value as JsonObject)?[name];
            return value;
        }
    }

    /// <summary>The object with a top-level field set, or taken away when <paramref name="value"/> is null.</summary>
    public Unstructured With(string name, JsonValue? value) => this with { Content = value is null ? Content.Without(name) : Content.With(name, value) };

    /// <summary>The whole object as a tree, as patches, JSONPath and rules see it.</summary>
    public JsonObject ToTree()
    {
        var tree = new JsonObjectBuilder(Content.Count + 3);
        tree.Set("apiVersion", Info.ApiVersion);
        tree.Set("kind", Info.Kind);
        tree.Set("metadata", MetadataTree());
        foreach (var (name, value) in Content) tree.Set(name, value);
        return tree.Build();
    }

    public JsonObject MetadataTree()
    {
        var writer = new JsonWriter(512);
        try
        {
            Metadata.WriteJson(ref writer);
            return (JsonObject)JsonParser.Parse(writer.Written);
        }
        finally { writer.Dispose(); }
    }

    /// <summary>As upstream writes trees: fields by name, numbers in Go's form.</summary>
    public void WriteJson(ref JsonWriter writer)
    {
        writer.Raw("{\"metadata\":"u8);
        Metadata.WriteJson(ref writer);
        if (Content.Count > 0)
        {
            byte[] content = Content.ToUtf8(JsonStyle.SortKeys | JsonStyle.GoNumbers);
            writer.Byte((byte)',');
            writer.Raw(content.AsSpan(1));
        }
        else writer.Byte((byte)'}');
    }

    /// <exception cref="NotSupportedException">Always: there is no such form.</exception>
    public void WriteProto(ref ProtoWriter writer) => throw new NotSupportedException($"{Info.Gvk} has no protobuf form");

    public bool Equals(Unstructured? other) => other is not null && Info.Gvk == other.Info.Gvk && Metadata == other.Metadata && Content.Equals(other.Content);
    public override int GetHashCode() => HashCode.Combine(Info.Gvk, Metadata.Uid, Metadata.ResourceVersion);
}
