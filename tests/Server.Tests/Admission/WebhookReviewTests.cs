using Hanbae.Api.Json;
using Hanbae.Kit;
using Hanbae.Server.Tests.Crd;
using static Hanbae.Server.Tests.Admission.HookRig;
using static Hanbae.Server.Tests.Admission.HookServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>What webhooks are shown and how they are asked, off the beaten track.</summary>
public sealed class WebhookReviewTests : IAsyncLifetime
{
    const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    const string Deployment = """{"metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"example/app:1"}]}}}}""";

    HookRig _rig = null!;

    public async Task InitializeAsync() => _rig = await HookRig.StartAsync();
    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    public async Task A_scale_is_shown_as_a_scale_and_can_be_changed()
    {
        await _rig.GoodAsync("POST", Deployments, Deployment);
        _rig.Hook.On("/most", r => At(r, "object", "spec", "replicas") is JsonNumber { Int64: > 3 } ? Patch("""[{"op":"replace","path":"/spec/replicas","value":3}]""") : Allow);
        await _rig.MutateAsync("hooks", _rig.Webhook("most", "/most", Rule("UPDATE", "apps", "v1", "deployments/scale")));

        Assert.Equal("3", (await _rig.GoodAsync("PATCH", Deployments + "/d/scale", """{"spec":{"replicas":9}}""", "application/merge-patch+json")).Text("spec", "replicas"));
        Assert.Equal("3", (await _rig.Test.GetAsync(Deployments + "/d")).Text("spec", "replicas"));
        var (_, seen) = _rig.Hook.Seen.Last();
        Assert.Equal(("autoscaling", "Scale", "scale", "Scale", "Scale"), (Text(seen, "kind", "group"), Text(seen, "kind", "kind"), Text(seen, "subResource"), Text(seen, "object", "kind"), Text(seen, "oldObject", "kind")));
        Assert.Equal("deployments", Text(seen, "resource", "resource"));

        _rig.Hook.On("/no", _ => Deny("too many"));
        await _rig.ValidateAsync("no", _rig.Webhook("no", "/no", Rule("UPDATE", "apps", "v1", "deployments/scale")));
        var refused = await _rig.Test.SendAsync("PATCH", Deployments + "/d/scale", """{"spec":{"replicas":1}}""", "application/merge-patch+json");
        Assert.Equal("admission webhook \"no.example.com\" denied the request: too many", refused.Message);
        Assert.Equal("3", Text(_rig.Hook.Seen.Last().Request, "oldObject", "spec", "replicas") is { Length: > 0 } text ? text : At(_rig.Hook.Seen.Last().Request, "oldObject", "spec", "replicas")!.ToString());
    }

    [Fact]
    public async Task The_options_are_those_of_what_is_done_whatever_the_verb()
    {
        await _rig.MutateAsync("hooks", _rig.Webhook("all", "/all", Rule("CREATE,UPDATE,DELETE", "", "v1", "configmaps")));
        _rig.Hook.On("/all", _ => Allow);
        async Task<string> ToldAsync(string method, string path, string? body, string type = "application/json")
        {
            await _rig.GoodAsync(method, path, body, type);
            return At(_rig.Hook.Seen.Last().Request, "options")!.ToString()!;
        }
        string Options(string kind, string fields) => $"{{\"kind\":\"{kind}\",\"apiVersion\":\"meta.k8s.io/v1\"{fields}}}";
        const string me = "?fieldManager=me&fieldValidation=Strict&dryRun=All", said = ",\"dryRun\":[\"All\"],\"fieldManager\":\"me\",\"fieldValidation\":\"Strict\"";

        Assert.Equal(Options("CreateOptions", said), await ToldAsync("POST", ConfigMaps + me, ConfigMap("a")));
        Assert.Equal(Options("CreateOptions", ""), await ToldAsync("POST", ConfigMaps, ConfigMap("a")));
        Assert.Equal(Options("UpdateOptions", said), await ToldAsync("PUT", ConfigMaps + "/a" + me, ConfigMap("a", """{"a":"c"}""")));
        Assert.Equal(Options("UpdateOptions", said), await ToldAsync("PATCH", ConfigMaps + "/a" + me, """{"data":{"a":"d"}}""", "application/merge-patch+json"));
        Assert.Equal(Options("CreateOptions", said), await ToldAsync("PATCH", ConfigMaps + "/b" + me, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n", "application/apply-patch+yaml"));
        Assert.Equal(Options("DeleteOptions", ",\"dryRun\":[\"All\"]"), await ToldAsync("DELETE", ConfigMaps + "/a?dryRun=All", null));
        Assert.Equal(Options("DeleteOptions", ",\"propagationPolicy\":\"Background\""), await ToldAsync("DELETE", ConfigMaps + "/a", """{"propagationPolicy":"Background"}"""));
    }

    [Fact]
    public async Task An_eviction_is_admitted_as_one_and_not_as_a_delete_besides()
    {
        await _rig.GoodAsync("POST", Pods, Pod("a"));
        _rig.Hook.On("/all", _ => Allow);
        await _rig.ValidateAsync("hooks", _rig.Webhook("all", "/all", Rule("*", "", "v1", "pods,pods/eviction")));

        await _rig.GoodAsync("POST", Pods + "/a/eviction", """{"metadata":{"name":"a"}}""");

        Assert.Equal(["CREATE eviction CreateOptions"], _rig.Hook.Seen.Select(s => $"{Text(s.Request, "operation")} {Text(s.Request, "subResource")} {Text(s.Request, "options", "kind")}"));
    }

    /// <summary>As upstream, whose storage minds: upstream's own test of accounts held to their nodes creates what it has read before, and is to hear the policy.</summary>
    [Fact]
    public async Task That_something_new_has_a_version_is_minded_after_all_else()
    {
        static string Pinned(string version, string data = "{}") => $$"""{"metadata":{"name":"a","resourceVersion":"{{version}}"},"data":{{data}} }""";
        bool mayBe = false;
        _rig.Hook.On("/all", _ => mayBe ? Allow : Deny("no"));
        await _rig.ValidateAsync("hooks", _rig.Webhook("all", "/all", Rule("*", "", "v1", "configmaps")));

        var invalid = await _rig.Test.PostAsync(ConfigMaps, Pinned("1", """{"not a key":"x"}"""));
        Assert.Equal((422, "Invalid"), (invalid.Code, invalid.Text("reason")));
        Assert.Empty(_rig.Hook.Seen);
        Assert.Equal("admission webhook \"all.example.com\" denied the request: no", (await _rig.Test.PostAsync(ConfigMaps, Pinned("1"))).Message);
        mayBe = true;
        var refused = await _rig.Test.PostAsync(ConfigMaps, Pinned("1"));
        Assert.Equal((500, "resourceVersion should not be set on objects to be created"), (refused.Code, refused.Message));
        Assert.Equal(404, (await _rig.Test.GetAsync(ConfigMaps + "/a")).Code);
        // What is not stored is not minded, and nought is no version.
        Assert.Equal(201, (await _rig.Test.PostAsync(ConfigMaps + "?dryRun=All", Pinned("1"))).Code);
        var made = await _rig.GoodAsync("POST", ConfigMaps, Pinned("0"));
        Assert.NotEqual("0", made.Text("metadata", "resourceVersion"));
    }

    [Fact]
    public async Task An_account_of_fields_that_a_webhook_breaks_is_as_it_was()
    {
        _rig.Hook.On("/break", _ => Patch("""[{"op":"replace","path":"/metadata/managedFields/0/operation","value":"Guess"},{"op":"add","path":"/data/x","value":"y"}]"""));
        await _rig.MutateAsync("hooks", _rig.Webhook("break", "/break", Rule("CREATE", "", "v1", "configmaps")));

        var made = await _rig.GoodAsync("POST", ConfigMaps + "?fieldManager=me", ConfigMap("a"));

        Assert.Equal(("y", "me", "Update"), (made.Text("data", "x"), made.Text("metadata", "managedFields", "0", "manager"), made.Text("metadata", "managedFields", "0", "operation")));
        Assert.StartsWith("299 - \".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ", Assert.Single(made.Headers.GetValues("Warning")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Priority_classes_of_the_system_stay()
    {
        const string Classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
        foreach (string name in (string[])["system-node-critical", "mine"]) await _rig.GoodAsync("POST", Classes, $$"""{"metadata":{"name":"{{name}}"},"value":{{(name == "mine" ? "5" : "2000001000")}} }""");

        var refused = await _rig.Test.SendAsync("DELETE", Classes + "/system-node-critical");

        Assert.Equal((403, "priorityclasses.scheduling.k8s.io \"system-node-critical\" is forbidden: this is a system priority class and cannot be deleted"), (refused.Code, refused.Message));
        await _rig.GoodAsync("DELETE", Classes + "/mine");
    }

    [Fact]
    public async Task A_webhook_of_the_first_version_is_asked_in_it()
    {
        string group = "";
        _rig.Hook.On("/old", r =>
        {
            group = Text(r, "kind", "kind");
            // It did not have to echo the uid, nor to name the kind of patch.
            return JsonObject.Of(("uid", ""), ("allowed", true), ("patch", Convert.ToBase64String("""[{"op":"add","path":"/data/old","value":"yes"}]"""u8)));
        });
        await _rig.MutateAsync("hooks", _rig.Webhook("old", "/old", Rule("CREATE", "", "v1", "configmaps")).Replace("\"admissionReviewVersions\":[\"v1\"]", "\"admissionReviewVersions\":[\"v7\",\"v1beta1\",\"v1\"]", StringComparison.Ordinal));
        Assert.Equal(("yes", "ConfigMap"), ((await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"))).Text("data", "old"), group));
    }

    /// <summary>Upstream's own tests of webhooks answer so.</summary>
    [Theory]
    [InlineData("v1beta1", 201, "")]
    [InlineData("v1", 500, "Internal error occurred: failed calling webhook \"one.example.com\": received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=")]
    public async Task An_answer_says_what_it_is_but_for_the_first_version(string version, int code, string message)
    {
        _rig.Hook.IsNameless = true;
        _rig.Hook.On("/one", _ => Allow);
        await _rig.ValidateAsync("hooks", _rig.Webhook("one", "/one", Rule("CREATE", "", "v1", "configmaps")).Replace("[\"v1\"],\"timeout", $"[\"{version}\"],\"timeout", StringComparison.Ordinal));
        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"));
        Assert.Equal((code, message), (answer.Code, answer.Message));
    }

    /// <summary>Upstream's TestWebhookLoadBalance, whose other half is that of Services.</summary>
    [Fact]
    public async Task A_webhook_at_an_address_is_asked_over_one_connection()
    {
        _rig.Hook.On("/one", _ => Allow);
        await _rig.ValidateAsync("hooks", _rig.Webhook("one", "/one", Rule("CREATE", "", "v1", "configmaps")));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Equal(["HTTP/2"], _rig.Hook.Protocols);
        Assert.Equal(["kube-apiserver-admission application/json, */*"], _rig.Hook.Askers);
    }

    /// <summary>Upstream's TestWebhookTimeout: the lesser of its own time and of what is left of the request's.</summary>
    [Fact]
    public async Task A_webhook_is_told_how_long_it_has()
    {
        var time = new FakeTime();
        await using var rig = await HookRig.StartAsync(time: time);
        string Hook(string name, int seconds)
        {
            rig.Hook.On("/" + name, _ =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return Allow;
            });
            string text = rig.Webhook(name, "/" + name, Rule("CREATE", "", "v1", "configmaps"));
            return System.Text.RegularExpressions.Regex.Replace(text, "\"timeoutSeconds\":[0-9]+", $"\"timeoutSeconds\":{seconds}");
        }
        await rig.MutateAsync("hooks", Hook("a", 20), Hook("b", 5), Hook("c", 20));
        await rig.ValidateAsync("hooks", Hook("d", 20));
        await rig.GoodAsync("POST", ConfigMaps + "?timeout=10s", ConfigMap("a"));
        Assert.Equal(["?timeout=10s", "?timeout=5s", "?timeout=8s", "?timeout=7s"], rig.Hook.Queries);
    }

    [Fact]
    public async Task Webhooks_that_undo_each_other_are_asked_twice_and_no_more()
    {
        string rule = Rule("CREATE", "", "v1", "configmaps"), again = "\"reinvocationPolicy\":\"IfNeeded\"";
        _rig.Hook.On("/x", r => Text(r, "object", "data", "turn") == "x" ? Allow : Patch("""[{"op":"add","path":"/data/turn","value":"x"}]"""));
        _rig.Hook.On("/y", r => Text(r, "object", "data", "turn") == "y" ? Allow : Patch("""[{"op":"add","path":"/data/turn","value":"y"}]"""));
        await _rig.MutateAsync("hooks", _rig.Webhook("x", "/x", rule, again), _rig.Webhook("y", "/y", rule, again));
        Assert.Equal("y", (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"))).Text("data", "turn"));
        Assert.Equal(["/x", "/y", "/x", "/y"], _rig.Hook.Seen.Select(s => s.Path));
    }

    [Fact]
    public async Task A_webhook_that_writes_what_it_is_asked_about_can_keep_out_of_its_own_way()
    {
        // What it writes would be asked about again, and again, were it not for the condition.
        _rig.Hook.On("/writes", r =>
        {
            _ = _rig.Test.PostAsync(ConfigMaps, ConfigMap("copy-of-" + Text(r, "name")));
            return Allow;
        });
        await _rig.ValidateAsync("hooks", _rig.Webhook("writes", "/writes", Rule("CREATE", "", "v1", "configmaps"), """ "matchConditions":[{"name":"no-copies","expression":"!object.metadata.name.startsWith('copy-of-')"}] """));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        await CrdRig.UntilAsync(async () => (await _rig.Test.GetAsync(ConfigMaps + "/copy-of-a")).Code == 200, "the copy is there");
        Assert.Single(_rig.Hook.Seen);
    }

    [Fact]
    public async Task Side_effects_that_cannot_be_left_out_refuse_a_dry_run()
    {
        string hook = _rig.Webhook("one", "/one", Rule("CREATE", "", "v1", "configmaps")).Replace("\"sideEffects\":\"None\"", "\"sideEffects\":\"Some\"", StringComparison.Ordinal);
        var stored = await _rig.Test.PostAsync(Validating, Configuration("hooks", hook));
        Assert.Equal(422, stored.Code);
        Assert.Contains("webhooks[0].sideEffects: Unsupported value: \"Some\"", stored.Message, StringComparison.Ordinal);
        // Only those that know nothing but the first version may still have any.
        await _rig.ValidateAsync("hooks", hook.Replace("[\"v1\"],\"timeout", "[\"v1beta1\"],\"timeout", StringComparison.Ordinal));
        var refused = await _rig.Test.PostAsync(ConfigMaps + "?dryRun=All", ConfigMap("a"));
        Assert.Equal((400, "BadRequest", "admission webhook \"one.example.com\" does not support dry run"), (refused.Code, refused.Text("reason"), refused.Message));
        Assert.Empty(_rig.Hook.Seen);
    }

    [Fact]
    [Trait("Attack", "CEL cost bombs")]
    public async Task Conditions_that_cost_too_much_fail()
    {
        string costly = "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a + b + c + d + e + f > 0))))))";
        await _rig.ValidateAsync("hooks", _rig.Webhook("one", "/one", Rule("CREATE", "", "v1", "configmaps"), $$""" "matchConditions":[{"name":"costly","expression":"{{costly}}"}] """));
        var refused = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"));
        Assert.Equal(403, refused.Code);
        Assert.Contains("validation failed due to running out of cost budget, no further validation rules will be run", refused.Message, StringComparison.Ordinal);
        Assert.Empty(_rig.Hook.Seen);
    }

    [Fact]
    public async Task What_webhooks_note_reaches_the_audit_log()
    {
        _rig.Hook.On("/notes", _ => Patch("""[{"op":"add","path":"/data/x","value":"y"}]""").With("auditAnnotations", JsonObject.Of(("key", "value"))));
        var hooks = _rig.Webhook("notes", "/notes", Rule("CREATE", "", "v1", "configmaps"));
        await _rig.MutateAsync("m", hooks);
        await _rig.ValidateAsync("v", _rig.Webhook("gone", "/gone", Rule("CREATE", "", "v1", "configmaps"), "\"failurePolicy\":\"Ignore\""));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Equal(new Dictionary<string, string>
        {
            ["notes.example.com/key"] = "value",
            ["mutation.webhook.admission.k8s.io/round_0_index_0"] = """{"configuration":"m","webhook":"notes.example.com","mutated":true}""",
            ["failed-open.validating.webhook.admission.k8s.io/round_0_index_0"] = "gone.example.com",
        }, _rig.Audit.At(Hanbae.Server.Audit.AuditLevel.Metadata).ToDictionary());
    }

    [Fact]
    public async Task Reviews_of_access_pass_by_webhooks()
    {
        _rig.Hook.On("/no", _ => Deny("nobody asks"));
        await _rig.ValidateAsync("hooks", _rig.Webhook("no", "/no", Rule("CREATE", "authorization.k8s.io", "v1", "*"), "\"failurePolicy\":\"Fail\""));
        var refused = await _rig.Test.PostAsync("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """{"spec":{"nonResourceAttributes":{"verb":"get","path":"/"}}}""");
        Assert.Equal("admission webhook \"no.example.com\" denied the request: nobody asks", refused.Message);
        Assert.Equal(("SelfSubjectAccessReview", "CREATE"), (Text(_rig.Hook.Seen.Single().Request, "object", "kind"), Text(_rig.Hook.Seen.Single().Request, "operation")));
    }

    [Fact]
    public async Task A_rule_for_a_version_that_was_given_up_matches_and_the_other_way_round()
    {
        await using var legacy = await HookRig.StartAsync(legacy: true);
        legacy.Hook.On("/mark", r => Patch($$"""[{"op":"add","path":"/metadata/annotations","value":{"seen":"{{Text(r, "object", "apiVersion")}}"} }]"""));
        await legacy.MutateAsync("hooks", legacy.Webhook("new", "/mark", Rule("CREATE", "apps", "v1", "deployments")));
        var made = await legacy.GoodAsync("POST", "/apis/extensions/v1beta1/namespaces/default/deployments", Deployment);
        Assert.Equal("apps/v1", made.Text("metadata", "annotations", "seen"));

        await legacy.GoodAsync("DELETE", Mutating + "/hooks");
        await legacy.MutateAsync("hooks", legacy.Webhook("old", "/mark", Rule("CREATE", "extensions", "v1beta1", "deployments")));
        var now = await legacy.GoodAsync("POST", Deployments, Deployment.Replace("\"d\"", "\"e\"", StringComparison.Ordinal));
        Assert.Equal("extensions/v1beta1", now.Text("metadata", "annotations", "seen"));
    }
}
