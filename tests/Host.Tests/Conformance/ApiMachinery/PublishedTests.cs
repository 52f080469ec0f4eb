using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

/// <summary>What definitions say of their kinds is published, for kubectl and everybody else.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class PublishedTests(ControlPlaneRig rig)
{
    const string Foo = """
        {"type":"object","description":"Foo CRD for Testing","properties":{"spec":{"type":"object","description":"Specification of Foo","properties":{"bars":{"description":"List of Bars and their specs.","type":"array",
        "items":{"type":"object","required":["name"],"properties":{"name":{"description":"Name of Bar.","type":"string"},"age":{"description":"Age of Bar.","type":"string"},"bazs":{"description":"List of Bazs.","items":{"type":"string"},"type":"array"} } } } } },
        "status":{"description":"Status of Foo","type":"object","properties":{"bars":{"description":"List of Bars and their statuses.","type":"array","items":{"type":"object","properties":{"name":{"description":"Name of Bar.","type":"string"},"available":{"description":"Whether the Bar is installed.","type":"boolean"} } } } } } } }
        """;
    const string Waldo = """
        {"type":"object","description":"Waldo CRD for Testing","properties":{"spec":{"type":"object","description":"Specification of Waldo","properties":{"dummy":{"description":"Dummy property.","type":"object"} } },"status":{"description":"Status of Waldo","type":"object"} } }
        """;
    const string Nested = """
        {"type":"object","description":"preserve-unknown-properties in nested field for Testing","properties":{"spec":{"type":"object","description":"Specification of Waldo","x-kubernetes-preserve-unknown-fields":true,"properties":{"dummy":{"description":"Dummy property.","type":"object"} } },
        "status":{"description":"Status of Waldo","type":"object","properties":{"bars":{"description":"List of Bars and their statuses.","type":"array","items":{"type":"object"} } } } } }
        """;

    async Task<JsonNode?> PublishedAsync(Definition definition, string version) => (await rig.Admin.GetAsync("/openapi/v2")).At("definitions", definition.ModelName(version));

    /// <summary>Waits until the documents of both forms have the kind with all that its schema says.</summary>
    async Task PublishedAsync(Definition definition, string version, string schema)
    {
        var wanted = JsonNode.Parse(schema);
        bool Same(JsonNode? model) => model.Has(wanted) && model!["x-kubernetes-group-version-kind"].Has(new JsonArray(JsonNode.Parse($$"""{"group":"{{definition.Group}}","version":"{{version}}","kind":"{{definition.Kind}}"}""")));
        await Wire.EventuallyAsync(async () => Same(await PublishedAsync(definition, version)));
        await Wire.EventuallyAsync(async () => (await rig.Admin.SendAsync("GET", $"/openapi/v3/apis/{definition.Group}/{version}")) is { Code: 200 } v3 && Same(v3.Json.At("components", "schemas", definition.ModelName(version))));
    }

    async Task TakenBackAsync(Definition definition, string version)
    {
        await Wire.EventuallyAsync(async () => await PublishedAsync(definition, version) is null);
        await Wire.EventuallyAsync(async () => (await rig.Admin.SendAsync("GET", $"/openapi/v3/apis/{definition.Group}/{version}")) is not { Code: 200 } v3 || v3.Json.At("components", "schemas", definition.ModelName(version)) is null);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of different groups [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group and version but different kinds [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group but different versions [Conformance]")]
    public async Task Definitions_stand_side_by_side()
    {
        await using var one = await Definition.MakeAsync(rig.Admin, "Namespaced", null, Definition.Version("v1", Foo));
        await using var elsewhere = await Definition.MakeAsync(rig.Admin, "Namespaced", null, Definition.Version("v1beta1", Waldo));
        await using var kind = await Definition.MakeAsync(rig.Admin, "Namespaced", one.Group, Definition.Version("v1", Waldo));
        await using var version = await Definition.MakeAsync(rig.Admin, "Namespaced", one.Group, Definition.Version("v5", Foo), Definition.Version("v6alpha1", Waldo, storage: false));
        await PublishedAsync(elsewhere, "v1beta1", Waldo);
        await PublishedAsync(one, "v1", Foo);
        await PublishedAsync(kind, "v1", Waldo);
        await PublishedAsync(version, "v5", Foo);
        await PublishedAsync(version, "v6alpha1", Waldo);
        await kind.DisposeAsync();
        await TakenBackAsync(kind, "v1");
        await PublishedAsync(one, "v1", Foo);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] updates the published spec when one version gets renamed [Conformance]")]
    public async Task A_version_that_is_renamed_is_published_by_its_new_name()
    {
        await using var definition = await Definition.MakeAsync(rig.Admin, "Namespaced", null, Definition.Version("v2", Foo), Definition.Version("v3", Foo, storage: false));
        await PublishedAsync(definition, "v2", Foo);
        await PublishedAsync(definition, "v3", Foo);
        await rig.Admin.PatchAsync(Definition.All + "/" + definition.Name, """[{"op":"test","path":"/spec/versions/1/name","value":"v3"},{"op":"replace","path":"/spec/versions/1/name","value":"v4"}]""", Wire.Steps);
        await PublishedAsync(definition, "v4", Foo);
        await TakenBackAsync(definition, "v3");
        await PublishedAsync(definition, "v2", Foo);
    }

    /// <summary>kubectl creates and applies an object of fields that no schema names, and takes it away again.</summary>
    async Task<string> TakesAsync(Definition definition, string content)
    {
        string ns = await rig.NamespaceAsync(), body = definition.Object("test-cr", more: content), known = "";
        await Wire.EventuallyAsync(async () => (known = (await rig.Kubectl.TryAsync("", "explain", definition.Plural)).Output).Length > 0);
        foreach (string verb in (string[])["create", "apply"])
        {
            await rig.Kubectl.RunAsync(body, verb, "-n", ns, "-f", "-");
            Assert.True((await rig.Admin.GetAsync(definition.Path("v1", ns) + "/test-cr")).Has(JsonNode.Parse(content)));
            await rig.Kubectl.RunAsync("", "delete", "-n", ns, definition.Plural, "test-cr");
        }
        return known;
    }

    [KubectlFact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD without validation schema [Conformance]")]
    public async Task Without_a_schema_kubectl_takes_everything_and_explains_nothing()
    {
        await using var definition = await Definition.MakeAsync(rig.Admin, "Namespaced", null, Definition.Version("v1", Definition.Anything));
        Assert.Matches("(?s)DESCRIPTION:.*<empty>", await TakesAsync(definition, """{"a":{"b":[{"c":"d"}]}}"""));
    }

    [KubectlFact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields in an embedded object [Conformance]")]
    public async Task In_an_object_that_keeps_unknown_fields_kubectl_takes_everything()
    {
        await using var definition = await Definition.MakeAsync(rig.Admin, "Namespaced", null, Definition.Version("v1", Nested));
        Assert.Matches("(?s)DESCRIPTION:.*preserve-unknown-properties in nested field for Testing", await TakesAsync(definition, """{"spec":{"a":null,"b":[{"c":"d"}]}}"""));
    }
}
