using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Server.Crd.Definition;
using Hanbae.Server.Crd.Rules;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Tests.Crd;

/// <summary>What a definition has to be, without a server: each finding where upstream finds it, in its words.</summary>
public sealed class DefinitionRulesTests
{
    static CustomResourceDefinition Read(string json)
    {
        var reader = new JsonReader(Encoding.UTF8.GetBytes(json));
        return CustomResourceDefinition.ReadJson(ref reader);
    }

    /// <summary>Of one version or more, each <c>{name}|{what else it has}</c>; the first is stored.</summary>
    static CustomResourceDefinition Of(string[] versions, string spec = "")
    {
        string all = string.Join(",", versions.Select((v, i) => v.Split('|', 2) is var parts ? $$"""{"name":"{{parts[0]}}","served":true,"storage":{{(i == 0 ? "true" : "false")}}{{parts[1]}}}""" : ""));
        return Read($$"""
            {"metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","singular":"thing","kind":"Thing","listKind":"ThingList"},
            "conversion":{"strategy":"None"},"versions":[{{all}}]{{spec}} },"status":{"storedVersions":["{{versions[0].Split('|')[0]}}"]} }
            """);
    }

    static string Schema(string spec = """{"type":"object"}""", string root = "") => $$$""","schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{{{spec}}} }{{{root}}}} }""";

    static string Ruled(string rule, string more = "") =>
        Schema("""{"type":"object","x-kubernetes-validations":[""" + rule + """],"properties":{"a":{"type":"string","maxLength":9},"m":{"type":"object","additionalProperties":{"type":"integer"}}""" + more + "}}");

    static string[] Told(IEnumerable<Machinery.Validate.FieldError> errors) => [.. errors.Select(e => e.ToString())];

    const string Validations = "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].";

    public static TheoryData<string[], string> Versions => new()
    {
        { ["v1|"], "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required" },
        { ["v1|,\"schema\":{}"], "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required" },
        { ["v1|" + Schema() + ",\"deprecationWarning\":\"x\""], "spec.versions[0].deprecationWarning: Invalid value: \"x\": can only be set for deprecated versions" },
        { ["v1|" + Schema() + ",\"deprecated\":true,\"deprecationWarning\":\"\""], "spec.versions[0].deprecationWarning: Invalid value: \"\": must not be an empty string" },
        { ["v1|" + Schema() + ",\"deprecated\":true,\"deprecationWarning\":\"\u00e9\\u200bx\""], "spec.versions[0].deprecationWarning: Invalid value: \"\u00e9\\u200bx\": must only contain printable UTF-8 characters; non-printable character found at index 2" },
        // The restriction of the root is about any version that has a status, when all have one schema.
        { ["v1|" + Schema(root: ",\"minProperties\":1"), "v2|" + Schema(root: ",\"minProperties\":1") + ",\"subresources\":{\"status\":{}}"], "are allowed at the root of the schema if the status subresource is enabled" },
        { ["v1|" + Schema(root: ",\"x-kubernetes-map-type\":\"atomic\"") + ",\"subresources\":{\"status\":{}}"], "are allowed at the root of the schema if the status subresource is enabled" },
        // What all versions have alike stands at the top, and is told once.
        { ["v1|" + Schema() + ",\"subresources\":{\"scale\":{\"specReplicasPath\":\".a\",\"statusReplicasPath\":\".status.x\"}}", "v2|" + Schema("{\"type\":\"object\",\"nullable\":true}") + ",\"subresources\":{\"scale\":{\"specReplicasPath\":\".a\",\"statusReplicasPath\":\".status.x\"}}"],
            "spec.subresources.scale.specReplicasPath: Invalid value: \".a\": should be a json path under .spec" },
        { ["v1|" + Schema() + ",\"additionalPrinterColumns\":[{\"name\":\"a\",\"type\":\"x\",\"jsonPath\":\".spec\"}]", "v2|" + Schema()],
            "spec.versions[0].additionalPrinterColumns[0].type: Invalid value: \"x\": must be one of boolean,date,integer,number,string" },
        { ["v1|" + Schema() + ",\"additionalPrinterColumns\":[{\"name\":\"a\",\"type\":\"string\",\"jsonPath\":\"spec\"}]"], "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"spec\": must be a simple json path starting with ." },
        { ["v1|" + Ruled("") + ",\"selectableFields\":[{\"jsonPath\":\".spec.b\"}]"], "spec.selectableFields[0].jsonPath: Invalid value: \".spec.b\": is an invalid path: does not refer to a valid field" },
        { ["v1|" + Ruled("") + ",\"selectableFields\":[{\"jsonPath\":\"spec.a\"}]"], "spec.selectableFields[0].jsonPath: Invalid value: \"spec.a\": is an invalid path: expected [ or . but got: spec" },
        { ["v1|" + Ruled("") + ",\"selectableFields\":[{\"jsonPath\":\".spec['a']\"}]"], "spec.selectableFields[0].jsonPath: Invalid value: \".spec['a']\": is an invalid path: array notation is not allowed" },
        { ["v1|" + Ruled("") + ",\"selectableFields\":[{\"jsonPath\":\".spec.\"}]"], "spec.selectableFields[0].jsonPath: Invalid value: \".spec.\": is an invalid path: unexpected end of JSON path" },
        { ["v1|" + Ruled("") + ",\"selectableFields\":[{\"jsonPath\":\".spec\"}]"], "spec.selectableFields[0].jsonPath: Invalid value: \".spec\": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed." },
        { ["v1|" + Schema("{\"type\":\"null\"}")], "spec.validation.openAPIV3Schema.properties[spec].type: Unsupported value: \"null\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"" },
        { ["v1|" + Ruled("{\"rule\":\"true\",\"fieldPath\":\".b\"}")], Validations + "fieldPath: Invalid value: \".b\": fieldPath must be a valid path" },
        { ["v1|" + Ruled("{\"rule\":\"true\",\"fieldPath\":\" \"}")], Validations + "fieldPath: Invalid value: \" \": fieldPath must be non-empty if specified" },
        { ["v1|" + Ruled("{\"rule\":\"true\",\"fieldPath\":\".a\\n\"}")], Validations + "fieldPath: Invalid value: \".a\\n\": fieldPath must not contain line breaks" },
        { ["v1|" + Ruled("{\"rule\":\"true\",\"message\":\" \"}")], Validations + "message: Invalid value: \" \": message must be non-empty if specified" },
        { ["v1|" + Ruled("{\"rule\":\"true\",\"message\":\"a\\nb\"}")], Validations + "message: Invalid value: \"a\\nb\": message must not contain line breaks" },
        { ["v1|" + Ruled("{\"rule\":\"true\\n || true\"}")], Validations + "message: Required value: message must be specified if rule contains line breaks" },
        { ["v1|" + Ruled("{\"rule\":\"true\",\"reason\":\"Other\"}")], Validations + "reason: Unsupported value: \"Other\"" },
    };

    [Theory]
    [MemberData(nameof(Versions))]
    public void What_is_wrong_is_told_where_upstream_tells_it(string[] versions, string wrong) =>
        Assert.Single(Told(DefinitionRules.Create(Of(versions))), e => e.Contains(wrong, StringComparison.Ordinal));

    [Fact]
    public void A_wrong_name_of_the_first_version_is_told_of_what_v1beta1_called_the_version_too() =>
        Assert.Equal(["spec.versions[0].name", "spec.version"], DefinitionRules.Create(Of(["V1|" + Schema()])).Select(e => e.Field));

    public static TheoryData<string> Right =>
    [
        Ruled("{\"rule\":\"true\",\"fieldPath\":\".m['some key']\"}"),
        Ruled("{\"rule\":\"true\",\"fieldPath\":\"['a']\"}"),
        Ruled("") + ",\"selectableFields\":[{\"jsonPath\":\".spec.a\"}]",
        // Whole maps are replaced, but their members are still known by their names: what was before can be told.
        Schema("{\"type\":\"object\",\"x-kubernetes-map-type\":\"atomic\",\"properties\":{\"a\":{\"type\":\"string\",\"x-kubernetes-validations\":[{\"rule\":\"self == oldSelf\"}]}}}"),
    ];

    [Theory]
    [MemberData(nameof(Right))]
    public void What_upstream_takes_is_taken(string version) => Assert.Empty(Told(DefinitionRules.Create(Of(["v1|" + version]))));

    [Fact]
    public void Rules_are_held_against_the_parts_of_a_schema_that_are_right()
    {
        var told = Told(DefinitionRules.Create(Of(["v1|" + Schema("""
            {"type":"object","x-kubernetes-validations":[{"rule":"self.none == 1"}],"properties":{
            "good":{"type":"string","x-kubernetes-validations":[{"rule":"self.nothing"}]},
            "bad":{"type":"array","uniqueItems":true,"items":{"type":"string"}}}}
            """)])));
        Assert.Contains(told, e => e.Contains("properties[bad].uniqueItems: Forbidden", StringComparison.Ordinal));
        Assert.Contains(told, e => e.Contains("properties[good].x-kubernetes-validations[0].rule: Invalid value", StringComparison.Ordinal));
        Assert.Equal(2, told.Length);
    }

    [Fact]
    public void Review_versions_that_nobody_knew_before_may_stay()
    {
        static CustomResourceDefinition With(string version) => Of(["v1|" + Schema()]) is var crd
            ? crd with { Spec = crd.Spec with { Conversion = new() { Strategy = "Webhook", Webhook = new() { ClientConfig = new() { Url = "https://example.com/x" }, ConversionReviewVersions = [version] } } } } : null!;
        Assert.Empty(Told(DefinitionRules.Update(With("v8"), With("v9"), "")));
        Assert.Equal(["spec.conversion.conversionReviewVersions: Invalid value: [\"v9\"]: must include at least one of v1, v1beta1"], Told(DefinitionRules.Update(With("v9"), With("v1"), "")));
    }

    [Fact]
    public void Members_of_a_map_that_is_replaced_whole_may_not_change_against_a_rule()
    {
        var crd = Of(["v1|" + Schema("{\"type\":\"object\",\"x-kubernetes-map-type\":\"atomic\",\"properties\":{\"a\":{\"type\":\"string\",\"x-kubernetes-validations\":[{\"rule\":\"self == oldSelf\"}]}}}")]);
        var rules = RuleNode.Of(Structural.Of(crd.Spec.Versions[0].Schema!.OpenAPIV3Schema!))!;
        static JsonObject With(string a) => (JsonObject)JsonValue.Parse(Encoding.UTF8.GetBytes($$$"""{"spec":{"a":"{{{a}}}"}}"""));
        Assert.Empty(Told(EnforcedRules.Check(rules, With("x"), With("x"))));
        Assert.Equal(["spec.a: Invalid value: \"y\": failed rule: self == oldSelf"], Told(EnforcedRules.Check(rules, With("y"), With("x"))));
    }

    [Theory]
    [InlineData(".a", "a")]
    [InlineData("['a']", "a")]
    [InlineData(".m.k", "m[k]")]
    [InlineData(".m['it\\'s']", "m[it's]")]
    public void A_path_is_shown_by_what_it_goes_through(string path, string shown)
    {
        var spec = Of(["v1|" + Ruled("")]).Spec.Versions[0].Schema!.OpenAPIV3Schema!.Properties["spec"]!;
        Assert.Equal("spec." + shown, SchemaPath.Of(path, Structural.Of(spec), out _)!.Below("spec"));
    }
}
