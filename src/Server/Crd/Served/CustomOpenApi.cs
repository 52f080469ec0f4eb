using System.Collections.Immutable;
using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Server.OpenApi;

namespace Hanbae.Server.Crd.Served;

/// <summary>Describes the custom resources of a group and version; nothing is rendered before somebody asks.</summary>
static class CustomOpenApi
{
    public static OpenApiPart Of(GroupVersion gv, ImmutableArray<ResourceInfo> resources) => new(gv,
        () => OpenApiDocument.V3(resources, [gv]),
        json =>
        {
            var writer = new OperationWriter(json, new(json, v3: false, [gv]), v3: false);
            foreach (var path in Paths(resources, new())) writer.Write(path);
        },
        json =>
        {
            var definitions = new Definitions();
            foreach (var _ in Paths(resources, definitions)) { }
            var writer = new SchemaWriter(json, v3: false, [gv]);
            // All else the built-in document has already.
            foreach (var definition in definitions.All)
                if (definition.Custom is not null || definition.ListOf is CustomKind) writer.Write(definition);
        });

    static IEnumerable<ApiPath> Paths(ImmutableArray<ResourceInfo> resources, Definitions definitions) =>
        resources.SelectMany(r => ResourcePaths.Of(r, definitions)).OrderBy(p => p.Path, StringComparer.Ordinal);
}
