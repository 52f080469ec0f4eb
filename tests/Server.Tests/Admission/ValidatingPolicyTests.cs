using Hanbae.Api.Json;
using Hanbae.Server.Tests.Crd;
using static Hanbae.Server.Tests.Admission.HookRig;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Policies in CEL that hold what is written against rules, and what a binding makes of them.</summary>
public sealed class ValidatingPolicyTests : IAsyncLifetime
{
    const string Policies = Registration + "validatingadmissionpolicies", Bindings = Registration + "validatingadmissionpolicybindings";
    const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    HookRig _rig = null!;

    public async Task InitializeAsync() => _rig = await HookRig.StartAsync();
    public async Task DisposeAsync() => await _rig.DisposeAsync();

    static string Policy(string name, string rule, string spec) => $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"matchConstraints":{"resourceRules":[{{{rule}}}]},{{{spec}}} } }""";

    Task<TestServer.Answer> BindAsync(string policy, string actions = "\"Deny\"", string more = "") =>
        _rig.GoodAsync("POST", Bindings, $$$"""{"metadata":{"name":"{{{policy}}}-b"},"spec":{"policyName":"{{{policy}}}","validationActions":[{{{actions}}}]{{{more}}} } }""");

    static string Deployment(string name, int replicas) => $$$$"""
        {"metadata":{"name":"{{{{name}}}}"},"spec":{"replicas":{{{{replicas}}}},"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"example/app:1"}]} } } }
        """;

    static readonly string s_deployments = Rule("CREATE,UPDATE", "apps", "v1", "deployments"), s_maps = Rule("CREATE,UPDATE", "", "v1", "configmaps");

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment [Conformance]")]
    public async Task What_a_bound_policy_objects_to_is_refused()
    {
        await _rig.GoodAsync("POST", Policies, Policy("replicas", s_deployments, """ "validations":[{"expression":"object.spec.replicas > 1","messageExpression":"'wants replicas > 1, got ' + string(object.spec.replicas)"},{"expression":"namespaceObject.metadata.name == 'default'","message":"wrong namespace"}] """));
        await _rig.GoodAsync("POST", Deployments, Deployment("unbound", 1));

        await BindAsync("replicas");
        var answer = await _rig.Test.PostAsync(Deployments, Deployment("one", 1));
        Assert.Equal((422, "Invalid", "deployments.apps \"one\" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'replicas-b' denied request: wants replicas > 1, got 1"), (answer.Code, answer.Text("reason"), answer.Message));
        await _rig.GoodAsync("POST", Deployments, Deployment("two", 2));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer variables. [Conformance]")]
    public async Task Expressions_name_variables_and_these_name_each_other()
    {
        await _rig.GoodAsync("POST", Policies, Policy("vars", s_deployments, """
            "variables":[{"name":"replicas","expression":"object.spec.replicas"},{"name":"oddReplicas","expression":"variables.replicas % 2 == 1"}],
            "validations":[{"expression":"variables.replicas > 1"},{"expression":"variables.oddReplicas","reason":"Forbidden"}]
            """));
        await BindAsync("vars");

        var one = await _rig.Test.PostAsync(Deployments, Deployment("d", 1));
        Assert.Contains("denied request: failed expression: variables.replicas > 1", one.Message, StringComparison.Ordinal);
        var two = await _rig.Test.PostAsync(Deployments, Deployment("d", 2));
        Assert.Equal((403, "Forbidden"), (two.Code, two.Text("reason")));
        await _rig.GoodAsync("POST", Deployments, Deployment("d", 3));
    }

    [Fact]
    public async Task Parameters_come_from_what_the_binding_refers_to()
    {
        await _rig.GoodAsync("POST", Policies, Policy("limit", s_maps, """ "paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"matchConditions":[{"name":"no-params","expression":"object.metadata.name != params.metadata.name"}],"validations":[{"expression":"size(object.data) <= int(params.data.max)"}] """));
        await BindAsync("limit", more: ""","paramRef":{"name":"limits","parameterNotFoundAction":"Deny"} """);
        var without = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("x"));
        Assert.Contains("denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction", without.Message, StringComparison.Ordinal);

        await _rig.GoodAsync("PATCH", Bindings + "/limit-b", """{"spec":{"paramRef":{"parameterNotFoundAction":"Allow"}}}""", "application/merge-patch+json");
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("limits", """{"max":"1"}"""));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("one"));
        Assert.Equal(422, (await _rig.Test.PostAsync(ConfigMaps, ConfigMap("two", """{"a":"1","b":"2"}"""))).Code);

        await _rig.GoodAsync("PATCH", Bindings + "/limit-b", """{"spec":{"paramRef":{"name":null,"selector":{"matchLabels":{"limit":"yes"}}}}}""", "application/merge-patch+json");
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("two", """{"a":"1","b":"2"}"""));
        await _rig.GoodAsync("PATCH", ConfigMaps + "/limits", """{"metadata":{"labels":{"limit":"yes"}}}""", "application/merge-patch+json");
        Assert.Equal(422, (await _rig.Test.PostAsync(ConfigMaps, ConfigMap("three", """{"a":"1","b":"2"}"""))).Code);
    }

    /// <summary>As upstream's Test_ValidateNamespace_NoParams has it, where the policy has parameters and its binding none.</summary>
    [Theory]
    [InlineData("object.metadata.name.startsWith(params.metadata.name)", "expression 'object.metadata.name.startsWith(params.metadata.name)' resulted in error: no such key: metadata")]
    [InlineData("has(params.metadata) && has(params.metadata.name)", "failed expression: has(params.metadata) && has(params.metadata.name)")]
    [InlineData("(params != null && object.metadata.name.endsWith(params.metadata.name))", "failed expression: (params != null && object.metadata.name.endsWith(params.metadata.name))")]
    [InlineData("(has(params.metadata) && object.metadata.name.startsWith(params.metadata.name)) || object.metadata.name.endsWith('k8s')", "")]
    public async Task Without_parameters_there_is_null_and_it_has_no_fields(string expression, string refusal)
    {
        await _rig.GoodAsync("POST", Policies, Policy("guarded", s_maps, $$""" "paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"validations":[{"expression":"{{expression}}"}] """));
        await BindAsync("guarded");
        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("test-k8s"));
        Assert.Equal(refusal.Length > 0 ? (422, "configmaps \"test-k8s\" is forbidden: ValidatingAdmissionPolicy 'guarded' with binding 'guarded-b' denied request: " + refusal) : (201, ""), (answer.Code, answer.Code == 201 ? "" : answer.Message));
    }

    /// <summary>By these a cluster works: who is to be known and what he may do is nobody's to refuse.</summary>
    [Fact]
    public async Task Reviews_of_access_are_no_policys_concern()
    {
        await _rig.GoodAsync("POST", Policies, Policy("all", Rule("CREATE", "*", "*", "*"), """ "validations":[{"expression":"false"}] """));
        await BindAsync("all");
        Assert.Equal(422, (await _rig.Test.PostAsync(ConfigMaps, ConfigMap("x"))).Code);
        await _rig.GoodAsync("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """{"spec":{"nonResourceAttributes":{"verb":"get","path":"/"}}}""");
        await _rig.GoodAsync("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
    }

    [Fact]
    public async Task A_binding_may_warn_and_narrow_and_an_error_is_as_the_failure_policy_has_it()
    {
        await _rig.GoodAsync("POST", Policies, Policy("broken", s_maps, """ "validations":[{"expression":"object.data.missing == 'x'"}] """));
        await BindAsync("broken", "\"Warn\",\"Audit\"", ""","matchResources":{"objectSelector":{"matchLabels":{"watched":"yes"}}}""");
        var plain = await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.False(plain.Headers.Contains("Warning"));
        var warned = await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("b", labels: """{"watched":"yes"}"""));
        Assert.Contains("Validation failed for ValidatingAdmissionPolicy 'broken' with binding 'broken-b': expression 'object.data.missing == 'x'' resulted in error: no such key: missing",
            string.Join(' ', warned.Headers.GetValues("Warning")), StringComparison.Ordinal);
        await _rig.GoodAsync("PATCH", Policies + "/broken", """{"spec":{"failurePolicy":"Ignore"}}""", "application/merge-patch+json");
        Assert.False((await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("c", labels: """{"watched":"yes"}"""))).Headers.Contains("Warning"));
    }

    [Fact]
    public async Task The_audit_log_is_told_what_a_policy_says()
    {
        await _rig.GoodAsync("POST", Policies, Policy("notes", s_maps, """
            "validations":[{"expression":"true"},{"expression":"object.metadata.name == 'b'","message":"not b"}],
            "auditAnnotations":[{"key":"size","valueExpression":"string(size(object.data))"},{"key":"none","valueExpression":"null"}]
            """));
        await BindAsync("notes", "\"Audit\"");
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Equal(new Dictionary<string, string>
        {
            ["notes/size"] = "1",
            ["validation.policy.admission.k8s.io/validation_failure"] = """[{"message":"not b","policy":"notes","binding":"notes-b","expressionIndex":1,"validationActions":["Audit"]}]""",
        }, _rig.Audit.ToDictionary());
    }

    [Fact]
    public async Task Custom_resources_deletes_and_the_authorizer_are_in_reach()
    {
        await _rig.Crd.DefineAsync(CrdRig.Thing("""{"type":"object","x-kubernetes-preserve-unknown-fields":true}"""));
        await _rig.GoodAsync("POST", Policies, Policy("keep", Rule("DELETE", "example.com", "*", "*"), """ "validations":[{"expression":"object == null && oldObject.spec.keep != 'yes' || authorizer.requestResource.check('delete').allowed()"}] """));
        await BindAsync("keep");
        await _rig.GoodAsync("POST", CrdRig.Things, CrdRig.Object("a", """{"keep":"yes"}"""));
        await _rig.GoodAsync("POST", CrdRig.Things, CrdRig.Object("b", """{"keep":"no"}"""));

        Assert.Equal(422, (await _rig.Test.SendAsync("DELETE", CrdRig.Things + "/a")).Code);
        await _rig.GoodAsync("DELETE", CrdRig.Things + "/b");
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject mutating webhook configurations with invalid match conditions [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should reject validating webhook configurations with invalid match conditions [Conformance]")]
    public async Task Expressions_that_do_not_compile_are_not_stored()
    {
        string hook = _rig.Webhook("one", "/x", s_maps, """ "matchConditions":[{"name":"bad","expression":"..."},{"name":"text","expression":"'x'"}] """);
        foreach (string path in (string[])[Mutating, Validating])
        {
            var answer = await _rig.Test.PostAsync(path, Configuration("bad", hook));
            Assert.Equal(422, answer.Code);
            Assert.Contains("webhooks[0].matchConditions[0].expression: Invalid value: \"...\": compilation failed: ERROR: <input>:1:1: Syntax error", answer.Message, StringComparison.Ordinal);
            Assert.Contains("webhooks[0].matchConditions[1].expression: Invalid value: \"'x'\": must evaluate to bool", answer.Message, StringComparison.Ordinal);
        }
        var policy = await _rig.Test.PostAsync(Policies, Policy("bad", s_maps, """ "validations":[{"expression":"params.x"},{"expression":"object.x == 1","messageExpression":"1"}] """));
        Assert.Contains("spec.validations[0].expression: Invalid value: \"params.x\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params'", policy.Message, StringComparison.Ordinal);
        Assert.Contains("spec.validations[1].messageExpression: Invalid value: \"1\": must evaluate to string", policy.Message, StringComparison.Ordinal);
    }
}
