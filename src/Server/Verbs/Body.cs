using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Yaml;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Verbs;

/// <summary>Makes objects of bodies, and says what is wrong with them as upstream does.</summary>
static class Body
{
    /// <param name="also">Another version that will do.</param>
    public static async ValueTask<IKind?> ReadAsync(RequestContext request, KindInfo kind, CancellationToken ct, KindInfo? also = null)
    {
        if (request.Object is { } given)
            return given.Kind() == kind || given.Kind() == also ? given
                // A caller in the process knows the kind, not its definition.
                : given is Unstructured && given.Kind().Gvk == kind.Gvk ? FromJson(request, given.Kind().ToJson(given), kind) : throw Mismatch(given.Kind().Gvk, kind);
        var body = await request.ReadBodyAsync(ct).ConfigureAwait(false);
        return body.IsEmpty ? null : Decode(request, body, kind, request.Header("Content-Type"), also);
    }

    /// <exception cref="StatusException"/>
    public static IKind Decode(RequestContext request, ReadOnlyMemory<byte> body, KindInfo kind, string contentType, KindInfo? also = null)
    {
        switch (MediaType(contentType))
        {
            case "" or MediaTypes.Json: return FromJson(request, body.Span, kind, also: also);
            case MediaTypes.Yaml:
                var twice = new List<string>();
                byte[] converted = YamlBody.ToJson(body, twice);
                return FromJson(request, converted, kind, said: twice.Count == 0 ? null : new([YamlReader.DuplicatesMessage(twice)], twice), also: also, isMade: true);
            case MediaTypes.Protobuf when kind is UnstructuredKind: throw Statuses.UnsupportedMediaType([MediaTypes.Json, MediaTypes.Yaml]);
            case MediaTypes.Protobuf: return FromProto(body.Span, kind, also);
            default: throw Statuses.UnsupportedMediaType(MediaTypes.Bodies);
        }
    }

    public static string MediaType(string contentType)
    {
        int end = contentType.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? contentType : contentType[..end]).Trim().ToLowerInvariant();
    }

    /// <param name="refused">Makes the answer to a body that is not of its kind, or (true) has fields that its kind does not have.</param>
    /// <param name="said">What is wrong with what <paramref name="json"/> was made from, if only strictly.</param>
    /// <param name="isMade">From something else, so that nothing stands in it twice.</param>
    public static IKind FromJson(RequestContext request, ReadOnlySpan<byte> json, KindInfo kind, Func<string, bool, StatusException>? refused = null, StrictFaults? said = null, KindInfo? also = null, bool isMade = false)
    {
        kind = CheckType(json, kind, also);
        string validation = request.Parameter("fieldValidation") ?? "Warn";
        if (validation is not ("Strict" or "Warn" or "Ignore" or ""))
            throw Statuses.Invalid(new("meta.k8s.io", "v1", request.Method == "POST" ? "CreateOptions" : request.Method == "PUT" ? "UpdateOptions" : "PatchOptions"), "",
                [Machinery.Validate.FieldError.NotSupported("fieldValidation", validation, "", "Ignore", "Strict", "Warn")]);
        refused ??= (why, strict) => Unhandled(kind, strict ? "strict decoding error: " + why : why);
        if (validation == "Ignore") return Read(json, kind, null, refused);

        var unknown = new List<int>();
        var obj = Read(json, kind, unknown, refused);
        if (unknown.Count == 0 && said is null && (isMade || !DuplicateFields.Suspects(json))) return obj;
        var duplicates = new List<string>();
        // What the reader skipped over it has not looked at closely.
        try { JsonParser.Parse(json, duplicates); }
        catch (FormatException e) { throw refused(e.Message, false); }
        List<string> found = kind is UnstructuredKind
            ? [.. duplicates.Take(StrictFields.Most).Select(p => $"duplicate field \"{p}\""), .. StrictFields.UnknownOfCustom(json, unknown).Select(p => $"unknown field \"{p}\"")]
            : isMade ? [.. StrictFields.Unknown(json, unknown).Select(p => $"unknown field \"{p}\"")] : StrictFields.AsRead(json, unknown);
        if (found.Count == 0 && said is null) return obj;
        if (validation == "Strict") throw refused(string.Join(", ", [.. said?.Errors ?? [], .. found]), true);
        foreach (string warning in (string[])[.. said?.Warnings ?? [], .. found]) request.Warnings.Add(warning);
        return obj;
    }

    static IKind Read(ReadOnlySpan<byte> json, KindInfo kind, List<int>? unknown, Func<string, bool, StatusException> refused)
    {
        try { return kind.Decode(json, unknown); }
        catch (Exception e) when (e is DecodeException or FormatException)
        {
            throw refused(TypeErrors.Message(json, kind.Schema, e.Message), false);
        }
    }

    static StatusException Unhandled(KindInfo kind, string why) => Statuses.BadRequest($"{kind.Kind} in version \"{kind.Gvk.Version}\" cannot be handled as a {kind.Kind}: {why}");

    /// <summary>A body may leave out what it is; what it says must be what the path says.</summary>
    static KindInfo CheckType(ReadOnlySpan<byte> json, KindInfo kind, KindInfo? also)
    {
        string? apiVersion = null, name = null;
        try
        {
            var reader = new JsonReader(json);
            if (reader.Object())
                do
                {
                    var field = reader.Name();
                    if (field.SequenceEqual("apiVersion"u8)) apiVersion = TypeName(ref reader, "apiVersion");
                    else if (field.SequenceEqual("kind"u8)) name = TypeName(ref reader, "kind");
                    else if (apiVersion is not null && name is not null) break;
                    else reader.Skip();
                } while (reader.NextMember());
        }
        catch (DecodeException e)
        {
            throw Statuses.BadRequest($"the object provided is unrecognized (must be of type {kind.Kind}): couldn't get version/kind; json parse error: {e.Message} ({Shown(json)})");
        }
        var version = apiVersion is null ? kind.Gvk.GroupVersion : GroupVersion.Parse(apiVersion);
        if (version is null) throw Statuses.BadRequest($"{name ?? kind.Kind} in version \"{apiVersion}\" cannot be handled as a {kind.Kind}: unexpected GroupVersion string: {apiVersion}");
        return Check(version.Value.Kind(name ?? kind.Kind), kind, also);
    }

    static string? TypeName(ref JsonReader reader, string field) => reader.Next switch
    {
        '"' or 'n' => reader.String(),
        't' or 'f' => throw new DecodeException($"json: cannot unmarshal bool into Go struct field .{field} of type string"),
        '{' => throw new DecodeException($"json: cannot unmarshal object into Go struct field .{field} of type string"),
        '[' => throw new DecodeException($"json: cannot unmarshal array into Go struct field .{field} of type string"),
        _ => throw new DecodeException($"json: cannot unmarshal number into Go struct field .{field} of type string"),
    };

    static KindInfo Check(GroupVersionKind given, KindInfo kind, KindInfo? also)
    {
        // Options and Status are of every group and version.
        if (given == kind.Gvk || given.Kind == kind.Kind && kind.Gvk.Group == "meta.k8s.io") return kind;
        if (given == also?.Gvk) return also;
        throw Mismatch(given, kind);
    }

    static StatusException Mismatch(GroupVersionKind given, KindInfo kind)
    {
        var known = ApiData.Kind(given);
        if (known is null || known.Gvk.Group == "meta.k8s.io")
            return Statuses.BadRequest($"{given.Kind} in version \"{given.Version}\" cannot be handled as a {kind.Kind}: "
                + $"no kind \"{given.Kind}\" is registered for version \"{given.GroupVersion}\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"");
        if (given.GroupVersion != kind.Gvk.GroupVersion && given.Kind == kind.Kind)
            return Statuses.BadRequest($"the API version in the data ({given.GroupVersion}) does not match the expected API version ({kind.Gvk.GroupVersion})");
        return Statuses.BadRequest($"{given.Kind} in version \"{given.Version}\" cannot be handled as a {kind.Kind}: converting ({Go(given)}) to ({Go(kind.Gvk)}): unknown conversion");
    }

    static string Go(GroupVersionKind kind) => $"{kind.Version}.{kind.Kind}";

    /// <summary>As upstream sums up a body: its beginning, in hexadecimal unless it looks like JSON.</summary>
    static string Shown(ReadOnlySpan<byte> bytes)
    {
        const int most = 30;
        if (bytes.IsEmpty) return "<empty>";
        var start = bytes[..Math.Min(bytes.Length, most)];
        return (bytes[0] == '{' ? System.Text.Encoding.UTF8.GetString(start) : System.Convert.ToHexStringLower(start)) + (bytes.Length > most ? " ..." : "");
    }

    static IKind FromProto(ReadOnlySpan<byte> body, KindInfo kind, KindInfo? also)
    {
        try
        {
            var message = Envelope.Message(body, out var type);
            if (type.Kind.Length > 0 || type.ApiVersion.Length > 0)
                kind = Check((GroupVersion.Parse(type.ApiVersion) ?? kind.Gvk.GroupVersion).Kind(type.Kind.Length > 0 ? type.Kind : kind.Kind), kind, also);
            return kind.ReadProto(message);
        }
        catch (DecodeException e)
        {
            throw Statuses.BadRequest($"{kind.Kind} in version \"{kind.Gvk.Version}\" cannot be handled as a {kind.Kind}: {e.Message}");
        }
    }
}

/// <summary>What is wrong with a body only for those who are strict.</summary>
/// <param name="Errors">As they are told when it is refused.</param>
/// <param name="Warnings">As they are told when it is not.</param>
sealed record StrictFaults(IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings);
