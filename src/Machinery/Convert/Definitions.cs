using System.Collections.Immutable;
using Hanbae.Api.Json;
using V1 = Hanbae.Api.Apiextensions.V1;
using V1Beta1 = Hanbae.Api.Apiextensions.V1beta1;

namespace Hanbae.Machinery.Convert;

/// <summary>CustomResourceDefinitions between v1 and v1beta1, where what all versions have alike may stand once at the top, and unknown fields were kept unless told otherwise.</summary>
/// <remarks>On the JSON of both: schemas, which are most of a definition, are the same in either.</remarks>
static class Definitions
{
    /// <summary>What a version has of its own in v1, and the name under which v1beta1 may have it at the top for all.</summary>
    static readonly (string Own, string Shared)[] s_parts =
        [("schema", "validation"), ("subresources", "subresources"), ("additionalPrinterColumns", "additionalPrinterColumns"), ("selectableFields", "selectableFields")];

    public static V1.CustomResourceDefinition ToV1(V1Beta1.CustomResourceDefinition old)
    {
        var tree = (JsonObject)JsonValue.Parse(V1Beta1.CustomResourceDefinition.Info.ToJson(old));
        return (V1.CustomResourceDefinition)V1.CustomResourceDefinition.Info.Decode(tree.With("spec", Spec((JsonObject)tree["spec"]!)).ToUtf8());
    }

    public static V1Beta1.CustomResourceDefinition ToOld(V1.CustomResourceDefinition now)
    {
        var tree = (JsonObject)JsonValue.Parse(V1.CustomResourceDefinition.Info.ToJson(now));
        return (V1Beta1.CustomResourceDefinition)V1Beta1.CustomResourceDefinition.Info.Decode(tree.With("spec", OldSpec((JsonObject)tree["spec"]!)).ToUtf8());
    }

    static JsonObject Spec(JsonObject spec)
    {
        var versions = Versions(spec);
        if (versions.Count == 0 && spec["version"] is JsonString { Value.Length: > 0 } only) versions = JsonArray.Of(JsonObject.Of(("name", only), ("served", JsonBool.True), ("storage", JsonBool.True)));
        foreach (var (own, shared) in s_parts)
            if (spec[shared] is { } part and not JsonNull) versions = Each(versions, v => v.Contains(own) ? v : v.With(own, part));
        versions = Each(versions, v => v["additionalPrinterColumns"] is JsonArray columns ? v.With("additionalPrinterColumns", Columns(columns, "JSONPath", "jsonPath")) : v);
        var made = spec.Without("version").With("versions", versions).With("preserveUnknownFields", spec["preserveUnknownFields"] is JsonBool said ? said : JsonBool.True);
        foreach (var (_, shared) in s_parts) made = made.Without(shared);
        if (spec["scope"] is not JsonString { Value.Length: > 0 }) made = made.With("scope", "Namespaced");
        return spec["conversion"] is JsonObject conversion ? made.With("conversion", Conversion(conversion)) : made;
    }

    static JsonObject OldSpec(JsonObject spec)
    {
        var versions = Each(Versions(spec), v => v["additionalPrinterColumns"] is JsonArray columns ? v.With("additionalPrinterColumns", Columns(columns, "jsonPath", "JSONPath")) : v);
        var made = spec;
        if (versions.Count > 0)
        {
            made = made.With("version", ((JsonObject)versions[0])["name"]!);
            foreach (var (own, shared) in s_parts)
            {
                // As upstream: what all have alike moves up.
                var part = ((JsonObject)versions[0])[own];
                if (part is null || !versions.Items.All(v => part.Equals(((JsonObject)v)[own]))) continue;
                made = made.With(shared, part);
                versions = Each(versions, v => v.Without(own));
            }
        }
        made = made.With("versions", versions).With("preserveUnknownFields", spec["preserveUnknownFields"] is JsonBool said ? said : JsonBool.False);
        return spec["conversion"] is JsonObject conversion ? made.With("conversion", OldConversion(conversion)) : made;
    }

    static JsonObject Conversion(JsonObject conversion)
    {
        var webhook = JsonObject.Empty;
        if (conversion["webhookClientConfig"] is JsonObject client) webhook = webhook.With("clientConfig", client);
        if (conversion["conversionReviewVersions"] is JsonArray { Count: > 0 } versions) webhook = webhook.With("conversionReviewVersions", versions);
        else if (conversion["strategy"] is JsonString { Value: "Webhook" }) webhook = webhook.With("conversionReviewVersions", JsonArray.Of("v1beta1"));
        var made = conversion.Without("webhookClientConfig").Without("conversionReviewVersions");
        return webhook.Count == 0 ? made : made.With("webhook", webhook);
    }

    static JsonObject OldConversion(JsonObject conversion)
    {
        var made = conversion.Without("webhook");
        if (conversion["webhook"] is not JsonObject webhook) return made;
        if (webhook["clientConfig"] is { } client) made = made.With("webhookClientConfig", client);
        return webhook["conversionReviewVersions"] is { } versions ? made.With("conversionReviewVersions", versions) : made;
    }

    static JsonArray Versions(JsonObject spec) => spec["versions"] as JsonArray ?? JsonArray.Empty;

    static JsonArray Each(JsonArray items, Func<JsonObject, JsonObject> change) => new([.. items.Items.Select(i => (JsonValue)change((JsonObject)i))]);

    static JsonArray Columns(JsonArray columns, string from, string to) => Each(columns, c => c[from] is { } path ? c.Without(from).With(to, path) : c);
}
