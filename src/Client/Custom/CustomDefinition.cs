using System.ComponentModel;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;

namespace Hanbae.Client;

/// <summary>Tells the cluster of a custom resource: the CustomResourceDefinition comes from the type, schema included.</summary>
public static class CustomDefinition
{
    static readonly JsonSchemaExporterOptions s_options = new()
    {
        TreatNullObliviousAsNonNullable = true,
        // The generated code holds on to the properties it tells of, and so to their attributes, trimmed or not.
        TransformSchemaNode = static (context, schema) =>
        {
            var said = context.PropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(DescriptionAttribute), inherit: true);
            if (schema is JsonObject described && said is [DescriptionAttribute { Description: { Length: > 0 } text }, ..]) described["description"] = text;
            return schema;
        },
    };

    /// <summary>The definition, to be applied or written into a manifest.</summary>
    public static CustomResourceDefinition ToDefinition<TSpec, TStatus>(this CustomKind<TSpec, TStatus> kind) where TSpec : class where TStatus : class
    {
        var version = new JsonObject
        {
            ["name"] = kind.Version, ["served"] = true, ["storage"] = true,
            ["schema"] = new JsonObject
            {
                ["openAPIV3Schema"] = new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject { ["spec"] = SchemaOf(kind.Spec), ["status"] = SchemaOf(kind.Status) },
                },
            },
            ["subresources"] = new JsonObject { ["status"] = new JsonObject() },
        };
        if (!kind.Columns.IsEmpty)
            version["additionalPrinterColumns"] = new JsonArray(
                [.. kind.Columns.Append(new("Age", ".metadata.creationTimestamp", "date")).Select(c => new JsonObject { ["name"] = c.Name, ["type"] = c.Type, ["jsonPath"] = c.JsonPath })]);
        var definition = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{kind.Plural}.{kind.Group}" },
            ["spec"] = new JsonObject
            {
                ["group"] = kind.Group, ["scope"] = kind.Namespaced ? "Namespaced" : "Cluster",
                ["names"] = new JsonObject
                {
                    ["plural"] = kind.Plural, ["singular"] = kind.Singular, ["kind"] = kind.Kind, ["listKind"] = kind.Kind + "List",
                    ["shortNames"] = Texts(kind.ShortNames), ["categories"] = Texts(kind.Categories),
                },
                ["versions"] = new JsonArray(version),
            },
        };
        return (CustomResourceDefinition)CustomResourceDefinition.Info.Decode(System.Text.Encoding.UTF8.GetBytes(definition.ToJsonString()));
    }

    /// <summary>Applies the definition and waits until the cluster serves the resource.</summary>
    /// <param name="fieldManager">Who applies: the operator's name.</param>
    public static async Task InstallAsync<TSpec, TStatus>(this CustomKind<TSpec, TStatus> kind, IClient client, string fieldManager, CancellationToken ct)
        where TSpec : class where TStatus : class
    {
        var applied = await client.ApplyAsync(kind.ToDefinition(), fieldManager, ct);
        var me = new ListQuery { FieldSelector = "metadata.name=" + applied.Metadata.Name };
        while (!IsServed(applied))
            await foreach (var e in client.WatchAsync<CustomResourceDefinition>(me, "", ct))
                if (IsServed(applied = e.Object)) break;
    }

    static bool IsServed(CustomResourceDefinition definition) => definition.Status.Conditions.Exists(c => c is { Type: "Established", Status: "True" });

    static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => JsonValue.Create(t))]);

    static JsonNode SchemaOf(JsonTypeInfo type)
    {
        var schema = Structural(JsonSchemaExporter.GetJsonSchemaAsNode(type, s_options));
        schema.Remove("nullable");
        return schema;
    }

    /// <summary>What is left of a JSON schema when it is put as CustomResourceDefinitions want it: one type each, null as a mark, no references.</summary>
    static JsonObject Structural(JsonNode node)
    {
        if (node is not JsonObject from || from.ContainsKey("$ref") || from.ContainsKey("anyOf")) return Anything();
        var to = new JsonObject();
        var types = from["type"] switch
        {
            JsonArray several => several.Select(t => (string)t!).ToList(),
            JsonValue one => [(string)one!],
            _ => [],
        };
        if (types.Remove("null")) to["nullable"] = true;
        // Numbers that may come as texts are numbers here.
        if (types.Count > 1) types.Remove("string");
        if (types.Count == 0 && from.ContainsKey("enum")) types.Add("string");
        if (types.Count != 1) return Anything();
        to["type"] = types[0];
        foreach (string kept in (string[])["description", "format", "minimum", "maximum", "title"])
            if (from[kept] is { } value) to[kept] = value.DeepClone();
        if (types[0] == "string" && from["pattern"] is { } pattern) to["pattern"] = pattern.DeepClone();
        if (from["default"] is { } given) to["default"] = given.DeepClone();
        if (from["enum"] is JsonArray values) to["enum"] = new JsonArray([.. values.Where(v => v is not null).Select(v => v!.DeepClone())]);
        if (from["items"] is { } items) to["items"] = Structural(items);
        if (from["properties"] is JsonObject properties)
        {
            var inner = new JsonObject();
            foreach (var (name, property) in properties) inner[name] = Structural(property!);
            to["properties"] = inner;
            if (from["required"] is { } required) to["required"] = required.DeepClone();
        }
        else if (from["additionalProperties"] is JsonObject each) to["additionalProperties"] = Structural(each);
        else if (types[0] == "object") to["x-kubernetes-preserve-unknown-fields"] = true;
        return to;
    }

    static JsonObject Anything() => new() { ["x-kubernetes-preserve-unknown-fields"] = true };
}
