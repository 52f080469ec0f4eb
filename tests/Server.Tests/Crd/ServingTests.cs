using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Tests.Crd;

/// <summary>How custom resources are served: encodings, patches, subresources, selectors, watches, and how they are described.</summary>
public sealed class ServingTests
{
    const string Any = """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""";

    [Fact]
    public async Task Protobuf_is_for_metadata_only_and_strategic_patches_for_nobody()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any));
        await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", "{}"));
        var refused = await rig.Test.GetAsync(CrdRig.Things + "/a", "application/vnd.kubernetes.protobuf");
        Assert.Equal(406, refused.Code);
        Assert.Contains("only the following media types are accepted: application/json, application/yaml", refused.Body);
        Assert.Equal("application/json", (await rig.Test.GetAsync(CrdRig.Things + "/a", "application/vnd.kubernetes.protobuf,application/json")).ContentType);
        var partial = await rig.Test.GetAsync(CrdRig.Things, "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
        Assert.Equal((200, "application/vnd.kubernetes.protobuf"), (partial.Code, partial.ContentType));
        Assert.Equal(415, (await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a", "{}", "application/strategic-merge-patch+json")).Code);
        Assert.Equal(415, (await rig.Test.SendAsync("POST", CrdRig.Things, "k8s", "application/vnd.kubernetes.protobuf")).Code);
        var yaml = await rig.Test.SendAsync("POST", CrdRig.Things, "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: from-yaml}\nspec: {a: 1.0}\n", "application/yaml");
        Assert.True(yaml.Code == 201, yaml.Body);
        Assert.Equal("""{"a":1}""", yaml.Text("spec"));
    }

    [Fact]
    public async Task Status_and_spec_are_written_apart_and_generations_count_the_spec()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any, ",\"subresources\":{\"status\":{}}"));
        var made = await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", """{"x":1}""", ",\"status\":{\"y\":1}"));
        Assert.False(made.Json.Contains("status"));
        var status = await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a/status", """{"spec":{"x":2},"metadata":{"labels":{"a":"b"}},"status":{"y":2}}""", "application/merge-patch+json");
        Assert.Equal(("""{"x":1}""", """{"y":2}""", "1", ""), (status.Text("spec"), status.Text("status"), status.Text("metadata", "generation"), status.Text("metadata", "labels")));
        var spec = await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a", """{"spec":{"x":3},"status":{"y":9}}""", "application/merge-patch+json");
        Assert.Equal(("""{"x":3}""", """{"y":2}""", "2"), (spec.Text("spec"), spec.Text("status"), spec.Text("metadata", "generation")));
        var blind = await rig.Test.SendAsync("PUT", CrdRig.Things + "/a", CrdRig.Object("a", "{}"));
        Assert.Equal((422, "Thing.example.com \"a\" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"), (blind.Code, blind.Message));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector [Conformance]")]
    public async Task Selectable_fields_select_lists_and_watches()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing("""{"type":"object","properties":{"host":{"type":"string"},"port":{"type":"integer"}}}""", ",\"selectableFields\":[{\"jsonPath\":\".spec.host\"},{\"jsonPath\":\".spec.port\"}]"));
        await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", """{"host":"x","port":80}"""));
        await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("b", """{"host":"y","port":80}"""));
        Assert.Equal("b", (await rig.Test.GetAsync(CrdRig.Things + "?fieldSelector=spec.host%3Dy,spec.port%3D80")).Text("items", "0", "metadata", "name"));
        Assert.Equal(400, (await rig.Test.GetAsync(CrdRig.Things + "?fieldSelector=spec.other%3Dy")).Code);
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var watch = rig.Test.WatchAsync(CrdRig.Things, stop.Token, ("fieldSelector", "spec.host=x")).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(("ADDED", "a"), (watch.Current.Type, watch.Current.Object.Metadata.Name));
        await rig.Test.SendAsync("PATCH", CrdRig.Things + "/b", """{"spec":{"host":"x"}}""", "application/merge-patch+json");
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(("ADDED", "b"), (watch.Current.Type, watch.Current.Object.Metadata.Name));
        await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a", """{"spec":{"host":"z"}}""", "application/merge-patch+json");
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(("DELETED", "a"), (watch.Current.Type, watch.Current.Object.Metadata.Name));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for requests and from storage works [Conformance]")]
    public async Task Defaults_fill_requests_and_what_was_stored_before_them()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing("""{"type":"object","properties":{"a":{"type":"string","default":"A"},"b":{"type":"string"}}}"""));
        var made = await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("x", "{}"));
        Assert.Equal("""{"a":"A"}""", made.Text("spec"));
        string more = CrdRig.Thing("""{"type":"object","properties":{"a":{"type":"string","default":"C"},"b":{"type":"string","default":"B"}}}""");
        await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", more, "application/merge-patch+json");
        await CrdRig.UntilAsync(async () => (await rig.Test.GetAsync(CrdRig.Things + "/x")).Text("spec") == """{"a":"A","b":"B"}""", "what is stored gets the new default");
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields [Conformance]")]
    public async Task Strict_requests_are_told_all_unknown_and_duplicate_fields()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing("""{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"foo":{"type":"string"},"template":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"metadata":{"type":"object","properties":{"name":{"type":"string"}}},"spec":{"type":"object"}}}}}"""));
        const string Body = """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a","unknownMeta":1},"spec":{"foo":"1","foo":"2","any":1,"template":{"apiVersion":"v1","kind":"K","metadata":{"name":"n","unknownSubMeta":1}}}}""";
        var strict = await rig.Test.PostAsync(CrdRig.Things + "?fieldValidation=Strict", Body);
        Assert.Equal(400, strict.Code);
        Assert.Contains("strict decoding error: duplicate field \"spec.foo\", unknown field \"metadata.unknownMeta\", unknown field \"spec.template.metadata.unknownSubMeta\"", strict.Message);
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Things + "?fieldValidation=Ignore", Body)).Code);
        Assert.Equal("1", (await rig.Test.GetAsync(CrdRig.Things + "/a")).Text("spec", "any"));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] removes definition from spec when one version gets changed to not be served [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields at the schema root [Conformance]")]
    public async Task Descriptions_follow_the_definitions()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Any, root: ",\"x-kubernetes-preserve-unknown-fields\":true", more: ""","{"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","description":"Second.","properties":{"n":{"type":"string","nullable":true}}}}}""".TrimStart('"', ',').Insert(0, ",")));
        var v2 = (await rig.Test.GetAsync("/openapi/v2")).Json;
        var definitions = (JsonObject)v2["definitions"]!;
        Assert.Equal("""{"type":"object","x-kubernetes-group-version-kind":[{"group":"example.com","kind":"Thing","version":"v1"}]}""", definitions["com.example.v1.Thing"]!.ToString());
        Assert.Contains("Second.", definitions["com.example.v2.Thing"]!.ToString());
        Assert.True(((JsonObject)v2["paths"]!).Contains("/apis/example.com/v2/namespaces/{namespace}/things/{name}"));
        Assert.Contains("apis/example.com/v2", (await rig.Test.GetAsync("/openapi/v3")).Body);
        var v3 = (await rig.Test.GetAsync("/openapi/v3/apis/example.com/v1")).Json;
        Assert.Contains("preserve-unknown-fields", ((JsonObject)((JsonObject)v3["components"]!)["schemas"]!)["com.example.v1.Thing"]!.ToString());
        string tag = string.Join("", (await rig.Test.GetAsync("/openapi/v2")).Headers.GetValues("ETag"));
        await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", """[{"op":"replace","path":"/spec/versions/1/served","value":false}]""", "application/json-patch+json");
        await CrdRig.UntilAsync(async () => !((JsonObject)(await rig.Test.GetAsync("/openapi/v2")).Json["definitions"]!).Contains("com.example.v2.Thing"), "the version is taken out");
        Assert.NotEqual(tag, string.Join("", (await rig.Test.GetAsync("/openapi/v2")).Headers.GetValues("ETag")));
        Assert.Equal(404, (await rig.Test.GetAsync("/apis/example.com/v2")).Code);
    }

    [Fact]
    public async Task A_caller_in_the_process_needs_no_more_than_the_kinds_name()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing("""{"type":"object","properties":{"a":{"type":"integer","default":1}}}"""));
        var kind = new UnstructuredKind("example.com", "v1", "Thing");
        var made = await rig.Test.CallAsync("POST", CrdRig.Things, new Unstructured(kind, new ObjectMeta { Name = "a" }, JsonObject.Of(("spec", JsonObject.Empty))));
        Assert.Equal(201, made.Code);
        Assert.Equal(JsonNumber.Of(1), ((Unstructured)made.Object!)["spec", "a"]);
        var list = await rig.Test.CallAsync("GET", CrdRig.Things);
        Assert.Equal("a", list.List!.Items[0].Metadata.Name);
        Assert.Equal(200, (await rig.Test.CallAsync("DELETE", CrdRig.Things)).Code);
    }
}
