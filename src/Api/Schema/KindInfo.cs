using Hanbae.Api.Codec;

namespace Hanbae.Api.Schema;

/// <summary>One kind: its name on the wire and its codecs, for code that learns the kind at run time.</summary>
public abstract class KindInfo(string group, string version, string kind, string path)
{
    public GroupVersionKind Gvk { get; } = new(group, version, kind);
    public string ApiVersion { get; } = new GroupVersion(group, version).ToString();
    public string Kind => Gvk.Kind;
    public virtual string ListKind => Gvk.Kind + "List";
    /// <summary>Where objects of the kind are, when it is not built in; null for built-in kinds: <see cref="Rest.Resources"/> knows.</summary>
    public virtual Rest.ResourceInfo? Resource => null;
    /// <summary>Fields, merge keys and the like; read on first use.</summary>
    public virtual TypeSchema Schema => ApiData.Type(path, Gvk.Kind);

    /// <summary>What was stored earlier as it is to be read today (another storage version, new defaults); null when it is as it should be.</summary>
    public virtual byte[]? Renew(ReadOnlySpan<byte> stored) => null;

    /// <summary><c>{"kind":"Pod","apiVersion":"v1"</c>: what stands before an object's first field.</summary>
    public byte[] JsonPrefix { get; } = System.Text.Encoding.ASCII.GetBytes($"{{\"kind\":\"{kind}\",\"apiVersion\":\"{new GroupVersion(group, version)}\"");

    /// <exception cref="DecodeException"/>
    public abstract IKind ReadJson(ref JsonReader reader);
    /// <param name="message">The message alone, without the envelope.</param>
    /// <exception cref="DecodeException"/>
    public abstract IKind ReadProto(ReadOnlySpan<byte> message);

    /// <summary>A whole JSON document.</summary>
    /// <param name="unknown">Collects offsets of fields that the type does not have.</param>
    /// <exception cref="DecodeException"/>
    public IKind Decode(ReadOnlySpan<byte> utf8, List<int>? unknown = null)
    {
        var reader = new JsonReader(utf8, unknown);
        var value = ReadJson(ref reader);
        reader.End();
        return value;
    }

    /// <summary>Writes kind, apiVersion and the fields.</summary>
    public void WriteJson(IMessage value, ref JsonWriter writer)
    {
        writer.Raw(JsonPrefix);
        int start = writer.Position;
        value.WriteJson(ref writer);
        // The body opened with a brace where the prefix wants a comma, or has nothing to add.
        writer.Continue(start);
    }

    public byte[] ToJson(IMessage value)
    {
        var writer = new JsonWriter();
        try { WriteJson(value, ref writer); return writer.ToArray(); }
        finally { writer.Dispose(); }
    }

    /// <summary>As another group and version names it: Status and its like belong to all of them.</summary>
    public byte[] WriteFor(IMessage value, GroupVersion version)
    {
        if (version == Gvk.GroupVersion) return ToJson(value);
        var writer = new JsonWriter();
        try
        {
            writer.Raw(System.Text.Encoding.ASCII.GetBytes($"{{\"kind\":\"{Kind}\",\"apiVersion\":\"{version}\""));
            int start = writer.Position;
            value.WriteJson(ref writer);
            writer.Continue(start);
            return writer.ToArray();
        }
        finally { writer.Dispose(); }
    }

    /// <summary>The message in its protobuf envelope.</summary>
    public byte[] ToProto(IMessage value) => Envelope.Wrap(value, Gvk.GroupVersion, Kind);

    public override string ToString() => Gvk.ToString();
}

/// <inheritdoc/>
public sealed class KindInfo<T>(string group, string version, string kind, string path) : KindInfo(group, version, kind, path) where T : class, IKind<T>
{
    public override IKind ReadJson(ref JsonReader reader) => T.ReadJson(ref reader);

    public override IKind ReadProto(ReadOnlySpan<byte> message)
    {
        var reader = new ProtoReader(message);
        return T.ReadProto(ref reader);
    }
}
