using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Server.Tests.Crd;

namespace Hanbae.Server.Tests.Apply;

/// <summary>Apply patches and managedFields over HTTP: codes, messages and objects as upstream's.</summary>
public sealed class ServerSideApplyTests
{
    const string Maps = "/api/v1/namespaces/default/configmaps", Deployments = "/apis/apps/v1/namespaces/default/deployments", Pods = "/api/v1/namespaces/default/pods";
    const string ApplyType = "application/apply-patch+yaml", Merge = "application/merge-patch+json";
    const string Web = """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""";

    static string Map(string data, string meta = "\"name\":\"m\"") => $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{{{{meta}}}},"data":{{{data}}}}""";

    static Task<TestServer.Answer> ApplyAsync(TestServer server, string path, string body, string query = "fieldManager=me") => server.SendAsync("PATCH", $"{path}?{query}", body, ApplyType);

    static string Managers(TestServer.Answer answer) => string.Join(" ", ((answer.Json["metadata"] as JsonObject)?["managedFields"] as JsonArray ?? JsonArray.Empty)
        .Select(e => (JsonObject)e).Select(e => Text(e["manager"]) + ":" + Text(e["operation"]) + (e["subresource"] is { } sub ? ":" + Text(sub) : "")));

    static string Text(JsonValue? value) => (value as JsonString)?.Value ?? "";

    static string Fields(TestServer.Answer answer, int entry = 0) => answer.Text("metadata", "managedFields", entry.ToString(), "fieldsV1");

    static string FieldsOf(TestServer.Answer answer, string manager) => Enumerable.Range(0, ((JsonArray)((JsonObject)answer.Json["metadata"]!)["managedFields"]!).Count)
        .Where(i => answer.Text("metadata", "managedFields", $"{i}", "manager") == manager).Select(i => Fields(answer, i)).Single();

    [Fact]
    public async Task What_is_absent_is_created_and_then_changed()
    {
        await using var server = await TestServer.StartAsync();
        var created = await ApplyAsync(server, Maps + "/m", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  x: '1'\n");
        Assert.Equal((201, "1", "me:Apply", """{"f:data":{"f:x":{}}}"""), (created.Code, created.Text("data", "x"), Managers(created), Fields(created)));
        var changed = await ApplyAsync(server, Maps + "/m", Map("""{"y":"2"}"""));
        Assert.Equal((200, "", "2"), (changed.Code, changed.Text("data", "x"), changed.Text("data", "y")));
        var same = await ApplyAsync(server, Maps + "/m", Map("""{"y":"2"}"""));
        Assert.Equal(changed.Text("metadata", "resourceVersion"), same.Text("metadata", "resourceVersion"));
        Assert.Equal(404, (await ApplyAsync(server, Deployments + "/none/status", Web)).Code);
    }

    [Fact]
    public async Task Conflicts_are_named_and_can_be_forced()
    {
        await using var server = await TestServer.StartAsync();
        await server.SendAsync("POST", Deployments + "?fieldManager=kubectl-client-side-apply", Web);
        var refused = await ApplyAsync(server, Deployments + "/web", Web.Replace("\"replicas\":1", "\"replicas\":2"));
        Assert.Equal((409, "Conflict", "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.replicas"), (refused.Code, refused.Text("reason"), refused.Message));
        Assert.Equal(("FieldManagerConflict", "conflict with \"kubectl-client-side-apply\" using apps/v1", ".spec.replicas"),
            (refused.Text("details", "causes", "0", "reason"), refused.Text("details", "causes", "0", "message"), refused.Text("details", "causes", "0", "field")));
        var forced = await ApplyAsync(server, Deployments + "/web", Web.Replace("\"replicas\":1", "\"replicas\":2"), "fieldManager=me&force=true");
        Assert.Equal((200, "2", "me:Apply kubectl-client-side-apply:Update"), (forced.Code, forced.Text("spec", "replicas"), Managers(forced)));
    }

    [Theory]
    [InlineData("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "FlowSchema", "\"priorityLevelConfiguration\":{\"name\":\"exempt\"},\"matchingPrecedence\":5", "\"matchingPrecedence\":6")]
    [InlineData("/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", "PriorityLevelConfiguration", "\"type\":\"Limited\",\"limited\":{\"limitResponse\":{\"type\":\"Reject\"},\"nominalConcurrencyShares\":3}", "\"limited\":{\"nominalConcurrencyShares\":4}")]
    [InlineData("/apis/networking.k8s.io/v1/servicecidrs", "ServiceCIDR", "\"cidrs\":[\"10.1.0.0/24\"]", "\"cidrs\":[\"10.2.0.0/24\"]")]
    [InlineData("/apis/storage.k8s.io/v1/volumeattachments", "VolumeAttachment", "\"attacher\":\"a\",\"nodeName\":\"n\",\"source\":{\"persistentVolumeName\":\"v\"}", "\"nodeName\":\"m\"")]
    public async Task Through_the_status_nobody_comes_to_own_what_it_leaves_as_it_is(string path, string kind, string spec, string other)
    {
        await using var server = await TestServer.StartAsync();
        string version = path["/apis/".Length..path.LastIndexOf('/')];
        string status = kind == "VolumeAttachment" ? "{\"attached\":true}"
            : """{"conditions":[{"type":"Mine","status":"True","lastTransitionTime":"2020-01-01T00:00:00Z","reason":"R","message":"m"}]}""";
        string Body(string label, string spec) =>
            $$$"""{"apiVersion":"{{{version}}}","kind":"{{{kind}}}","metadata":{"name":"x","labels":{"a":"{{{label}}}"}},"spec":{ {{{spec}}} },"status":{{{status}}} }""";
        var created = await ApplyAsync(server, path + "/x", Body("b", spec), "fieldManager=one");
        Assert.True(created.Code == 201, created.Body);
        var told = await ApplyAsync(server, path + "/x/status", Body("c", other), "fieldManager=two");
        Assert.True(told.Code == 200, told.Body);
        Assert.Equal("b", told.Text("metadata", "labels", "a"));
        foreach (var (manager, field) in (ReadOnlySpan<(string, string)>)[("one", "f:status"), ("two", "f:metadata"), ("two", "f:spec")])
            Assert.DoesNotContain(field, FieldsOf(told, manager), StringComparison.Ordinal);
        Assert.Equal(409, (await ApplyAsync(server, path + "/x", Body("c", spec), "fieldManager=two")).Code);
    }

    /// <summary>As upstream since v1.36: the labels of a definition come in by its status, those of its objects do not, and are owned accordingly.</summary>
    [Fact]
    public async Task Through_its_status_a_definition_gets_labels_and_a_custom_resource_does_not()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing("""{"type":"object","x-kubernetes-preserve-unknown-fields":true}""", ""","subresources":{"status":{}}"""));
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", "{}"))).Code);
        static string Body(string version, string kind, string name, string status) =>
            $$$"""{"apiVersion":"{{{version}}}","kind":"{{{kind}}}","metadata":{"name":"{{{name}}}","labels":{"by":"status"}},"status":{{{status}}} }""";

        var definition = await ApplyAsync(rig.Test, CrdRig.Definitions + "/things.example.com/status",
            Body("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com", """{"conditions":[{"type":"Mine","status":"True"}]}"""));
        Assert.Equal((200, "status"), (definition.Code, definition.Text("metadata", "labels", "by")));
        Assert.Contains("\"f:labels\":{\"f:by\":{}}", FieldsOf(definition, "me"), StringComparison.Ordinal);

        var thing = await ApplyAsync(rig.Test, CrdRig.Things + "/a/status", Body("example.com/v1", "Thing", "a", """{"seen":1}"""));
        Assert.Equal((200, "", """{"f:status":{"f:seen":{}}}"""), (thing.Code, thing.Text("metadata", "labels", "by"), FieldsOf(thing, "me")));
    }

    [Fact]
    public async Task Malformed_applies_are_refused()
    {
        await using var server = await TestServer.StartAsync();
        async Task Refused(int code, string message, string body, string query = "fieldManager=me", string path = Maps + "/m")
        {
            var answer = await ApplyAsync(server, path, body, query);
            Assert.Equal((code, message), (answer.Code, answer.Message));
        }
        await Refused(422, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch", Map("{}"), "");
        await Refused(422, $"PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes", Map("{}"), "fieldManager=" + new string('x', 129));
        await Refused(422, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: \"a\\n\": invalid character U+000A (at position 1)", Map("{}"), "fieldManager=a%0A");
        await Refused(400, "invalid object type: /v1, Kind=Secret", Map("{}").Replace("ConfigMap", "Secret"));
        await Refused(400, "metadata.managedFields must be nil", Map("{}", "\"name\":\"m\",\"managedFields\":[]"));
        await Refused(400, "the name of the object (n) does not match the name on the URL (m)", Map("{}", "\"name\":\"n\""));
        await Refused(400, "the name of the object (m based on URL) was undeterminable: name must be provided", Map("{}", "\"generateName\":\"m\""));
        await Refused(400, "the namespace of the provided object does not match the namespace sent on the request", Map("{}", "\"name\":\"m\",\"namespace\":\"other\""));
        await Refused(500, "failed to create typed patch object (/m; /v1, Kind=ConfigMap): .dota: field not declared in schema", Map("{}").Replace("\"data\"", "\"dota\""));
        await Refused(409, "Operation cannot be fulfilled on configmaps \"m\": uid mismatch: the provided object specified uid u, and no existing object was found", Map("{}", "\"name\":\"m\",\"uid\":\"u\""));
        await Refused(400, "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 2: key \"kind\" already set in map", "kind: ConfigMap\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: m}\n", "fieldManager=me&fieldValidation=Strict");
        var merge = await server.SendAsync("PATCH", Maps + "/m?force=true", "{}", Merge);
        Assert.Equal((422, "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"), (merge.Code, merge.Message));
    }

    [Fact]
    public async Task Appliers_that_come_at_once_all_get_their_part()
    {
        await using var server = await TestServer.StartAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => ApplyAsync(server, Maps + "/m", Map($$"""{"x{{i}}":"1"}"""), "fieldManager=m" + i)));
        Assert.All(answers, a => Assert.True(a.Code is 200 or 201, a.Body));
        Assert.Single(answers, a => a.Code == 201);
        Assert.Equal(4, ((JsonObject)(await server.GetAsync(Maps + "/m")).Json["data"]!).Count);
    }

    [Fact]
    public async Task A_stale_resourceVersion_is_a_conflict()
    {
        await using var server = await TestServer.StartAsync();
        var first = await ApplyAsync(server, Maps + "/m", Map("""{"x":"1"}"""));
        string version = first.Text("metadata", "resourceVersion");
        await ApplyAsync(server, Maps + "/m", Map("""{"x":"2"}"""));
        var stale = await ApplyAsync(server, Maps + "/m", Map("""{"x":"3"}""", $"\"name\":\"m\",\"resourceVersion\":\"{version}\""));
        Assert.Equal((409, "Operation cannot be fulfilled on configmaps \"m\": the object has been modified; please apply your changes to the latest version and try again"), (stale.Code, stale.Message));
    }

    [Fact]
    public async Task A_dry_run_shows_and_does_not_keep()
    {
        await using var server = await TestServer.StartAsync();
        var shown = await ApplyAsync(server, Maps + "/m", Map("""{"x":"1"}"""), "fieldManager=me&dryRun=All");
        Assert.Equal((201, "me:Apply"), (shown.Code, Managers(shown)));
        Assert.Equal(404, (await server.GetAsync(Maps + "/m")).Code);
    }

    [Fact]
    public async Task A_manager_is_named_by_parameter_or_by_what_the_User_Agent_begins_with()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.SendAsync("POST", Maps, Map("""{"x":"1"}"""), headers: ("User-Agent", "kubectl/v1.33 (linux)"));
        Assert.Equal("kubectl:Update", Managers(created));
        var patched = await server.SendAsync("PATCH", Maps + "/m?fieldManager=other", """{"data":{"x":"2"}}""", Merge);
        Assert.Equal("other:Update kubectl:Update".Split(' ').Order(), Managers(patched).Split(' ').Order());
        var wrong = await server.SendAsync("POST", Maps + "?fieldManager=" + new string('x', 129), Map("{}"));
        Assert.Equal((422, "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes"), (wrong.Code, wrong.Message));
    }

    [Fact]
    public async Task Writes_of_status_and_scale_are_kept_apart()
    {
        await using var server = await TestServer.StartAsync();
        await server.SendAsync("POST", Deployments + "?fieldManager=me", Web);
        var status = await server.SendAsync("PATCH", Deployments + "/web/status?fieldManager=me", """{"spec":{"replicas":7},"status":{"replicas":3}}""", Merge);
        Assert.Equal("me:Update me:Update:status", Managers(status));
        Assert.Equal("""{"f:status":{"f:replicas":{}}}""", Fields(status, 1));
        await server.SendAsync("PATCH", Deployments + "/web/scale?fieldManager=hpa", """{"spec":{"replicas":4}}""", Merge);
        var web = await server.GetAsync(Deployments + "/web");
        Assert.Contains("hpa:Update:scale", Managers(web));
        var scale = await server.GetAsync(Deployments + "/web/scale");
        Assert.Equal(("hpa:Update:scale", "autoscaling/v1", """{"f:spec":{"f:replicas":{}}}"""), (Managers(scale), scale.Text("metadata", "managedFields", "0", "apiVersion"), Fields(scale)));
        const string Scale = """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"web","namespace":"default"},"spec":{"replicas":5}}""";
        var refused = await ApplyAsync(server, Deployments + "/web/scale", Scale);
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"hpa\" with subresource \"scale\" using apps/v1: .spec.replicas"), (refused.Code, refused.Message));
        Assert.Equal("5", (await ApplyAsync(server, Deployments + "/web/scale", Scale, "fieldManager=me&force=true")).Text("spec", "replicas"));
        web = await server.GetAsync(Deployments + "/web");
        Assert.Equal(("5", true, false), (web.Text("spec", "replicas"), Managers(web).StartsWith("me:Apply:scale", StringComparison.Ordinal), Managers(web).Contains("hpa")));
    }

    [Fact]
    public async Task A_bound_Pod_has_its_node_from_nobody()
    {
        await using var server = await TestServer.StartAsync();
        await server.SendAsync("POST", Pods + "?fieldManager=me", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        Assert.Equal(201, (await server.PostAsync(Pods + "/p/binding", """{"metadata":{"name":"p"},"target":{"kind":"Node","name":"n"}}""")).Code);
        var pod = await server.GetAsync(Pods + "/p");
        Assert.Equal(("n", "me:Update"), (pod.Text("spec", "nodeName"), Managers(pod)));
        Assert.DoesNotContain("nodeName", Fields(pod));
    }

    [Fact]
    public async Task The_account_can_be_reset_and_replaced_but_not_broken()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.SendAsync("POST", Maps + "?fieldManager=me", Map("""{"x":"1"}"""));
        var kept = await server.SendAsync("PUT", Maps + "/m", Map("""{"x":"1"}""", """ "name":"m","managedFields":[{"manager":"x","operation":"None","apiVersion":"v1"}] """));
        Assert.Equal(("me:Update", created.Text("metadata", "resourceVersion")), (Managers(kept), kept.Text("metadata", "resourceVersion")));
        var renamed = await server.SendAsync("PATCH", Maps + "/m", """[{"op":"replace","path":"/metadata/managedFields/0/manager","value":"you"}]""", "application/json-patch+json");
        Assert.Equal("you:Update", Managers(renamed));
        var reset = await server.SendAsync("PATCH", Maps + "/m", """{"metadata":{"managedFields":[{}]}}""", Merge);
        Assert.Equal((200, ""), (reset.Code, Managers(reset)));
        Assert.Equal("", Managers(await server.SendAsync("PATCH", Maps + "/m?fieldManager=me", """{"data":{"x":"2"}}""", Merge)));
        Assert.Equal("other:Apply before-first-apply:Update", Managers(await ApplyAsync(server, Maps + "/m", Map("""{"y":"1"}"""), "fieldManager=other")));
    }

    [Fact]
    public async Task A_write_that_changes_nothing_is_none()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.SendAsync("POST", Deployments + "?fieldManager=me", Web);
        var same = await server.SendAsync("PUT", Deployments + "/web?fieldManager=other", created.Body);
        Assert.Equal((created.Text("metadata", "resourceVersion"), "me:Update"), (same.Text("metadata", "resourceVersion"), Managers(same)));
    }

    [Fact]
    public async Task Owners_of_another_version_see_the_object_in_theirs()
    {
        await using var server = await TestServer.StartAsync();
        const string Path = "/namespaces/default/horizontalpodautoscalers";
        const string V2 = """{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"},"minReplicas":2,"maxReplicas":5}}""";
        Assert.Equal(201, (await ApplyAsync(server, "/apis/autoscaling/v2" + Path + "/h", V2)).Code);
        var refused = await ApplyAsync(server, "/apis/autoscaling/v1" + Path + "/h", V2.Replace("autoscaling/v2", "autoscaling/v1").Replace("\"minReplicas\":2", "\"minReplicas\":3"), "fieldManager=you");
        Assert.Equal((409, "Apply failed with 1 conflict: conflict with \"me\": .spec.minReplicas"), (refused.Code, refused.Message));
        // The same applier in another version gives up what it no longer says.
        var moved = await ApplyAsync(server, "/apis/autoscaling/v1" + Path + "/h", V2.Replace("autoscaling/v2", "autoscaling/v1").Replace("\"minReplicas\":2,", ""));
        Assert.Equal((200, "me:Apply", "autoscaling/v1"), (moved.Code, Managers(moved), moved.Text("metadata", "managedFields", "0", "apiVersion")));
        Assert.Equal("1", moved.Text("spec", "minReplicas"));
    }

    [Fact]
    public async Task In_the_process_the_account_is_kept_as_well()
    {
        await using var server = await TestServer.StartAsync();
        var created = (Api.Core.V1.ConfigMap)(await server.CallAsync("POST", Maps, new Api.Core.V1.ConfigMap { Metadata = new() { Name = "m" }, Data = Hanbae.Api.Map.Of(("x", "1")) }, ("fieldManager", "c"))).Object!;
        Assert.Equal("""{"f:data":{".":{},"f:x":{}}}""", created.Metadata.ManagedFields[0].FieldsV1.ToString());
        var again = (Api.Core.V1.ConfigMap)(await server.CallAsync("PUT", Maps + "/m", created with { Data = created.Data.Set("y", "1") }, ("fieldManager", "c"))).Object!;
        Assert.Equal(("""{"f:data":{".":{},"f:x":{},"f:y":{}}}""", 1), (again.Metadata.ManagedFields[0].FieldsV1.ToString(), again.Metadata.ManagedFields.Count));
    }
}
