using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Codec;

namespace Hanbae.Server.Crd.Served;

/// <summary>A custom kind's schema as OpenAPI publishes it: with what every object has, and for version 2 without what that version does not know.</summary>
static class CustomSchema
{
    const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

    public static byte[] Of(CustomKind kind, bool v3)
    {
        var written = kind.KeepsAll ? null : kind.Written;
        // As upstream: kubectl would take missing properties for forbidden ones, so none are named where any are allowed.
        var schema = written is null || !v3 && written.XKubernetesPreserveUnknownFields == true ? new() { Type = "object" } : WithMeta(v3 ? Embedded(written, true) : V2(written), v3);
        var writer = new JsonWriter(16 << 10);
        try
        {
            schema.WriteJson(ref writer);
            byte[] body = writer.ToArray();
            string gvk = $",\"x-kubernetes-group-version-kind\":[{{\"group\":\"{kind.Gvk.Group}\",\"kind\":\"{kind.Kind}\",\"version\":\"{kind.Gvk.Version}\"}}]}}";
            return [.. body.AsSpan(0, body.Length - 1), .. System.Text.Encoding.UTF8.GetBytes(gvk)];
        }
        finally { writer.Dispose(); }
    }

    static JSONSchemaProps WithMeta(JSONSchemaProps schema, bool v3)
    {
        var reference = new JSONSchemaProps { Ref = (v3 ? "#/components/schemas/" : "#/definitions/") + Meta };
        const string Doc = "Standard object's metadata: names, labels and what else every object has.";
        var metadata = v3 ? new JSONSchemaProps { Description = Doc, AllOf = [reference] } : reference with { Description = Doc };
        return schema with
        {
            Properties = schema.Properties.Set("metadata", metadata)
                .Set("apiVersion", new() { Type = "string", Description = schema.Properties["apiVersion"]?.Description ?? "APIVersion defines which form of the object this is, by group and version." })
                .Set("kind", new() { Type = "string", Description = schema.Properties["kind"]?.Description ?? "What the object is." }),
        };
    }

    /// <summary>Embedded objects have what every object has.</summary>
    static JSONSchemaProps Embedded(JSONSchemaProps s, bool v3)
    {
        var below = Below(s, p => Embedded(p, v3));
        return s.XKubernetesEmbeddedResource ? WithMeta(below, v3) : below;
    }

    static JSONSchemaProps Below(JSONSchemaProps s, Func<JSONSchemaProps, JSONSchemaProps> change) => s with
    {
        Properties = s.Properties.IsEmpty ? s.Properties : s.Properties.Select(p => KeyValuePair.Create(p.Key, change(p.Value))).ToMap(),
        Items = s.Items?.One is { } items ? new() { One = change(items) } : s.Items,
        AdditionalProperties = s.AdditionalProperties?.One is { } more ? new() { Allows = true, One = change(more) } : s.AdditionalProperties,
    };

    static JSONSchemaProps V2(JSONSchemaProps s)
    {
        var required = s.Required.Where(r => s.Properties[r] is not { Nullable: true }).ToSeq();
        var plain = s with { AllOf = default, AnyOf = default, OneOf = default, Not = null, Required = required.IsEmpty ? default : required };
        if (s.AdditionalProperties is { One: null }) plain = plain with { AdditionalProperties = null };
        if (s.Nullable) plain = plain with { Nullable = false, Type = "", Properties = default, Items = null, AdditionalProperties = null, Required = default };
        if (s.XKubernetesPreserveUnknownFields == true) plain = plain with { Properties = default, Items = null, Required = default };
        var below = Below(plain, V2);
        return s.XKubernetesEmbeddedResource && s.XKubernetesPreserveUnknownFields != true ? WithMeta(below, false) : below;
    }
}
