using Hanbae.Api.Json;
using Hanbae.Server.Tests.Crd;
using static Hanbae.Server.Tests.Admission.HookRig;
using static Hanbae.Server.Tests.Admission.HookServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>What webhooks make of objects on their way into the store.</summary>
public sealed class MutatingWebhookTests : IAsyncLifetime
{
    HookRig _rig = null!;

    public async Task InitializeAsync()
    {
        _rig = await HookRig.StartAsync();
        _rig.Hook.On("/stages", r => Text(r, "object", "data", "stage-1") == "yes" ? Patch("""[{"op":"add","path":"/data/stage-2","value":"yes"}]""")
            : At(r, "object", "data", "start") is not null ? Patch("""[{"op":"add","path":"/data/stage-1","value":"yes"}]""") : Allow);
    }

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    static string Stages(TestServer.Answer answer) => $"{answer.Text("data", "stage-1")}-{answer.Text("data", "stage-2")}";

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate configmap [Conformance]")]
    public async Task Webhooks_see_what_those_before_them_made()
    {
        string rule = Rule("CREATE", "", "v1", "configmaps");
        await _rig.MutateAsync("hooks", _rig.Webhook("one", "/stages", rule), _rig.Webhook("two", "/stages", rule));

        Assert.Equal("yes-yes", Stages(await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a", """{"start":"yes"}"""))));
        Assert.Equal("yes", (await _rig.Test.GetAsync(ConfigMaps + "/a")).Text("data", "stage-2"));
        var (_, request) = _rig.Hook.Seen.First();
        Assert.Equal("CREATE configmaps v1 ConfigMap default a system:anonymous CreateOptions",
            string.Join(' ', Text(request, "operation"), Text(request, "resource", "resource"), Text(request, "kind", "version"), Text(request, "requestKind", "kind"), Text(request, "namespace"),
                Text(request, "name"), Text(request, "userInfo", "username"), Text(request, "options", "kind")));
        Assert.Equal(JsonNull.Instance, request["oldObject"]);
    }

    [Fact]
    public async Task What_a_webhook_changed_is_noted_for_audit_levels_that_show_objects()
    {
        await _rig.MutateAsync("hooks", _rig.Webhook("one", "/stages", Rule("CREATE", "", "v1", "configmaps")));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a", """{"start":"yes"}"""));
        Assert.Equal([KeyValuePair.Create("mutation.webhook.admission.k8s.io/round_0_index_0", """{"configuration":"hooks","webhook":"one.example.com","mutated":true}""")], _rig.Audit.At(Hanbae.Server.Audit.AuditLevel.Metadata));
        Assert.Equal("""{"configuration":"hooks","webhook":"one.example.com","patch":[{"op":"add","path":"/data/stage-1","value":"yes"}],"patchType":"JSONPatch"}""",
            _rig.Audit.At(Hanbae.Server.Audit.AuditLevel.Request).Single(a => a.Key == "patch.webhook.admission.k8s.io/round_0_index_0").Value);
    }

    [Fact]
    public async Task One_that_asks_for_it_is_called_again_after_a_change()
    {
        string rule = Rule("CREATE", "", "v1", "configmaps");
        _rig.Hook.On("/start", r => At(r, "object", "data", "start") is null ? Patch("""[{"op":"add","path":"/data/start","value":"yes"}]""") : Allow);
        await _rig.MutateAsync("a", _rig.Webhook("one", "/stages", rule, """ "reinvocationPolicy":"IfNeeded" """));
        await _rig.MutateAsync("b", _rig.Webhook("two", "/start", rule));

        var made = await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));

        Assert.Equal("yes-", Stages(made));
        Assert.Equal(["/stages", "/start", "/stages"], _rig.Hook.Seen.Select(s => s.Path));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate pod and apply defaults after mutation [Conformance]")]
    public async Task What_a_webhook_adds_gets_its_defaults_and_the_servers_plugins_see_it()
    {
        _rig.Hook.On("/init", _ => Patch("""[{"op":"add","path":"/spec/initContainers","value":[{"image":"example/init:1","name":"added","resources":{}}]}]"""));
        await _rig.GoodAsync("POST", "/api/v1/namespaces/default/limitranges", """{"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","defaultRequest":{"cpu":"100m"}}]}}""");
        await _rig.MutateAsync("hooks", _rig.Webhook("init", "/init", Rule("CREATE", "", "v1", "pods")));

        var pod = await _rig.GoodAsync("POST", Pods, Pod("a"));

        Assert.Equal(("added", "File", "/dev/termination-log"), (pod.Text("spec", "initContainers", "0", "name"), pod.Text("spec", "initContainers", "0", "terminationMessagePolicy"), pod.Text("spec", "initContainers", "0", "terminationMessagePath")));
        Assert.Equal("100m", pod.Text("spec", "initContainers", "0", "resources", "requests", "cpu"));
    }

    [Fact]
    public async Task What_a_webhook_makes_of_an_object_is_validated()
    {
        _rig.Hook.On("/bad", _ => Patch("""[{"op":"add","path":"/data/not ok","value":"x"}]"""));
        _rig.Hook.On("/none", _ => Patch("""[{"op":"remove","path":"/spec/nothing"}]"""));
        await _rig.MutateAsync("hooks", _rig.Webhook("bad", "/bad", Rule("CREATE", "", "v1", "configmaps")), _rig.Webhook("none", "/none", Rule("CREATE", "", "v1", "pods")));

        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"));
        Assert.Equal((422, "Invalid"), (answer.Code, answer.Text("reason")));
        Assert.Equal(500, (await _rig.Test.PostAsync(Pods, Pod("a"))).Code);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should not be able to mutate or prevent deletion of webhook configuration objects [Conformance]")]
    public async Task Webhook_configurations_are_not_subject_to_webhooks()
    {
        _rig.Hook.On("/label", _ => Patch("""[{"op":"add","path":"/metadata/labels","value":{"mutated":"yes"}}]""")).On("/deny", _ => Deny("no"));
        string rule = Rule("*", "*", "*", "*/*");
        await _rig.MutateAsync("a", _rig.Webhook("label", "/label", Rule("*", "admissionregistration.k8s.io", "*", "*")));
        await _rig.ValidateAsync("b", _rig.Webhook("deny", "/deny", Rule("*", "admissionregistration.k8s.io", "*", "*")));

        await _rig.MutateAsync("c", _rig.Webhook("never", "/deny", rule, """ "objectSelector":{"matchLabels":{"none":"such"}} """));
        Assert.Equal("", (await _rig.Test.GetAsync(Mutating + "/c")).Text("metadata", "labels", "mutated"));
        // One that is never called may say so by a Service without a path, an authority or an answer.
        const string Nobody = """{"metadata":{"name":"d"},"webhooks":[{"name":"dummy.example.com","rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["invalid"]}],"failurePolicy":"Ignore","sideEffects":"None","admissionReviewVersions":["v1","v1beta1"],"clientConfig":{"service":{"namespace":"default","name":"e2e-test-webhook","path":"","port":8443}}}]}""";
        foreach (string all in (string[])[Mutating, Validating])
        {
            await _rig.GoodAsync("POST", all, Nobody);
            Assert.Equal("", (await _rig.Test.GetAsync(all + "/d")).Text("metadata", "labels", "mutated"));
            await _rig.GoodAsync("DELETE", all + "/d");
        }
        foreach (string path in (string[])[Mutating + "/c", Validating + "/b", Mutating + "/a"]) await _rig.GoodAsync("DELETE", path);
        Assert.Empty(_rig.Hook.Seen);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with pruning [Conformance]")]
    public async Task Custom_resources_are_changed_and_pruned()
    {
        await _rig.Crd.DefineAsync(CrdRig.Thing("""{"type":"object","properties":{"start":{"type":"string"},"stage":{"type":"string"},"late":{"type":"string","default":"d"}}}"""));
        _rig.Hook.On("/custom", r => Patch("""[{"op":"add","path":"/spec/stage","value":"yes"},{"op":"add","path":"/spec/unknown","value":"x"}]"""));
        await _rig.MutateAsync("hooks", _rig.Webhook("custom", "/custom", Rule("CREATE", "example.com", "v1", "things")));

        await _rig.GoodAsync("POST", CrdRig.Things, CrdRig.Object("a", """{"start":"x"}"""));

        var read = await _rig.Test.GetAsync(CrdRig.Things + "/a");
        Assert.Equal(("yes", "", "d"), (read.Text("spec", "stage"), read.Text("spec", "unknown"), read.Text("spec", "late")));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate custom resource with different stored version [Conformance]")]
    public async Task A_webhook_sees_custom_resources_in_the_version_it_asks_for_whatever_is_stored()
    {
        static string Versions(bool second) => $$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},"versions":[
            {"name":"v1","served":true,"storage":{{(second ? "false" : "true")}},"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true} } },
            {"name":"v2","served":true,"storage":{{(second ? "true" : "false")}},"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true} } }] } }
            """;
        await _rig.Crd.DefineAsync(Versions(false));
        string rule = Rule("CREATE,UPDATE", "example.com", "v1", "things");
        _rig.Hook.On("/custom", r => Patch($$"""[{"op":"add","path":"/seen","value":"{{Text(r, "object", "apiVersion")}}"}]"""));
        await _rig.MutateAsync("hooks", _rig.Webhook("custom", "/custom", rule));
        await _rig.GoodAsync("POST", CrdRig.Things, """{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"x":"1"}""");

        await _rig.GoodAsync("PATCH", CrdRig.Definitions + "/things.example.com", Versions(true), "application/strategic-merge-patch+json");
        // At once, whether the new version is stored yet or not.
        var patched = await _rig.GoodAsync("PATCH", CrdRig.Things.Replace("v1", "v2") + "/a", """[{"op":"add","path":"/dummy","value":"test"}]""", "application/json-patch+json");
        Assert.Equal(("example.com/v2", "1", "test", "example.com/v1"), (patched.Text("apiVersion"), patched.Text("x"), patched.Text("dummy"), patched.Text("seen")));
        await CrdRig.UntilAsync(() => Task.FromResult(_rig.Test.Server.Resources.Stored(new("example.com", "things"))?.Kind.Gvk.Version == "v2"), "v2 is stored");
        await _rig.GoodAsync("PATCH", CrdRig.Things + "/a", """{"x":"2"}""", "application/merge-patch+json");
        // By way of the equivalent version.
        var made = await _rig.GoodAsync("POST", CrdRig.Things.Replace("v1", "v2"), """{"apiVersion":"example.com/v2","kind":"Thing","metadata":{"name":"b"},"x":"3"}""");

        Assert.Equal(("example.com/v2", "example.com/v1"), (made.Text("apiVersion"), made.Text("seen")));
        var (_, last) = _rig.Hook.Seen.Last();
        Assert.Equal(("v1", "v2"), (Text(last, "kind", "version"), Text(last, "requestKind", "version")));
        Assert.Equal(("example.com/v1", "2"), ((await _rig.Test.GetAsync(CrdRig.Things + "/a")).Text("seen"), (await _rig.Test.GetAsync(CrdRig.Things + "/a")).Text("x")));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate everything except 'skip-me' configmaps [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update mutating webhook configurations with match conditions [Conformance]")]
    public async Task Conditions_say_what_a_webhook_is_not_asked_about()
    {
        string rule = Rule("CREATE", "", "v1", "configmaps");
        await _rig.MutateAsync("hooks", _rig.Webhook("one", "/stages", rule, """ "matchConditions":[{"name":"not-skipped","expression":"object.metadata.name != 'skip-me'"}] """));
        Assert.Equal("", (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("skip-me", """{"start":"x"}"""))).Text("data", "stage-1"));
        Assert.Equal("yes", (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a", """{"start":"x"}"""))).Text("data", "stage-1"));

        var hooks = await _rig.Test.GetAsync(Mutating + "/hooks");
        Assert.Equal("not-skipped", hooks.Text("webhooks", "0", "matchConditions", "0", "name"));
        string changed = hooks.Body.Replace("object.metadata.name != 'skip-me'", "request.operation == 'UPDATE' || request.userInfo.username == 'nobody'", StringComparison.Ordinal);
        await _rig.GoodAsync("PUT", Mutating + "/hooks", changed);
        Assert.Equal("", (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("b", """{"start":"x"}"""))).Text("data", "stage-1"));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing mutating webhooks should work [Conformance]")]
    public async Task Webhooks_are_listed_and_deleted_together_and_then_have_no_say()
    {
        for (int i = 0; i < 3; i++) await _rig.MutateAsync("hooks-" + i, _rig.Webhook("one", "/stages", Rule("CREATE", "", "v1", "configmaps")));
        Assert.Equal(3, ((JsonArray)(await _rig.Test.GetAsync(Mutating + "?labelSelector=test%3Dyes")).Json["items"]!).Count);
        Assert.Equal("yes-yes", Stages(await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a", """{"start":"x"}"""))));

        await _rig.GoodAsync("DELETE", Mutating + "?labelSelector=test%3Dyes");
        Assert.Equal("-", Stages(await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("b", """{"start":"x"}"""))));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a mutating webhook should work [Conformance]")]
    public async Task A_webhook_that_is_changed_is_called_as_it_is_now()
    {
        await _rig.MutateAsync("hooks", _rig.Webhook("one", "/stages", Rule("CREATE", "", "v1", "configmaps")));
        async Task<string> TryAsync(string name) => (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap(name, """{"start":"x"}"""))).Text("data", "stage-1");
        Assert.Equal("yes", await TryAsync("a"));
        var hooks = await _rig.Test.GetAsync(Mutating + "/hooks");
        await _rig.GoodAsync("PUT", Mutating + "/hooks", hooks.Body.Replace("\"CREATE\"", "\"UPDATE\"", StringComparison.Ordinal));
        Assert.Equal("", await TryAsync("b"));
        await _rig.GoodAsync("PATCH", Mutating + "/hooks", """[{"op":"replace","path":"/webhooks/0/rules/0/operations/0","value":"CREATE"}]""", "application/json-patch+json");
        Assert.Equal("yes", await TryAsync("c"));
    }

    [Fact]
    public async Task A_dry_run_reaches_only_webhooks_without_side_effects()
    {
        string hook = _rig.Webhook("one", "/stages", Rule("CREATE", "", "v1", "configmaps"));
        await _rig.MutateAsync("hooks", hook);
        var tried = await _rig.GoodAsync("POST", ConfigMaps + "?dryRun=All", ConfigMap("a", """{"start":"x"}"""));
        Assert.Equal("yes", tried.Text("data", "stage-1"));
        Assert.Equal(JsonBool.True, _rig.Hook.Seen.Last().Request["dryRun"]);
        Assert.Equal(404, (await _rig.Test.GetAsync(ConfigMaps + "/a")).Code);
    }

    [Fact]
    public async Task A_service_is_found_by_name_and_trusted_by_that_name()
    {
        await _rig.GoodAsync("POST", "/api/v1/namespaces/default/services", """{"metadata":{"name":"hook"},"spec":{"type":"ExternalName","externalName":"localhost"}}""");
        string hook = _rig.Webhook("one", "/stages", Rule("CREATE", "", "v1", "configmaps")).Replace(_rig.Hook.Client("/stages"),
            $$"""{"service":{"namespace":"default","name":"hook","port":{{_rig.Hook.Port}},"path":"/stages"},"caBundle":"{{_rig.Hook.Bundle}}"}""", StringComparison.Ordinal);
        await _rig.MutateAsync("hooks", hook);

        Assert.Equal("yes", (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a", """{"start":"x"}"""))).Text("data", "stage-1"));
    }
}
