using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using GroupVersion = Hanbae.Api.GroupVersion;
using GroupVersionKind = Hanbae.Api.GroupVersionKind;

namespace Hanbae.Client;

/// <summary>Reads what a server sent, JSON or protobuf, into objects and lists: of built-in kinds as their types, of others as trees.</summary>
static class Decoding
{
    internal const string Protobuf = "application/vnd.kubernetes.protobuf", Json = "application/json";

    /// <summary>An answer's body. What is no object stays bytes.</summary>
    /// <exception cref="DecodeException"/>
    public static ApiResult Result(int code, string mediaType, byte[] body, IReadOnlyList<string> warnings, KindInfo? expected = null)
    {
        var bytes = new ApiResult { Code = code, Body = body, Warnings = warnings };
        if (body.Length == 0) return bytes;
        bool proto = mediaType == Protobuf;
        if (!proto && (mediaType != Json || FirstByte(body) != '{')) return bytes;
        (string ApiVersion, string Kind) type = ("", "");
        var message = proto ? Envelope.Message(body, out type) : body.AsSpan();
        if (!proto) type = TypeOf(body);
        if (GroupVersion.Parse(type.ApiVersion) is not { } gv || type.Kind.Length == 0) return bytes;
        if (!proto && expected is not null && ApiData.Kind(expected.Gvk) != expected)
        {
            if (expected.Gvk == gv.Kind(type.Kind)) return new() { Code = code, Object = expected.Decode(body), Warnings = warnings };
            if (expected.Gvk.GroupVersion == gv && expected.ListKind == type.Kind) return new() { Code = code, List = JsonList(body, expected), Warnings = warnings };
        }
        if (ApiData.Kind(gv.Kind(type.Kind)) is { } kind)
            return new() { Code = code, Object = proto ? kind.ReadProto(message) : kind.Decode(message), Warnings = warnings };
        if (type.Kind.EndsWith("List", StringComparison.Ordinal) && ApiData.Kind(gv.Kind(type.Kind[..^4])) is { } item)
            return new() { Code = code, List = proto ? ProtoList(message, item) : JsonList(message, item), Warnings = warnings };
        return proto || type.ApiVersion.StartsWith("apidiscovery.k8s.io/", StringComparison.Ordinal) ? bytes : Custom(code, body, gv.Kind(type.Kind), warnings) ?? bytes;
    }

    /// <summary>What looks like an object, or a list of them, of a kind that is not built in.</summary>
    static ApiResult? Custom(int code, ReadOnlySpan<byte> body, GroupVersionKind kind, IReadOnlyList<string> warnings)
    {
        bool metadata = false, items = false;
        var reader = new JsonReader(body);
        if (reader.Object())
            do
            {
                var name = reader.Name();
                metadata |= name.SequenceEqual("metadata"u8);
                items |= name.SequenceEqual("items"u8);
                reader.Skip();
            } while (reader.NextMember());
        if (!metadata) return null;
        if (!items) return new() { Code = code, Object = new UnstructuredKind(kind).Decode(body), Warnings = warnings };
        string item = kind.Kind.EndsWith("List", StringComparison.Ordinal) ? kind.Kind[..^4] : kind.Kind;
        return new() { Code = code, List = JsonList(body, new UnstructuredKind(kind.Group, kind.Version, item)), Warnings = warnings };
    }

    /// <summary>The object of a watch event.</summary>
    /// <exception cref="DecodeException"/>
    /// <exception cref="NotSupportedException">Its kind is not built in.</exception>
    public static IKind Object(ReadOnlySpan<byte> body, KindInfo? expected = null)
    {
        bool proto = body.StartsWith(Envelope.Magic);
        (string ApiVersion, string Kind) type = ("", "");
        var message = proto ? Envelope.Message(body, out type) : body;
        if (!proto) type = TypeOf(body);
        var kind = GroupVersion.Parse(type.ApiVersion) is { } gv ? !proto && expected?.Gvk == gv.Kind(type.Kind) ? expected : ApiData.Kind(gv.Kind(type.Kind)) : null;
        if (kind is null && !proto && GroupVersion.Parse(type.ApiVersion) is { } custom && type.Kind.Length > 0) kind = new UnstructuredKind(custom.Kind(type.Kind));
        if (kind is null) throw new NotSupportedException($"kind \"{type.Kind}\" of apiVersion \"{type.ApiVersion}\" is not built in, and has no JSON here");
        return proto ? kind.ReadProto(message) : kind.Decode(message);
    }

    /// <summary>One line or frame of a watch.</summary>
    /// <exception cref="ApiException">It is an error event.</exception>
    public static ApiEvent Event(ReadOnlySpan<byte> frame, bool proto, KindInfo? expected = null)
    {
        string type = "";
        ReadOnlySpan<byte> raw = default;
        if (proto)
        {
            // Upstream frames the bare message; one in an envelope says the same.
            var reader = new ProtoReader(frame.StartsWith(Envelope.Magic) ? Envelope.Message(frame, out _) : frame);
            while (reader.Tag(out int field))
                if (field == 1) type = reader.Pointer();
                else if (field == 2)
                {
                    var extension = reader.Sub();
                    while (extension.Tag(out int f))
                        if (f == 1) raw = extension.Span();
                        else extension.Skip();
                }
                else reader.Skip();
        }
        else
        {
            var reader = new JsonReader(frame);
            if (reader.Object())
                do
                {
                    var name = reader.Name();
                    if (name.SequenceEqual("type"u8)) type = reader.String() ?? "";
                    else if (name.SequenceEqual("object"u8))
                    {
                        int start = reader.Position;
                        reader.Skip();
                        raw = frame[start..reader.Position];
                    }
                    else reader.Skip();
                } while (reader.NextMember());
        }
        var obj = Object(raw, expected);
        if (type == "ERROR")
            throw new ApiException(obj as Status ?? new Status { StatusValue = "Failure", Code = 500, Reason = "InternalError", Message = $"error event with a {obj.Kind()}" });
        return new(type, obj is IObject whole ? Sharing.Of(whole) : throw new InvalidDataException($"{type} event with a {obj.Kind()}, which has no metadata"));
    }

    static ApiList ProtoList(ReadOnlySpan<byte> message, KindInfo item)
    {
        var metadata = ListMeta.Empty;
        var items = new List<IObject>();
        var reader = new ProtoReader(message);
        while (reader.Tag(out int field))
            if (field == 1) metadata = reader.Message<ListMeta>();
            else if (field == 2) items.Add((IObject)item.ReadProto(reader.Span()));
            else reader.Skip();
        return new(metadata, Sharing.Of(items));
    }

    static ApiList JsonList(ReadOnlySpan<byte> body, KindInfo item)
    {
        var metadata = ListMeta.Empty;
        var items = new List<IObject>();
        var reader = new JsonReader(body);
        if (reader.Object())
            do
            {
                var name = reader.Name();
                if (name.SequenceEqual("metadata"u8)) metadata = reader.Message<ListMeta>();
                else if (name.SequenceEqual("items"u8))
                {
                    if (reader.Array(out _)) do items.Add((IObject)item.ReadJson(ref reader)); while (reader.NextItem());
                }
                else reader.Skip();
            } while (reader.NextMember());
        return new(metadata, Sharing.Of(items));
    }

    /// <summary>What a JSON object says it is. Both fields come first as a rule, so little is read twice.</summary>
    static (string ApiVersion, string Kind) TypeOf(ReadOnlySpan<byte> body)
    {
        (string ApiVersion, string Kind) type = ("", "");
        var reader = new JsonReader(body);
        if (!reader.Object()) return type;
        do
        {
            var name = reader.Name();
            if (name.SequenceEqual("kind"u8) && reader.Next == '"') type.Kind = reader.String() ?? "";
            else if (name.SequenceEqual("apiVersion"u8) && reader.Next == '"') type.ApiVersion = reader.String() ?? "";
            else reader.Skip();
        } while ((type.Kind.Length == 0 || type.ApiVersion.Length == 0) && reader.NextMember());
        return type;
    }

    static byte FirstByte(ReadOnlySpan<byte> body) => body.TrimStart(" \t\r\n"u8) is { Length: > 0 } rest ? rest[0] : (byte)0;
}
