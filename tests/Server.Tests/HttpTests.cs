using System.Text.RegularExpressions;
using Hanbae.Api.Json;
using Hanbae.Server.Auth;
using Hanbae.Server.Tests.Crd;

namespace Hanbae.Server.Tests;

public sealed class HttpTests
{
    const string Pods = "/api/v1/namespaces/default/pods";
    const string Maps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task Unknown_resources_of_a_served_version_are_404_with_a_Status()
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.GetAsync("/api/v1/nothing");
        Assert.Equal(404, answer.Code);
        Assert.Contains("\"message\":\"the server could not find the requested resource\",\"reason\":\"NotFound\",\"details\":{}", answer.Body);
    }

    [Fact]
    public async Task Unknown_paths_are_plain_404()
    {
        await using var server = await TestServer.StartAsync();
        foreach (string path in (string[])["/nothing", "/nothing/v1", "/apis/nothing/v1/things"])
        {
            var answer = await server.GetAsync(path);
            Assert.Equal((404, "404 page not found\n"), (answer.Code, answer.Body));
        }
    }

    [Fact]
    public async Task A_verb_that_a_resource_does_not_have_is_not_allowed()
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.SendAsync("PUT", Maps, "{}");
        Assert.Equal((405, "MethodNotAllowed", "the server does not allow this method on the requested resource"), (answer.Code, answer.Text("reason"), answer.Message));
        Assert.Equal(405, (await server.SendAsync("POST", Maps + "/x", "{}")).Code);
    }

    [Theory]
    [InlineData("{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}", "Service in version \"v1\" cannot be handled as a Pod: converting (v1.Service) to (v1.Pod): unknown conversion")]
    [InlineData("{\"kind\":\"Pod\",\"apiVersion\":\"v2\",\"metadata\":{\"name\":\"a\"}}", "Pod in version \"v2\" cannot be handled as a Pod: no kind \"Pod\" is registered for version \"v2\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"")]
    [InlineData("{\"metadata\":{\"name\":\"a\",\"namespace\":\"other\"}}", "the namespace of the provided object does not match the namespace sent on the request")]
    [InlineData("{\"spec\":{\"containers\":\"no\"}}", "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container")]
    public async Task Wrong_bodies_are_bad_requests(string body, string message)
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.PostAsync(Pods, body);
        Assert.Equal((400, "BadRequest", message), (answer.Code, answer.Text("reason"), answer.Message));
    }

    [Fact]
    public async Task Faults_of_fields_are_told_in_the_order_in_which_upstream_comes_upon_them()
    {
        await using var server = await TestServer.StartAsync();
        const string Deployments = "/apis/apps/v1/namespaces/default/deployments", Strict = "?fieldValidation=Strict";
        const string Template = "\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"NESTED}]}}";
        string wrong = "{\"metadata\":{\"name\":\"a\",\"name\":\"a\",\"meta\":1},\"spec\":{\"unknown1\":1,\"unknownDupe\":{\"x\":1,\"x\":2},\"unknownDupe\":2,\"paused\":true,\"paused\":false,"
            + Template.Replace("NESTED", ",\"nested\":1,\"imagePullPolicy\":\"Always\",\"imagePullPolicy\":\"Never\"", StringComparison.Ordinal) + "}}";
        const string Nested = "unknown field \"spec.template.spec.containers[0].nested\"", Unknown = "unknown field \"spec.unknown1\", unknown field \"spec.unknownDupe\"";

        var json = await server.PostAsync(Deployments + Strict, wrong);
        Assert.EndsWith(": strict decoding error: duplicate field \"metadata.name\", unknown field \"metadata.meta\", " + Unknown + ", duplicate field \"spec.paused\", " + Nested
            + ", duplicate field \"spec.template.spec.containers[0].imagePullPolicy\"", json.Message, StringComparison.Ordinal);

        // Names are in order in what YAML and patches are turned into.
        var yaml = await server.SendAsync("POST", Deployments + Strict, "spec: {unknownDupe: 1, unknown1: 1, " + Template.Replace("\"", "", StringComparison.Ordinal).Replace(":", ": ", StringComparison.Ordinal).Replace("NESTED", ", nested: 1", StringComparison.Ordinal) + "}\nmetadata: {name: a, meta: 1}\n", "application/yaml");
        Assert.EndsWith(": strict decoding error: unknown field \"metadata.meta\", " + Nested + ", " + Unknown, yaml.Message, StringComparison.Ordinal);

        Assert.Equal(201, (await server.PostAsync(Deployments, "{\"metadata\":{\"name\":\"a\"},\"spec\":{" + Template.Replace("NESTED", "", StringComparison.Ordinal) + "}}")).Code);
        string patch = "{\"spec\":{\"unknownDupe\":1,\"unknownDupe\":2,\"unknown1\":1,\"aaa\":1," + Template.Replace("NESTED", ",\"nested\":1", StringComparison.Ordinal) + "}}";
        foreach (string type in (string[])["merge-patch", "strategic-merge-patch"])
            Assert.EndsWith(": strict decoding error: duplicate field \"spec.unknownDupe\", unknown field \"spec.aaa\", " + Nested + ", " + Unknown,
                (await server.SendAsync("PATCH", Deployments + "/a" + Strict, patch, $"application/{type}+json")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_and_duplicate_fields_are_refused_or_warned_about()
    {
        await using var server = await TestServer.StartAsync();
        const string Body = """{"metadata":{"name":"a"},"spec":{"foo":1,"containers":[{"name":"c","bar":{},"image":"i","image":"j"}]}}""";
        var strict = await server.PostAsync(Pods + "?fieldValidation=Strict", Body);
        Assert.Equal(400, strict.Code);
        Assert.Equal("Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.foo\", unknown field \"spec.containers[0].bar\", duplicate field \"spec.containers[0].image\"", strict.Message);
        var warned = await server.PostAsync(Pods, Body);
        Assert.Equal(201, warned.Code);
        Assert.Contains("299 - \"unknown field \\\"spec.foo\\\"\"", warned.Headers.GetValues("Warning"));
        var ignored = await server.PostAsync(Pods + "?fieldValidation=Ignore", Body.Replace("\"a\"", "\"b\""));
        Assert.False(ignored.Headers.Contains("Warning"));
    }

    [Fact]
    public async Task No_cache_on_the_way_keeps_an_answer()
    {
        await using var server = await TestServer.StartAsync();
        foreach (string path in (string[])["/api/v1/namespaces", "/api/v1/namespaces/none", "/apis/apps/v1/deployments", "/none"])
            Assert.Equal("no-cache, private", string.Join(", ", (await server.GetAsync(path)).Headers.GetValues("Cache-Control")));
    }

    [Fact]
    public async Task Unknown_media_types_are_refused()
    {
        await using var server = await TestServer.StartAsync();
        var body = await server.SendAsync("POST", Maps, "x", "text/csv");
        Assert.Equal((415, "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"), (body.Code, body.Message));
        var accept = await server.GetAsync(Maps, "text/csv");
        Assert.Equal((406, "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"), (accept.Code, accept.Message));
        var patch = await server.SendAsync("PATCH", Maps + "/a", "{}", "application/apply-patch+cbor");
        Assert.Equal((415, "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml"), (patch.Code, patch.Message));
    }

    [Fact]
    public async Task Large_bodies_are_refused()
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.PostAsync(Maps, new string(' ', 3 << 20) + "{}");
        Assert.Equal((413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"), (answer.Code, answer.Text("reason"), answer.Message));
    }

    [Fact]
    public async Task Answers_come_in_the_form_that_is_accepted()
    {
        await using var server = await TestServer.StartAsync();
        var created = await server.SendAsync("POST", Maps, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: z}}\ndata: {k: v}\n", "application/yaml");
        Assert.Equal("", created.Message);
        var yaml = await server.GetAsync(Maps + "/a", "application/yaml");
        Assert.Equal("application/yaml", yaml.ContentType);
        Assert.Contains("data:\n  k: v\n", yaml.Body);
        var pretty = await server.GetAsync(Maps + "/a?pretty=true");
        Assert.StartsWith("{\n  \"kind\": \"ConfigMap\",\n  \"apiVersion\": \"v1\",\n  \"metadata\": {\n    \"name\": \"a\"", pretty.Body);
        var table = await server.GetAsync(Maps, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        Assert.Equal(("Table", "a", "PartialObjectMetadata"), (table.Text("kind"), table.Text("rows", "0", "cells", "0"), table.Text("rows", "0", "object", "kind")));
        var metadata = await server.GetAsync(Maps, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
        Assert.Equal(("PartialObjectMetadataList", "z", ""), (metadata.Text("kind"), metadata.Text("items", "0", "metadata", "labels", "x"), metadata.Text("items", "0", "data")));
    }

    [Fact]
    public async Task Protobuf_says_the_same_as_JSON()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, """{"metadata":{"name":"a"},"data":{"k":"v"}}""");
        var json = await server.GetAsync(Maps + "/a");
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps + "/a");
        request.Headers.TryAddWithoutValidation("Accept", "application/vnd.kubernetes.protobuf");
        using var response = await server.Http.SendAsync(request);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        var info = Api.Core.V1.ConfigMap.Info;
        var value = info.ReadProto(Api.Codec.Envelope.Message(body, out var type));
        Assert.Equal(("v1", "ConfigMap"), (type.ApiVersion, type.Kind));
        Assert.Equal(json.Body.TrimEnd('\n'), System.Text.Encoding.UTF8.GetString(info.ToJson(value)));
    }

    [Fact]
    public async Task Patches_of_three_kinds_apply()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Pods, """{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        var merge = await server.SendAsync("PATCH", Pods + "/a", """{"metadata":{"labels":{"x":"y"}}}""", "application/merge-patch+json");
        Assert.Equal("y", merge.Text("metadata", "labels", "x"));
        var strategic = await server.SendAsync("PATCH", Pods + "/a", """{"spec":{"containers":[{"name":"c","image":"j"}]}}""", "application/strategic-merge-patch+json");
        var container = (JsonObject)Assert.Single(((JsonArray)((JsonObject)strategic.Json["spec"]!)["containers"]!).Items);
        Assert.Equal(("j", "File"), (((JsonString)container["image"]!).Value, ((JsonString)container["terminationMessagePolicy"]!).Value));
        var json = await server.SendAsync("PATCH", Pods + "/a", """[{"op":"remove","path":"/metadata/labels/x"}]""", "application/json-patch+json");
        Assert.Equal((200, ""), (json.Code, json.Text("metadata", "labels", "x")));
        var wrong = await server.SendAsync("PATCH", Pods + "/a", """[{"op":"test","path":"/metadata/name","value":"b"}]""", "application/json-patch+json");
        Assert.Equal((422, "the server rejected our request due to an error in our request"), (wrong.Code, wrong.Message));
        Assert.Equal("", wrong.Text("details", "causes"));
        var stale = await server.SendAsync("PATCH", Pods + "/a", """{"metadata":{"resourceVersion":"1"}}""", "application/merge-patch+json");
        Assert.Equal(409, stale.Code);
        Assert.Equal(404, (await server.SendAsync("PATCH", Pods + "/b", "{}", "application/merge-patch+json")).Code);
    }

    /// <summary>Upstream's TestPatchPodStatusUIDPrecondition: a patch for an object that another has the name of is invalid; a whole object, or a scale, is in conflict.</summary>

    [Theory]
    [InlineData(Pods + "/a", "merge-patch")]
    [InlineData(Pods + "/a", "strategic-merge-patch")]
    [InlineData(Pods + "/a", "apply-patch")]
    [InlineData(Pods + "/a/status", "strategic-merge-patch")]
    [InlineData("/apis/apps/v1/namespaces/default/deployments/a", "merge-patch")]
    [InlineData("/apis/apps/v1/namespaces/default/deployments/a/status", "strategic-merge-patch")]
    [InlineData("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com/status", "merge-patch")]
    [InlineData("/apis/apps/v1/namespaces/default/deployments/a/scale", "merge-patch", 409)]
    [InlineData(Pods + "/a", "", 409)]
    [InlineData(Pods + "/a/status", "", 409)]
    public async Task Another_uid_is_another_object(string path, string patch, int code = 422)
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Pods, """{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await server.PostAsync("/apis/apps/v1/namespaces/default/deployments",
            """{"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        await server.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},
            "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}
            """);
        if (path.Contains("widgets", StringComparison.Ordinal)) await new CrdRig(server).EstablishedAsync("widgets.example.com");
        var there = await server.GetAsync(path);
        string uid = there.Text("metadata", "uid");
        Assert.NotEqual("", uid);
        var refused = patch switch
        {
            "" => await server.SendAsync("PUT", path, there.Body.Replace(uid, "other", StringComparison.Ordinal)),
            "apply-patch" => await server.SendAsync("PATCH", path + "?fieldManager=me", """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","uid":"other"}}""", "application/apply-patch+yaml"),
            _ => await server.SendAsync("PATCH", path, """{"metadata":{"uid":"other"}}""", $"application/{patch}+json"),
        };
        Assert.Equal(code, refused.Code);
        if (code == 422) Assert.EndsWith("metadata.uid: Invalid value: \"other\": field is immutable", refused.Message);
        else Assert.EndsWith($"Precondition failed: UID in precondition: other, UID in object meta: {uid}", refused.Message);
        Assert.Equal(there.Text("metadata", "resourceVersion"), (await server.GetAsync(path)).Text("metadata", "resourceVersion"));
    }

    [Theory]
    [InlineData("merge-patch", """{"spec":{"priority":"high"}}""", "json: cannot unmarshal string into Go struct field PodSpec.spec.priority of type int32")]
    [InlineData("strategic-merge-patch", """{"spec":{"priority":"high"}}""", "patch: Invalid value: \"map[spec:map[priority:high]]\": unrecognized type: int32")]
    [InlineData("strategic-merge-patch", """{"metadata":{"labels":{"a":1,"b":null}}}""", "patch: Invalid value: \"map[metadata:map[labels:map[a:1 b:<nil>]]]\": cannot convert int64 to string")]
    [InlineData("strategic-merge-patch", """{"spec":{"nodeSelector":["a",true]}}""", "patch: Invalid value: \"map[spec:map[nodeSelector:[a true]]]\": cannot restore map from slice")]
    [InlineData("strategic-merge-patch", """{"spec":{"colour":"red"}}""", "patch: Invalid value: \"map[spec:map[colour:red]]\": strict decoding error: unknown field \"spec.colour\"")]
    public async Task What_a_patch_makes_of_an_object_may_be_none(string type, string patch, string why)
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Pods, """{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        var refused = await server.SendAsync("PATCH", Pods + "/a?fieldValidation=Strict", patch, $"application/{type}+json");
        Assert.Equal((422, "Invalid"), (refused.Code, refused.Text("reason")));
        Assert.StartsWith(" \"\" is invalid: patch: Invalid value: ", refused.Message);
        Assert.EndsWith(why, refused.Message);
    }

    [Fact]
    public async Task Components_are_asked_how_they_are()
    {
        await using var server = await TestServer.StartAsync(o => o with { Components = [new("scheduler", _ => new((string?)null)), new("controller-manager", _ => new("it sleeps"))] });
        var all = await server.GetAsync("/api/v1/componentstatuses");
        Assert.Equal(("ComponentStatusList", "scheduler", "True", "ok"), (all.Text("kind"), all.Text("items", "0", "metadata", "name"), all.Text("items", "0", "conditions", "0", "status"), all.Text("items", "0", "conditions", "0", "message")));
        Assert.Equal(("False", "it sleeps"), (all.Text("items", "1", "conditions", "0", "status"), all.Text("items", "1", "conditions", "0", "message")));
        Assert.Equal("etcd-0", all.Text("items", "2", "metadata", "name"));
        var one = await server.GetAsync("/api/v1/componentstatuses/controller-manager", "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.True(one.Code == 200, one.Body);
        Assert.Contains("\"cells\":[\"controller-manager\",\"Unhealthy\",\"it sleeps\",\"\"]", one.Body);
        Assert.Equal((500, "Component not found: none"), await NoneAsync());

        async Task<(int, string)> NoneAsync()
        {
            var none = await server.GetAsync("/api/v1/componentstatuses/none");
            return (none.Code, none.Message);
        }
    }

    [Fact]
    public async Task Patches_at_once_all_count()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync(Maps, """{"metadata":{"name":"a"}}""");
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => server.SendAsync("PATCH", Maps + "/a", $$$"""{"data":{"k{{{i}}}":"v"}}""", "application/merge-patch+json")));
        Assert.All(answers, a => Assert.Equal(200, a.Code));
        Assert.Equal(4, ((JsonObject)(await server.GetAsync(Maps + "/a")).Json["data"]!).Count);
    }

    [Fact]
    public async Task What_nobody_allows_is_forbidden()
    {
        await using var server = await TestServer.StartAsync(o => o with { Authorizers = [] });
        var list = await server.GetAsync(Maps);
        Assert.Equal((403, "configmaps is forbidden: User \"system:anonymous\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""), (list.Code, list.Message));
        var path = await server.GetAsync("/metrics");
        Assert.Equal((403, "forbidden: User \"system:anonymous\" cannot get path \"/metrics\""), (path.Code, path.Message));
    }

    [Fact]
    public async Task Who_may_not_be_anonymous_is_unauthorized()
    {
        await using var server = await TestServer.StartAsync(o => o with { Anonymous = false });
        var answer = await server.GetAsync(Maps);
        Assert.Equal((401, "Unauthorized", "Unauthorized"), (answer.Code, answer.Text("reason"), answer.Message));
    }

    [Fact]
    public async Task Impersonation_is_authorized_and_takes_effect()
    {
        await using var server = await TestServer.StartAsync(o => o with { Authorizers = [new OnlyImpersonation()] });
        var answer = await server.SendAsync("GET", Maps, headers: ("Impersonate-User", "jane"));
        Assert.Equal((403, "configmaps is forbidden: User \"jane\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""), (answer.Code, answer.Message));
    }

    sealed class OnlyImpersonation : IAuthorizer
    {
        public ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct) => new(attributes.Verb == "impersonate" ? Decision.Allow() : Decision.NoOpinion());
    }

    [Fact]
    public async Task What_is_done_at_a_start_is_told_one_by_one_and_counted()
    {
        bool done = false;
        await using var server = await TestServer.StartAsync(o => o with { FlowControl = new(), Aggregation = new() { ProxyClientCertificate = () => null }, StartHooks = [.. Health.StartHook.OfBootstrap(() => done)] });
        await server.Server.Aggregator!.RegisterAsync(CancellationToken.None);
        foreach (string path in (string[])["healthz", "livez", "readyz"])
        {
            var answer = await server.GetAsync($"/{path}?verbose");
            Assert.Contains("[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\n", answer.Body);
        }
        Assert.Equal((500, "internal server error: not finished\n"), await server.GetAsync("/readyz/poststarthook/bootstrap-controller") is var one ? (one.Code, one.Body) : default);
        done = true;
        foreach (string path in (string[])["healthz", "livez", "readyz"])
        {
            string[] lines = (await server.GetAsync($"/{path}?verbose")).Body.Split('\n');
            // What upstream's own test wants to find.
            foreach (string name in (string[])["start-apiserver-admission-initializer", "generic-apiserver-start-informers", "start-apiextensions-informers", "start-apiextensions-controllers", "crd-informer-synced",
                "bootstrap-controller", "rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes", "start-cluster-authentication-info-controller", "start-kube-aggregator-informers",
                "apiservice-registration-controller", "apiservice-status-local-available-controller", "apiservice-status-remote-available-controller", "kube-apiserver-autoregistration", "apiservice-openapi-controller"])
                Assert.Contains($"[+]poststarthook/{name} ok", lines);
            Assert.Contains("[+]autoregister-completion ok", lines);
        }

        string slis = (await server.GetAsync("/metrics/slis")).Body;
        Assert.Contains("kubernetes_healthcheck{name=\"etcd\",type=\"livez\"} 1\n", slis);
        Assert.Contains("kubernetes_healthcheck{name=\"poststarthook/bootstrap-controller\",type=\"readyz\"} 1\n", slis);
        Assert.Contains("kubernetes_healthchecks_total{name=\"poststarthook/bootstrap-controller\",status=\"error\",type=\"readyz\"} 2\n", slis);
        Assert.Contains("kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"healthz\"} 2\n", slis);
    }

    [Fact]
    public async Task Health_version_and_metrics_are_told()
    {
        await using var server = await TestServer.StartAsync();
        foreach (string path in (string[])["/healthz", "/livez", "/readyz", "/livez/ping"]) Assert.Equal("ok", (await server.GetAsync(path)).Body);
        var verbose = await server.GetAsync("/readyz?verbose&exclude=etcd");
        Assert.Contains("[+]etcd excluded: ok\n", verbose.Body);
        Assert.EndsWith("readyz check passed\n", verbose.Body);
        Assert.Equal("v1.36.3+hanbae", (await server.GetAsync("/version")).Text("gitVersion"));
        await server.GetAsync(Maps);
        var metrics = await server.GetAsync("/metrics");
        Assert.Contains("apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"configmaps\",scope=\"namespace\",subresource=\"\",verb=\"LIST\",version=\"v1\"} 1\n", metrics.Body);
        Assert.Contains("process_resident_memory_bytes ", metrics.Body);
        await server.Server.StopAsync();
        Assert.Equal(500, (await server.GetAsync("/readyz")).Code);
    }

    [Theory]
    [InlineData("application/json", 200)]
    [InlineData("application/yaml", 406)]
    [InlineData("application/yaml, application/json", 406)]
    [InlineData("application/json, application/yaml", 200)]
    public async Task A_watch_has_no_YAML(string accept, int code)
    {
        await using var server = await TestServer.StartAsync();

        var answer = await server.GetAsync(Pods + "?watch=1&timeoutSeconds=1", accept);

        Assert.Equal(code, answer.Code);
        if (code == 406) Assert.Contains("only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch", Regex.Replace(answer.Body, @"\s+", " "));
    }

    [Fact]
    public async Task What_stands_in_a_body_twice_is_told_in_YAML_and_in_patches_too()
    {
        await using var server = await TestServer.StartAsync();
        const string Maps = "/api/v1/namespaces/default/configmaps", Yaml = "metadata:\n  name: a\n  name: a\nnone: 1\ndata: {k: v}\ndata: {k: w}\n";
        const string Faults = "line 3: key \"name\" already set in map\n  line 6: key \"data\" already set in map";

        var strict = await server.SendAsync("POST", Maps + "?fieldValidation=Strict", Yaml, "application/yaml");
        Assert.Equal((400, "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  " + Faults + ", unknown field \"none\""), (strict.Code, strict.Message));
        var warned = await server.SendAsync("POST", Maps, Yaml, "application/yaml");
        Assert.Equal(["299 - \"line 3: key \\\"name\\\" already set in map\"", "299 - \"line 6: key \\\"data\\\" already set in map\"", "299 - \"unknown field \\\"none\\\"\""], warned.Headers.GetValues("Warning"));
        Assert.False((await server.SendAsync("POST", Maps + "?fieldValidation=Ignore&dryRun=All", Yaml.Replace(" a", " b", StringComparison.Ordinal), "application/yaml")).Headers.Contains("Warning"));

        foreach (var (type, patch, fault) in new[]
        {
            ("merge-patch", """{"data":{"a":"1","a":"2"}}""", "duplicate field \"data.a\""),
            ("strategic-merge-patch", """{"data":{"a":"1","a":"2"}}""", "duplicate field \"data.a\""),
            ("json-patch", """[{"op":"add","op":"add","path":"/data/a","value":"2","why":"so"}]""", "json patch duplicate field \"[0].op\", json patch unknown field \"[0].why\""),
            ("json-patch", """[{"why":"so","op":"add","path":"/data/b","path":"/data/a","value":"2"}]""", "json patch unknown field \"[0].why\", json patch duplicate field \"[0].path\""),
        })
        {
            var refused = await server.SendAsync("PATCH", Maps + "/a?fieldValidation=Strict", patch, $"application/{type}+json");
            Assert.Equal(422, refused.Code);
            Assert.EndsWith(": strict decoding error: " + fault, refused.Message, StringComparison.Ordinal);
            var told = await server.SendAsync("PATCH", Maps + "/a", patch, $"application/{type}+json");
            Assert.Equal("2", told.Text("data", "a"));
            Assert.Equal(fault.Split(", ").Select(f => $"299 - \"{f.Replace("\"", "\\\"", StringComparison.Ordinal)}\""), told.Headers.GetValues("Warning"));
        }
    }

    [Fact]
    public async Task Autoscalers_are_one_resource_in_two_versions()
    {
        await using var server = await TestServer.StartAsync();
        await server.PostAsync("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", """{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"maxReplicas":3,"targetCPUUtilizationPercentage":70}}""");
        var v2 = await server.GetAsync("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h");
        Assert.Equal("70", v2.Text("spec", "metrics", "0", "resource", "target", "averageUtilization"));
        var v1 = await server.GetAsync("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h");
        Assert.Equal("70", v1.Text("spec", "targetCPUUtilizationPercentage"));
    }
}
