using System.Buffers;
using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Server.Health;

namespace Hanbae.Server.OpenApi;

/// <summary>Renders what a set of resources is described by: one document of all in version 2, one per group and version in version 3.</summary>
static class OpenApiDocument
{
    static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="served">All that are served, wherever.</param>
    public static byte[] V3(IEnumerable<ResourceInfo> resources, IReadOnlyCollection<GroupVersion> served)
    {
        var (paths, definitions) = Collect(resources);
        return Render(json =>
        {
            var schemas = new SchemaWriter(json, v3: true, served);
            json.WriteString("openapi", "3.0.0");
            Info(json);
            Paths(json, paths, new(json, schemas, v3: true));
            json.WriteStartObject("components");
            json.WriteStartObject("schemas");
            foreach (var definition in definitions.All) schemas.Write(definition);
            json.WriteEndObject();
            json.WriteStartObject("securitySchemes");
            BearerToken(json);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <param name="more">Paths and definitions that others render: those of CustomResourceDefinitions.</param>
    public static byte[] V2(IEnumerable<ResourceInfo> resources, IReadOnlyCollection<GroupVersion> served, ImmutableArray<OpenApiPart> more)
    {
        var (paths, definitions) = Collect(resources);
        return Render(json =>
        {
            var schemas = new SchemaWriter(json, v3: false, served);
            json.WriteString("swagger", "2.0");
            Info(json);
            Paths(json, paths, new(json, schemas, v3: false), more);
            json.WriteStartObject("definitions");
            foreach (var definition in definitions.All) schemas.Write(definition);
            foreach (var part in more) part.V2Definitions(json);
            json.WriteEndObject();
            json.WriteStartObject("securityDefinitions");
            BearerToken(json);
            json.WriteEndObject();
            json.WriteStartArray("security");
            json.WriteStartObject();
            json.WriteStartArray("BearerToken");
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
        });
    }

    static (SortedDictionary<string, ApiPath>, Definitions) Collect(IEnumerable<ResourceInfo> resources)
    {
        var definitions = new Definitions();
        var paths = new SortedDictionary<string, ApiPath>(StringComparer.Ordinal);
        foreach (var resource in resources)
            foreach (var path in ResourcePaths.Of(resource, definitions)) paths[path.Path] = path;
        return (paths, definitions);
    }

    static byte[] Render(Action<Utf8JsonWriter> write)
    {
        var to = new ArrayBufferWriter<byte>(256 << 10);
        using (var json = new Utf8JsonWriter(to, s_options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return to.WrittenSpan.ToArray();
    }

    static void Info(Utf8JsonWriter json)
    {
        json.WriteStartObject("info");
        json.WriteString("title", "Kubernetes");
        json.WriteString("version", VersionEndpoint.GitVersion);
        json.WriteEndObject();
    }

    static void Paths(Utf8JsonWriter json, SortedDictionary<string, ApiPath> paths, OperationWriter writer, ImmutableArray<OpenApiPart> more = default)
    {
        json.WriteStartObject("paths");
        foreach (var path in paths.Values) writer.Write(path);
        if (!more.IsDefault) foreach (var part in more) part.V2Paths(json);
        json.WriteEndObject();
    }

    static void BearerToken(Utf8JsonWriter json)
    {
        json.WriteStartObject("BearerToken");
        json.WriteString("description", "Bearer Token authentication");
        json.WriteString("in", "header");
        json.WriteString("name", "authorization");
        json.WriteString("type", "apiKey");
        json.WriteEndObject();
    }
}

/// <summary>What others add to the built-in description: a group and version of CustomResourceDefinitions, or of another server.</summary>
/// <param name="V3">The whole version-3 document, rendered when first asked for.</param>
/// <param name="V2Paths">Writes members of <c>paths</c>.</param>
/// <param name="V2Definitions">Writes members of <c>definitions</c>, whose names nobody else has.</param>
public sealed record OpenApiPart(GroupVersion Version, Func<byte[]> V3, Action<Utf8JsonWriter> V2Paths, Action<Utf8JsonWriter> V2Definitions);
