using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Schema;

namespace Hanbae.Client;

/// <summary>Makes a record of yours a custom resource, to be created, watched and cached as built-in kinds are.</summary>
/// <remarks>
/// Spec and status are read and written by System.Text.Json's source generation. As with every typed client, fields that
/// <typeparamref name="TSpec"/> does not have are lost by an update of the whole object: patch or apply where other versions may have written.
/// </remarks>
/// <example><code>
/// public sealed record Website : CustomResource&lt;Website, WebsiteSpec, WebsiteStatus&gt;, ICustomResource&lt;WebsiteSpec, WebsiteStatus&gt;
/// {
///     public static CustomKind&lt;WebsiteSpec, WebsiteStatus&gt; Definition { get; } =
///         new("shop.example.com", "v1", "Website", Shop.Default.WebsiteSpec, Shop.Default.WebsiteStatus);
/// }
/// </code></example>
public abstract record CustomResource<TSelf, TSpec, TStatus> : IObject<TSelf>
    where TSelf : CustomResource<TSelf, TSpec, TStatus>, ICustomResource<TSpec, TStatus>, new() where TSpec : class where TStatus : class
{
    TSpec? _spec;
    TStatus? _status;
    /// <summary>Fields beside metadata, spec and status, that no type here has: kept as they came.</summary>
    JsonObject _rest = JsonObject.Empty;

    /// <summary>Name, namespace, labels and the like.</summary>
    public ObjectMeta Metadata { get; init; } = ObjectMeta.Empty;

    /// <summary>What is asked for. Never null: what was not set is as if <c>{}</c> was.</summary>
    public TSpec Spec { get => _spec ?? Nothing(TSelf.Definition.Spec); init => _spec = value; }

    /// <summary>What is so, as its controller saw it. Never null.</summary>
    public TStatus Status { get => _status ?? Nothing(TSelf.Definition.Status); init => _status = value; }

    static T Nothing<T>(JsonTypeInfo<T> type) where T : class => Parse(type, "{}"u8, 0);

    static T Parse<T>(JsonTypeInfo<T> type, ReadOnlySpan<byte> json, int at) where T : class
    {
        try { return JsonSerializer.Deserialize(json, type) ?? throw new DecodeException($"no {typeof(T).Name}", at); }
        catch (JsonException e) { throw new DecodeException($"{typeof(T).Name}: {e.Message}", at); }
    }

    static KindInfo IKind<TSelf>.Info => CustomKindInfo<TSelf, TSpec, TStatus>.Instance;
    static TSelf IMessage<TSelf>.Empty { get; } = new();
    static TSelf IMessage<TSelf>.ReadJson(ref JsonReader reader) => Read(ref reader);
    static TSelf IMessage<TSelf>.ReadProto(ref ProtoReader reader) => throw new DecodeException("custom resources have no protobuf form", 0);

    KindInfo IKind.Kind() => CustomKindInfo<TSelf, TSpec, TStatus>.Instance;
    TypeSchema IMessage.Schema => CustomKindInfo<TSelf, TSpec, TStatus>.Instance.Schema;
    IObject IObject.WithMetadata(ObjectMeta metadata) => this with { Metadata = metadata };

    internal static TSelf Read(ref JsonReader reader)
    {
        var metadata = ObjectMeta.Empty;
        TSpec? spec = null;
        TStatus? status = null;
        var rest = new JsonObjectBuilder();
        if (reader.Object())
            do
            {
                var name = reader.Name();
                if (name.SequenceEqual("metadata"u8)) metadata = ObjectMeta.ReadJson(ref reader);
                else if (name.SequenceEqual("kind"u8) || name.SequenceEqual("apiVersion"u8)) reader.Skip();
                else if (reader.Next == 'n' && reader.TryNull()) { }
                else if (name.SequenceEqual("spec"u8)) spec = Parse(TSelf.Definition.Spec, reader.Raw().Span, reader.Position);
                else if (name.SequenceEqual("status"u8)) status = Parse(TSelf.Definition.Status, reader.Raw().Span, reader.Position);
                else rest.Set(Encoding.UTF8.GetString(name), JsonParser.Parse(reader.Raw().Span));
            } while (reader.NextMember());
        return new TSelf { Metadata = metadata, _spec = spec, _status = status, _rest = rest.Build() };
    }

    void IMessage.WriteJson(ref JsonWriter writer)
    {
        writer.Raw("{\"metadata\":"u8);
        Metadata.WriteJson(ref writer);
        foreach (var (name, value) in _rest)
        {
            writer.Raw(Encoding.UTF8.GetBytes($",{new JsonString(name)}:"));
            writer.Raw(value.ToUtf8());
        }
        if (_spec is { } spec)
        {
            writer.Raw(",\"spec\":"u8);
            writer.Raw(JsonSerializer.SerializeToUtf8Bytes(spec, TSelf.Definition.Spec));
        }
        if (_status is { } status)
        {
            writer.Raw(",\"status\":"u8);
            writer.Raw(JsonSerializer.SerializeToUtf8Bytes(status, TSelf.Definition.Status));
        }
        writer.Byte((byte)'}');
    }

    /// <exception cref="NotSupportedException">Always: there is no such form.</exception>
    void IMessage.WriteProto(ref ProtoWriter writer) => throw new NotSupportedException("custom resources have no protobuf form");

    /// <summary>Equal by what would be sent: lists in your records need not know how to compare themselves.</summary>
    public virtual bool Equals(CustomResource<TSelf, TSpec, TStatus>? other) =>
        ReferenceEquals(this, other) || other is not null && Metadata == other.Metadata && _rest.Equals(other._rest)
        && Same(_spec, other._spec, TSelf.Definition.Spec) && Same(_status, other._status, TSelf.Definition.Status);

    static bool Same<T>(T? a, T? b, JsonTypeInfo<T> type) where T : class =>
        ReferenceEquals(a, b) || a is not null && b is not null && (a.Equals(b) || JsonSerializer.SerializeToUtf8Bytes(a, type).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(b, type)));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Metadata.Uid, Metadata.ResourceVersion, Metadata.Namespace, Metadata.Name);
}
