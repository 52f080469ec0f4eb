using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

[Collection(ControlPlaneRig.Name)]
public sealed class FieldValidationTests(ControlPlaneRig rig)
{
    const string Schema = """
        {"type":"object","properties":{"spec":{"type":"object","properties":{"foo":{"type":"string"},"cronSpec":{"type":"string","pattern":"^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$"},
        "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["containerPort","protocol"],"items":{"type":"object","required":["containerPort","protocol"],
        "properties":{"containerPort":{"type":"integer","format":"int32"},"hostIP":{"type":"string"},"hostPort":{"type":"integer","format":"int32"},"name":{"type":"string"},"protocol":{"type":"string"}}}}}}}}
        """;

    static string Deployment(string metadata = "", string spec = "") => $$"""
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"my-dep",{{metadata}}"labels":{"app":"nginx"} },"spec":{ {{spec}}"selector":{"matchLabels":{"app":"nginx"} },
        "template":{"metadata":{"labels":{"app":"nginx"} },"spec":{"containers":[{"name":"nginx","image":"nginx:latest"}]} } } }
        """;

    [Theory]
    [InlineData("", "\"unknownField\":\"foo\",\"replicas\":2,\"replicas\":3,", "unknown field \"spec.unknownField\", duplicate field \"spec.replicas\"")]
    [InlineData("\"unknownMeta\":\"foo\",", "", "unknown field \"metadata.unknownMeta\"")]
    [Trait("Conformance", "[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object [Conformance]")]
    public async Task Fields_that_are_not_there_or_there_twice_are_told(string metadata, string spec, string wrong)
    {
        string deployments = $"/apis/apps/v1/namespaces/{await rig.NamespaceAsync()}/deployments", body = Deployment(metadata, spec);
        var refused = await rig.Admin.RefusedAsync(400, "BadRequest", "POST", deployments + "?fieldManager=field_validation_mgr&fieldValidation=Strict", body);
        Assert.Contains("strict decoding error: " + wrong, refused.Text("message"));
        var warned = await rig.Admin.SendAsync("POST", deployments + "?fieldManager=field_validation_mgr&fieldValidation=Warn&dryRun=All", body);
        Assert.Equal((201, wrong.Split(", ").Length), (warned.Code, warned.Warnings.Count));
        var ignored = await rig.Admin.SendAsync("POST", deployments + "?fieldValidation=Ignore&dryRun=All", body);
        Assert.Equal((201, 0), (ignored.Code, ignored.Warnings.Count));
    }

    static string Yaml(Definition definition, string root, string spec) =>
        $"apiVersion: {definition.Group}/v1beta1\nkind: {definition.Kind}\nmetadata:\n  name: mytest\n  finalizers:\n  - test-finalizer\n{root}spec:\n  {spec}: foo1\n  cronSpec: \"* * * * */5\"\n  ports:\n  - name: x\n    containerPort: 80\n    protocol: TCP\n";

    async Task<Wire.Answer> AppliedAsync(string schema, string root, string spec)
    {
        // The version that is asked for is not the one that is stored.
        await using var definition = await Definition.MakeAsync(rig.Admin, "Cluster", null, Definition.Version("v1beta1", schema, storage: false), Definition.Version("v1beta2", schema));
        string path = definition.Path("v1beta1") + "/mytest";
        var answer = await rig.Admin.SendAsync("PATCH", path + "?fieldManager=field_validation_mgr&fieldValidation=Strict", Yaml(definition, root, spec), Wire.Apply);
        if (answer.Code < 300) await rig.Admin.PatchAsync(path, """{"metadata":{"finalizers":null}}""");
        return answer;
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema [Conformance]")]
    public async Task A_valid_custom_object_is_applied()
    {
        var answer = await AppliedAsync(Schema, "", "foo");
        Assert.True(answer.Code == 201, answer.Body);
        Assert.Equal(("foo1", "TCP"), (answer.Json.Text("spec", "foo"), answer.Json.Text("spec", "ports", "0", "protocol")));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema [Conformance]")]
    public async Task Without_a_schema_every_field_is_known()
    {
        var answer = await AppliedAsync(Definition.Anything, "", "unknown");
        Assert.True(answer.Code == 201, answer.Body);
        Assert.Equal("foo1", answer.Json.Text("spec", "unknown"));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema [Conformance]")]
    public async Task With_a_schema_other_fields_are_refused()
    {
        Assert.Contains(".unknownField: field not declared in schema", (await AppliedAsync(Schema, "unknownField: unknown\n", "foo")).Body);
        Assert.Contains(".spec.other: field not declared in schema", (await AppliedAsync(Schema, "", "other")).Body);
    }
}
