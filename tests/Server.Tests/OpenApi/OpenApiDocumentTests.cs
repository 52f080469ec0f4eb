using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Rest;
using Hanbae.Server.OpenApi;

namespace Hanbae.Server.Tests.OpenApi;

public sealed class OpenApiDocumentTests
{
    static readonly OpenApiDocuments s_documents = new(DescribedVersions.Of(false, []), []);
    static readonly JsonElement s_v2 = JsonDocument.Parse(s_documents.V2Json.Content()).RootElement;
    static readonly JsonElement s_core = JsonDocument.Parse(s_documents.V3("api/v1")!.Content()).RootElement;

    static JsonElement V2(string type) => s_v2.GetProperty("definitions").GetProperty(type);
    static JsonElement V3(string type) => s_core.GetProperty("components").GetProperty("schemas").GetProperty(type);

    static string Property(JsonElement type, string property) => type.GetProperty("properties").GetProperty(property).GetRawText();

    public static TheoryData<string> Documents()
    {
        var data = new TheoryData<string> { "v2" };
        foreach (var path in JsonDocument.Parse(s_documents.Index.Content()).RootElement.GetProperty("paths").EnumerateObject()) data.Add(path.Name);
        return data;
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_reference_is_to_a_definition_of_the_same_document(string name)
    {
        var root = name == "v2" ? s_v2 : JsonDocument.Parse(s_documents.V3(name)!.Content()).RootElement;
        var types = name == "v2" ? root.GetProperty("definitions") : root.GetProperty("components").GetProperty("schemas");
        string prefix = name == "v2" ? "#/definitions/" : "#/components/schemas/";
        int references = 0;
        void Walk(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array) foreach (var item in element.EnumerateArray()) Walk(item);
            if (element.ValueKind != JsonValueKind.Object) return;
            foreach (var member in element.EnumerateObject())
                if (member is { Name: "$ref", Value.ValueKind: JsonValueKind.String })
                {
                    references++;
                    Assert.StartsWith(prefix, member.Value.GetString(), StringComparison.Ordinal);
                    Assert.True(types.TryGetProperty(member.Value.GetString()![prefix.Length..], out _), member.Value.GetString());
                }
                else Walk(member.Value);
        }
        Walk(root);
        Assert.True(references > 10, $"{references} references");
    }

    [Fact]
    public void Version_2_says_how_lists_merge_and_knows_no_defaults()
    {
        Assert.Equal("""{"type":"array","items":{"$ref":"#/definitions/io.k8s.api.core.v1.ContainerPort"},"x-kubernetes-list-map-keys":["containerPort","protocol"],"x-kubernetes-list-type":"map","x-kubernetes-patch-merge-key":"containerPort","x-kubernetes-patch-strategy":"merge"}""",
            WithoutDescription(Property(V2("io.k8s.api.core.v1.Container"), "ports")));
        Assert.Contains("\"x-kubernetes-patch-strategy\":\"merge,retainKeys\"", Property(V2("io.k8s.api.core.v1.PodSpec"), "volumes"));
        Assert.DoesNotContain("\"default\"", WithoutDescription(Property(V2("io.k8s.api.core.v1.ContainerPort"), "protocol")));
        Assert.Equal("atomic", V2("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector").GetProperty("x-kubernetes-map-type").GetString());
    }

    [Fact]
    public void Version_3_publishes_defaults_and_keeps_company_of_references_outside_of_them()
    {
        Assert.Contains("\"default\":\"TCP\"", Property(V3("io.k8s.api.core.v1.ContainerPort"), "protocol"));
        Assert.Equal("""{"default":{},"allOf":[{"$ref":"#/components/schemas/io.k8s.api.core.v1.PodSpec"}]}""", WithoutDescription(Property(V3("io.k8s.api.core.v1.Pod"), "spec")));
        Assert.Equal("""{"format":"int-or-string","oneOf":[{"type":"integer"},{"type":"string"}]}""", V3("io.k8s.apimachinery.pkg.util.intstr.IntOrString").GetRawText());
        Assert.Equal(["containers"], V3("io.k8s.api.core.v1.PodSpec").GetProperty("required").EnumerateArray().Select(r => r.GetString()));
    }

    static string WithoutDescription(string json)
    {
        using var parsed = JsonDocument.Parse(json);
        using var to = new MemoryStream();
        using (var writer = new Utf8JsonWriter(to))
        {
            writer.WriteStartObject();
            foreach (var member in parsed.RootElement.EnumerateObject()) if (member.Name != "description") member.WriteTo(writer);
            writer.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(to.ToArray());
    }

    [Fact]
    public void Every_kind_says_which_it_is()
    {
        Assert.Equal("""[{"group":"","kind":"Pod","version":"v1"}]""", V3("io.k8s.api.core.v1.Pod").GetProperty("x-kubernetes-group-version-kind").GetRawText());
        Assert.Equal("""[{"group":"apps","kind":"DeploymentList","version":"v1"}]""", V2("io.k8s.api.apps.v1.DeploymentList").GetProperty("x-kubernetes-group-version-kind").GetRawText());
        Assert.Equal("""[{"group":"","kind":"Status","version":"v1"}]""", V2("io.k8s.apimachinery.pkg.apis.meta.v1.Status").GetProperty("x-kubernetes-group-version-kind").GetRawText());
        Assert.False(V2("io.k8s.api.core.v1.PodSpec").TryGetProperty("x-kubernetes-group-version-kind", out _));
    }

    [Theory]
    [InlineData("/api/v1/namespaces/{namespace}/pods", "get", "listCoreV1NamespacedPod", "list")]
    [InlineData("/api/v1/pods", "get", "listCoreV1PodForAllNamespaces", "list")]
    [InlineData("/api/v1/namespaces/{namespace}/pods/{name}/exec", "post", "connectCoreV1PostNamespacedPodExec", "connect")]
    [InlineData("/api/v1/nodes/{name}/proxy/{path}", "options", "connectCoreV1OptionsNodeProxyWithPath", "connect")]
    [InlineData("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", "patch", "patchAppsV1NamespacedDeploymentScale", "patch")]
    [InlineData("/apis/rbac.authorization.k8s.io/v1/clusterroles", "delete", "deleteRbacAuthorizationV1CollectionClusterRole", "deletecollection")]
    [InlineData("/apis/flowcontrol.apiserver.k8s.io/v1/watch/flowschemas/{name}", "get", "watchFlowcontrolApiserverV1FlowSchema", "watch")]
    public void Operations_have_upstreams_names(string path, string method, string id, string action)
    {
        var operation = s_v2.GetProperty("paths").GetProperty(path).GetProperty(method);
        Assert.Equal((id, action), (operation.GetProperty("operationId").GetString(), operation.GetProperty("x-kubernetes-action").GetString()));
    }

    [Fact]
    public void A_patch_can_be_a_dry_run_with_field_validation_which_clients_look_for()
    {
        var patch = s_core.GetProperty("paths").GetProperty("/api/v1/namespaces/{namespace}/pods/{name}").GetProperty("patch");
        string[] names = [.. patch.GetProperty("parameters").EnumerateArray().Select(p => p.GetProperty("name").GetString()!)];
        Assert.Equal(["dryRun", "fieldManager", "fieldValidation", "force"], names);
        Assert.Equal("""{"group":"","kind":"Pod","version":"v1"}""", patch.GetProperty("x-kubernetes-group-version-kind").GetRawText());
    }

    [Fact]
    public void The_protobuf_holds_the_same_definitions_paths_and_merge_keys()
    {
        var root = new ProtoReader(s_documents.V2Protobuf.Content());
        var (types, paths) = (new HashSet<string>(), new HashSet<string>());
        string merge = "";
        while (root.Tag(out int field))
            if (field is 8 or 9)
            {
                var all = root.Sub();
                while (all.Tag(out _))
                {
                    var named = all.Sub();
                    string name = "";
                    while (named.Tag(out int part))
                        if (part == 1) (field == 8 ? paths : types).Add(name = named.Pointer());
                        else if (name == "io.k8s.api.core.v1.Container") merge = System.Text.Encoding.UTF8.GetString(named.Span());
                        else named.Skip();
                }
            }
            else root.Skip();
        Assert.Equal(s_v2.GetProperty("definitions").EnumerateObject().Select(d => d.Name).Order(), types.Order());
        Assert.Equal(s_v2.GetProperty("paths").EnumerateObject().Select(d => d.Name).Order(), paths.Order());
        Assert.Contains("x-kubernetes-patch-merge-key", merge);
    }

    [Fact]
    public void Others_add_documents_and_definitions()
    {
        var part = new OpenApiPart(new("example.com", "v1"), () => "{\"openapi\":\"3.0.0\"}"u8.ToArray(),
            json => json.WriteNull("/apis/example.com/v1/things"), json => json.WriteNull("com.example.v1.Thing"));
        var documents = new OpenApiDocuments(DescribedVersions.Of(false, []), [part]);
        Assert.Equal("{\"openapi\":\"3.0.0\"}"u8.ToArray(), documents.V3("apis/example.com/v1")!.Content());
        Assert.Contains("apis/example.com/v1?hash=" + documents.V3("apis/example.com/v1")!.Hash, System.Text.Encoding.UTF8.GetString(documents.Index.Content()));
        Assert.Null(s_documents.V3("apis/example.com/v1"));
        // The built-in ones are not rendered anew.
        Assert.Same(s_documents.V3("apis/apps/v1"), documents.V3("apis/apps/v1"));
        var v2 = OpenApiDocument.V2(Resources.Of(new GroupVersion("apps", "v1")), [], [part]);
        Assert.True(JsonDocument.Parse(v2).RootElement.GetProperty("definitions").TryGetProperty("com.example.v1.Thing", out _));
    }
}
