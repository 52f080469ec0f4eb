using Hanbae.Api.Json;
using Hanbae.Server.Tests.Crd;
using static Hanbae.Server.Tests.Admission.HookRig;
using static Hanbae.Server.Tests.Admission.HookServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>What webhooks refuse, and what happens when nobody can tell whether they would.</summary>
public sealed class ValidatingWebhookTests : IAsyncLifetime
{
    HookRig _rig = null!;

    public async Task InitializeAsync()
    {
        _rig = await HookRig.StartAsync();
        _rig.Hook.On("/deny", _ => Deny("not today")).On("/allow", _ => Allow)
            .On("/unwanted", r => Text(r, "object", "data", "unwanted") == "yes" || Text(r, "oldObject", "data", "unwanted") == "yes" ? Deny("the object contains unwanted data", "Forbidden", 403) : Allow);
    }

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    const string Unwanted = """{"unwanted":"yes"}""";

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny pod and configmap creation [Conformance]")]
    public async Task What_a_webhook_refuses_is_not_stored()
    {
        _rig.Hook.On("/pods", r => ((JsonObject)((JsonArray)At(r, "object", "spec", "containers")!)[0])["name"]!.Equals(new JsonString("webhook-disallow")) ? Deny("the pod contains unwanted container name") : Allow);
        const string exempt = """ "namespaceSelector":{"matchExpressions":[{"key":"skip-webhook-admission","operator":"NotIn","values":["yes"]}]} """;
        await _rig.ValidateAsync("hooks", _rig.Webhook("pods", "/pods", Rule("CREATE", "", "v1", "pods")), _rig.Webhook("maps", "/unwanted", Rule("CREATE,UPDATE,DELETE", "", "v1", "configmaps"), exempt));

        var pod = await _rig.Test.PostAsync(Pods, Pod("a", "webhook-disallow"));
        Assert.Equal((400, "admission webhook \"pods.example.com\" denied the request: the pod contains unwanted container name"), (pod.Code, pod.Message));
        Assert.Equal(404, (await _rig.Test.GetAsync(Pods + "/a")).Code);
        await _rig.GoodAsync("POST", Pods, Pod("a"));

        var map = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a", Unwanted));
        Assert.Equal((403, "Forbidden", "admission webhook \"maps.example.com\" denied the request: the object contains unwanted data"), (map.Code, map.Text("reason"), map.Message));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("ok"));
        Assert.Equal(403, (await _rig.Test.SendAsync("PUT", ConfigMaps + "/ok", ConfigMap("ok", Unwanted))).Code);
        Assert.Equal(403, (await _rig.Test.SendAsync("PATCH", ConfigMaps + "/ok", """{"data":{"unwanted":"yes"}}""", "application/merge-patch+json")).Code);

        await _rig.GoodAsync("POST", "/api/v1/namespaces", """{"metadata":{"name":"exempt","labels":{"skip-webhook-admission":"yes"}}}""");
        await _rig.GoodAsync("POST", "/api/v1/namespaces/exempt/configmaps", ConfigMap("a", Unwanted));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny attaching pod [Conformance]")]
    public async Task Attaching_to_a_pod_can_be_refused()
    {
        await _rig.GoodAsync("POST", Pods, Pod("a"));
        _rig.Hook.On("/attach", r => Text(r, "operation") == "CONNECT" && Text(r, "subResource") == "attach" && Text(r, "object", "kind") == "PodAttachOptions" && r["oldObject"] is JsonNull
            ? Deny($"attaching to pod '{Text(r, "name")}' is not allowed") : Allow);
        await _rig.ValidateAsync("hooks", _rig.Webhook("attach", "/attach", Rule("CONNECT", "", "v1", "pods/attach")));

        var answer = await _rig.Test.PostAsync(Pods + "/a/attach?stdin=true&stdout=true", "");

        Assert.Equal((400, "admission webhook \"attach.example.com\" denied the request: attaching to pod 'a' is not allowed"), (answer.Code, answer.Message));
    }

    [Theory]
    [Kubectl("1.27"), Kubectl("1.33")]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny attaching pod [Conformance]")]
    public async Task Kubectl_says_why_attaching_is_refused(string kubectl)
    {
        await _rig.GoodAsync("POST", Pods, Pod("a"));
        await _rig.GoodAsync("PATCH", Pods + "/a/status", """{"status":{"phase":"Running","containerStatuses":[{"name":"main","image":"example/app:1","imageID":"x","ready":true,"restartCount":0,"state":{"running":{} } }]}}""", "application/merge-patch+json");
        _rig.Hook.On("/attach", r => Deny($"attaching to pod '{Text(r, "name")}' is not allowed"));
        await _rig.ValidateAsync("hooks", _rig.Webhook("attach", "/attach", Rule("CONNECT", "", "v1", "pods/attach")));
        await using var session = new KubectlSession(kubectl, _rig.Test, borrowed: true);
        var ran = await session.TryAsync("", "attach", "--namespace=default", "a", "-i", "-c=main");
        Assert.NotEqual(0, ran.Code);
        Assert.Contains("attaching to pod 'a' is not allowed", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to deny custom resource creation, update and deletion [Conformance]")]
    public async Task Custom_resources_are_refused_at_every_write()
    {
        await _rig.Crd.DefineAsync(CrdRig.Thing("""{"type":"object","x-kubernetes-preserve-unknown-fields":true}"""));
        _rig.Hook.On("/custom", r => Text(r, "object", "spec", "x") == "unwanted" || Text(r, "oldObject", "spec", "x") == "kept" && r["object"] is JsonNull ? Deny("the custom resource contains unwanted data") : Allow);
        await _rig.ValidateAsync("hooks", _rig.Webhook("custom", "/custom", Rule("CREATE,UPDATE,DELETE", "example.com", "v1", "things")));

        Assert.Equal(400, (await _rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", """{"x":"unwanted"}"""))).Code);
        await _rig.GoodAsync("POST", CrdRig.Things, CrdRig.Object("a", """{"x":"kept"}"""));
        Assert.Equal(400, (await _rig.Test.SendAsync("PATCH", CrdRig.Things + "/a", """{"spec":{"x":"unwanted"}}""", "application/merge-patch+json")).Code);
        Assert.Contains("denied the request", (await _rig.Test.SendAsync("DELETE", CrdRig.Things + "/a")).Message, StringComparison.Ordinal);
        await _rig.GoodAsync("PATCH", CrdRig.Things + "/a", """{"spec":{"x":"free"}}""", "application/merge-patch+json");
        await _rig.GoodAsync("DELETE", CrdRig.Things + "/a");
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should deny crd creation [Conformance]")]
    public async Task Definitions_can_be_refused()
    {
        await _rig.ValidateAsync("hooks", _rig.Webhook("crd", "/deny", Rule("CREATE", "apiextensions.k8s.io", "*", "customresourcedefinitions"), """ "objectSelector":{"matchLabels":{"unwanted":"yes"}} """));
        string thing = CrdRig.Thing("""{"type":"object"}""");
        var answer = await _rig.Test.PostAsync(CrdRig.Definitions, thing.Replace("\"metadata\":{", "\"metadata\":{\"labels\":{\"unwanted\":\"yes\"},", StringComparison.Ordinal));
        Assert.Equal((400, "admission webhook \"crd.example.com\" denied the request: not today"), (answer.Code, answer.Message));
        await _rig.Crd.DefineAsync(thing);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should unconditionally reject operations on fail closed webhook [Conformance]")]
    public async Task A_webhook_that_cannot_be_reached_refuses_everything_or_nothing()
    {
        // A service without endpoints, as when the webhook's Pods are gone.
        await _rig.GoodAsync("POST", "/api/v1/namespaces/default/services", """{"metadata":{"name":"gone"},"spec":{"clusterIP":"None","ports":[{"port":443}]}}""");
        string hook = _rig.Webhook("closed", "/x", Rule("CREATE", "", "v1", "configmaps"), """ "failurePolicy":"Fail" """)
            .Replace(_rig.Hook.Client("/x"), """{"service":{"namespace":"default","name":"gone","path":"/x"}}""", StringComparison.Ordinal);
        await _rig.ValidateAsync("closed", hook);

        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"));
        Assert.Equal((500, "InternalError"), (answer.Code, answer.Text("reason")));
        Assert.Equal("Internal error occurred: failed calling webhook \"closed.example.com\": failed to call webhook: Post \"https://gone.default.svc:443/x?timeout=30s\": no endpoints available for service \"gone\"", answer.Message);

        await _rig.GoodAsync("PATCH", Validating + "/closed", """[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]""", "application/json-patch+json");
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should unconditionally reject operations on fail closed webhook [Conformance]")]
    public async Task A_webhook_that_nobody_vouches_for_is_not_told_anything()
    {
        string Hook(string failure) => _rig.Webhook(failure.ToLowerInvariant(), "/allow", Rule("CREATE", "", "v1", "configmaps"), $"\"failurePolicy\":\"{failure}\",\"namespaceSelector\":{{\"matchLabels\":{{\"held\":\"{failure}\"}}}}")
            .Replace($",\"caBundle\":\"{_rig.Hook.Bundle}\"", "", StringComparison.Ordinal);
        await _rig.ValidateAsync("hooks", Hook("Fail"), Hook("Ignore"));
        foreach (string failure in (string[])["Fail", "Ignore"]) await _rig.GoodAsync("POST", "/api/v1/namespaces", $$"""{"metadata":{"name":"{{failure.ToLowerInvariant()}}","labels":{"held":"{{failure}}"} } }""");
        var answer = await _rig.Test.PostAsync("/api/v1/namespaces/fail/configmaps", """{"metadata":{"name":"foo"}}""");
        Assert.Equal((500, "InternalError"), (answer.Code, answer.Text("reason")));
        Assert.Equal($"Internal error occurred: failed calling webhook \"fail.example.com\": failed to call webhook: Post \"https://localhost:{_rig.Hook.Port}/allow?timeout=30s\": tls: failed to verify certificate: x509: certificate signed by unknown authority", answer.Message);
        await _rig.GoodAsync("POST", "/api/v1/namespaces/ignore/configmaps", """{"metadata":{"name":"foo"}}""");
        Assert.Empty(_rig.Hook.Seen);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should honor timeout [Conformance]")]
    public async Task A_webhook_has_as_long_as_its_timeout()
    {
        string hook = _rig.Webhook("slow", "/hang", Rule("CREATE", "", "v1", "configmaps")).Replace("\"timeoutSeconds\":30", "\"timeoutSeconds\":1", StringComparison.Ordinal);
        await _rig.ValidateAsync("hooks", hook);
        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"));
        Assert.Equal(500, answer.Code);
        Assert.Equal($"Internal error occurred: failed calling webhook \"slow.example.com\": failed to call webhook: Post \"https://localhost:{_rig.Hook.Port}/hang?timeout=1s\": context deadline exceeded", answer.Message);
        Assert.Equal(404, (await _rig.Test.GetAsync(ConfigMaps + "/a")).Code);

        await _rig.GoodAsync("PATCH", Validating + "/hooks", """[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]""", "application/json-patch+json");
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        // One that answers in time is heard, however short or long that is.
        await _rig.GoodAsync("PATCH", Validating + "/hooks", """[{"op":"remove","path":"/webhooks/0/timeoutSeconds"},{"op":"replace","path":"/webhooks/0/clientConfig/url","value":"https://localhost:PORT/allow"}]""".Replace("PORT", _rig.Hook.Port.ToString(), StringComparison.Ordinal), "application/json-patch+json");
        Assert.Equal("10", (await _rig.Test.GetAsync(Validating + "/hooks")).Text("webhooks", "0", "timeoutSeconds"));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("b"));
        Assert.Equal("/allow", _rig.Hook.Seen.Last().Path);
    }

    [Theory]
    [InlineData("v1", true), InlineData("*", true), InlineData("v2", false)]
    public async Task Rules_name_versions_and_status_is_a_resource_of_its_own(string version, bool asked)
    {
        await _rig.GoodAsync("POST", Pods, Pod("a"));
        await _rig.ValidateAsync("hooks", _rig.Webhook("status", "/deny", Rule("UPDATE", "", version, "pods/status")));
        string patch = """{"metadata":{"labels":{"a":"b"}}}""";
        await _rig.GoodAsync("PATCH", Pods + "/a", patch, "application/merge-patch+json");
        var answer = await _rig.Test.SendAsync("PATCH", Pods + "/a/status", """{"status":{"phase":"Running"}}""", "application/merge-patch+json");
        Assert.Equal(asked ? 400 : 200, answer.Code);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing validating webhooks should work [Conformance]")]
    public async Task Webhooks_are_listed_and_deleted_together_and_then_have_no_say()
    {
        for (int i = 0; i < 3; i++) await _rig.ValidateAsync("hooks-" + i, _rig.Webhook("maps", "/unwanted", Rule("CREATE", "", "v1", "configmaps")));
        Assert.Equal(3, ((JsonArray)(await _rig.Test.GetAsync(Validating + "?labelSelector=test%3Dyes")).Json["items"]!).Count);
        Assert.Equal(403, (await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a", Unwanted))).Code);
        await _rig.GoodAsync("DELETE", Validating + "?labelSelector=test%3Dyes");
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a", Unwanted));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a validating webhook should work [Conformance]")]
    public async Task A_webhook_that_is_changed_is_called_as_it_is_now()
    {
        await _rig.ValidateAsync("hooks", _rig.Webhook("maps", "/unwanted", Rule("CREATE", "", "v1", "configmaps")));
        Assert.Equal(403, (await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a", Unwanted))).Code);
        var hooks = await _rig.Test.GetAsync(Validating + "/hooks");
        await _rig.GoodAsync("PUT", Validating + "/hooks", hooks.Body.Replace("\"CREATE\"", "\"UPDATE\"", StringComparison.Ordinal));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a", Unwanted));
        await _rig.GoodAsync("PATCH", Validating + "/hooks", """[{"op":"replace","path":"/webhooks/0/rules/0/operations/0","value":"CREATE"}]""", "application/json-patch+json");
        Assert.Equal(403, (await _rig.Test.PostAsync(ConfigMaps, ConfigMap("b", Unwanted))).Code);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update validating webhook configurations with match conditions [Conformance]")]
    public async Task Conditions_narrow_what_a_webhook_is_asked_about_and_their_errors_are_failures()
    {
        await _rig.ValidateAsync("hooks", _rig.Webhook("maps", "/deny", Rule("CREATE", "", "v1", "configmaps"), """ "matchConditions":[{"name":"denied","expression":"object.metadata.name.startsWith('denied') && !authorizer.group('').resource('pods').check('get').allowed()"}] """));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("fine"));
        Assert.Equal(400, (await _rig.Test.PostAsync(ConfigMaps, ConfigMap("denied-1"))).Code);

        await _rig.GoodAsync("PATCH", Validating + "/hooks", """[{"op":"replace","path":"/webhooks/0/matchConditions/0/expression","value":"object.nothing == 'x'"}]""", "application/json-patch+json");
        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("b"));
        Assert.Equal((403, "configmaps \"b\" is forbidden: expression 'object.nothing == 'x'' resulted in error: no such key: nothing"), (answer.Code, answer.Message));
    }

    [Fact]
    public async Task Warnings_and_broken_answers_reach_the_client()
    {
        _rig.Hook.On("/warn", _ => Allow.With("warnings", JsonArray.Of("mind the gap")));
        _rig.Hook.On("/uid", _ => Allow.With("uid", "another"));
        await _rig.ValidateAsync("hooks", _rig.Webhook("warn", "/warn", Rule("CREATE", "", "v1", "configmaps")), _rig.Webhook("uid", "/uid", Rule("CREATE", "", "v1", "secrets")));

        var warned = await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Contains("mind the gap", string.Join(' ', warned.Headers.GetValues("Warning")), StringComparison.Ordinal);
        var wrong = await _rig.Test.PostAsync("/api/v1/namespaces/default/secrets", """{"metadata":{"name":"a"}}""");
        Assert.Contains("failed calling webhook \"uid.example.com\": received invalid webhook response: expected response.uid=", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery documents [Conformance]")]
    public async Task Webhooks_are_discovered()
    {
        var group = await _rig.Test.GetAsync("/apis/admissionregistration.k8s.io");
        Assert.Equal("admissionregistration.k8s.io/v1", group.Text("preferredVersion", "groupVersion"));
        Assert.Contains("admissionregistration.k8s.io", (await _rig.Test.GetAsync("/apis")).Body, StringComparison.Ordinal);
        string[] names = [.. ((JsonArray)(await _rig.Test.GetAsync("/apis/admissionregistration.k8s.io/v1")).Json["resources"]!).Items.Select(r => Text(r, "name"))];
        Assert.Contains("mutatingwebhookconfigurations", names);
        Assert.Contains("validatingwebhookconfigurations", names);
    }
}
