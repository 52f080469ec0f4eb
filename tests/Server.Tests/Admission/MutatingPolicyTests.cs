using static Hanbae.Server.Tests.Admission.HookRig;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Policies in CEL that change what is written.</summary>
public sealed class MutatingPolicyTests : IAsyncLifetime
{
    const string Policies = Registration + "mutatingadmissionpolicies", Bindings = Registration + "mutatingadmissionpolicybindings";
    const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    HookRig _rig = null!;

    public async Task InitializeAsync() => _rig = await HookRig.StartAsync();
    public async Task DisposeAsync() => await _rig.DisposeAsync();

    static readonly string s_deployments = Rule("CREATE", "apps", "v1", "deployments"), s_maps = Rule("CREATE", "", "v1", "configmaps");

    async Task DefineAsync(string name, string rule, string spec, string binding = "", string reinvoke = "Never")
    {
        await _rig.GoodAsync("POST", Policies, $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"reinvocationPolicy":"{{{reinvoke}}}","matchConstraints":{"resourceRules":[{{{rule}}}]},{{{spec}}} } }""");
        await _rig.GoodAsync("POST", Bindings, $$$"""{"metadata":{"name":"{{{name}}}-b"},"spec":{"policyName":"{{{name}}}"{{{binding}}} } }""");
    }

    const string Deployment = """
        {"metadata":{"name":"d","labels":{"old":"x"}},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"example/app:1"}]}}}}
        """;

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment [Conformance]")]
    public async Task What_an_expression_makes_is_applied()
    {
        await DefineAsync("replicas", s_deployments, """
            "mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{ spec: Object.spec{ replicas: 2, template: Object.spec.template{ spec: Object.spec.template.spec{ initContainers: [Object.spec.template.spec.initContainers{ name: 'added', image: 'example/init:1' }] } } } }"} },
            {"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{ metadata: Object.metadata{ annotations: {'replicas-seen': string(object.spec.replicas)}, labels: {'new': 'y'} } }"} }]
            """);

        var made = await _rig.GoodAsync("POST", Deployments, Deployment);

        Assert.Equal(("2", "2", "x", "y"), (made.Text("spec", "replicas"), made.Text("metadata", "annotations", "replicas-seen"), made.Text("metadata", "labels", "old"), made.Text("metadata", "labels", "new")));
        Assert.Equal(("added", "c", "File"), (made.Text("spec", "template", "spec", "initContainers", "0", "name"), made.Text("spec", "template", "spec", "containers", "0", "name"),
            made.Text("spec", "template", "spec", "initContainers", "0", "terminationMessagePolicy")));
        // Nobody has come to own what the policy set.
        Assert.DoesNotContain("f:replicas-seen", made.Body, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with annotations [Conformance]")]
    public async Task Only_labelled_namespaces_are_changed_when_the_policy_and_its_binding_select_them()
    {
        await _rig.GoodAsync("POST", "/api/v1/namespaces", """{"metadata":{"name":"marked","labels":{"unique":"true"}}}""");
        await _rig.GoodAsync("POST", Policies, $$$$"""
            {"metadata":{"name":"m.policy.example.com"},"spec":{"reinvocationPolicy":"Never","matchConstraints":{"resourceRules":[{{{{Rule("CREATE,UPDATE", "apps", "v1", "deployments")}}}}],"namespaceSelector":{"matchLabels":{"unique":"true"}}},
            "mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{ metadata: Object.metadata{ annotations: { \"mutated-by\": \"admission-policy\" } } }"}}]}}
            """);
        await _rig.GoodAsync("POST", Bindings, """{"metadata":{"name":"m.binding.example.com"},"spec":{"policyName":"m.policy.example.com","matchResources":{"namespaceSelector":{"matchLabels":{"unique":"true"}}}}}""");

        string there = "/apis/apps/v1/namespaces/marked/deployments";
        var made = await _rig.GoodAsync("POST", there, Deployment);
        Assert.Equal("admission-policy", made.Text("metadata", "annotations", "mutated-by"));
        var updated = await _rig.GoodAsync("PATCH", there + "/d", """{"metadata":{"annotations":null}}""", "application/merge-patch+json");
        Assert.Equal("admission-policy", updated.Text("metadata", "annotations", "mutated-by"));
        Assert.Equal("", (await _rig.GoodAsync("POST", Deployments, Deployment)).Text("metadata", "annotations", "mutated-by"));
    }

    [Fact]
    public async Task Parameters_are_handed_to_the_expressions_and_each_has_its_turn()
    {
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("p1", """{"key":"one","value":"1"}""", """{"param":"yes"}"""));
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("p2", """{"key":"two","value":"2"}""", """{"param":"yes"}"""));
        await DefineAsync("params", s_deployments, """
            "paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{ metadata: Object.metadata{ labels: {params.data.key: params.data.value} } }"} }]
            """, ""","paramRef":{"selector":{"matchLabels":{"param":"yes"}},"parameterNotFoundAction":"Deny"}""");
        var made = await _rig.GoodAsync("POST", Deployments, Deployment);
        Assert.Equal(("1", "2"), (made.Text("metadata", "labels", "one"), made.Text("metadata", "labels", "two")));

        await _rig.GoodAsync("DELETE", ConfigMaps + "?labelSelector=param%3Dyes");
        var answer = await _rig.Test.PostAsync(Deployments, Deployment.Replace("\"d\"", "\"e\"", StringComparison.Ordinal));
        Assert.Equal((403, "Forbidden", "policy 'params' with binding 'params-b' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"), (answer.Code, answer.Text("reason"), answer.Message));
    }

    [Fact]
    public async Task A_policy_that_wants_to_is_asked_again_when_a_later_one_has_changed_something()
    {
        string counting = """ "mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{ metadata: Object.metadata{ annotations: {'seen': string(has(object.metadata.labels.late))} } }"} }] """;
        await DefineAsync("a-again", s_deployments, counting, reinvoke: "IfNeeded");
        await DefineAsync("b-late", s_deployments, """ "mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{ metadata: Object.metadata{ labels: {'late': 'yes'} } }"} }] """);
        Assert.Equal("true", (await _rig.GoodAsync("POST", Deployments, Deployment)).Text("metadata", "annotations", "seen"));

        await _rig.GoodAsync("PATCH", Policies + "/a-again", """{"spec":{"reinvocationPolicy":"Never"}}""", "application/merge-patch+json");
        Assert.Equal("false", (await _rig.GoodAsync("POST", Deployments, Deployment.Replace("\"d\"", "\"e\"", StringComparison.Ordinal))).Text("metadata", "annotations", "seen"));
    }

    [Theory]
    [InlineData("Object{ spec: Object.spec{ selector: Object.spec.selector{ matchLabels: {'x': 'y'} } } }", "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector")]
    [InlineData("Object{ spec: Object.spec{ template: Object.spec.wrong{} } }", "type mismatch: unexpected type name \"Object.spec.wrong\", expected \"Object.spec.template\", which matches field name path from root Object type")]
    [InlineData("Object{ spec: Object.spec{ nothing: 1 } }", "error applying patch: failed to convert patch object to typed object: .spec.nothing: field not declared in schema")]
    [InlineData("Object{ spec: Object.spec{ replicas: object.spec.absent } }", "expression 'Object{ spec: Object.spec{ replicas: object.spec.absent } }' resulted in error: no such key: absent")]
    public async Task What_cannot_be_applied_refuses_or_is_ignored_as_the_failure_policy_has_it(string expression, string why)
    {
        await DefineAsync("broken", s_deployments, $$$"""
            "mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"{{{expression}}}"} },{"patchType":"JSONPatch","jsonPatch":{"expression":"[JSONPatch{op: 'add', path: '/metadata/labels/after', value: 'yes'}]"} }]
            """);
        var answer = await _rig.Test.PostAsync(Deployments, Deployment);
        Assert.Equal((403, "Invalid", "policy 'broken' with binding 'broken-b' denied request: " + why), (answer.Code, answer.Text("reason"), answer.Message));
        await _rig.GoodAsync("PATCH", Policies + "/broken", """{"spec":{"failurePolicy":"Ignore"}}""", "application/merge-patch+json");
        Assert.Equal("yes", (await _rig.GoodAsync("POST", Deployments, Deployment)).Text("metadata", "labels", "after"));
    }

    [Fact]
    public async Task Patches_are_made_of_expressions_and_a_failed_test_changes_nothing()
    {
        await DefineAsync("patch", s_maps, """
            "matchConditions":[{"name":"not-skipped","expression":"object.metadata.name != 'skipped'"}],"variables":[{"name":"key","expression":"'made/by'"}],
            "mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":"[JSONPatch{op: 'add', path: '/metadata/annotations', value: {'a': 'b'}}, JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey(variables.key), value: 'policy'}]"} },
            {"patchType":"JSONPatch","jsonPatch":{"expression":"[JSONPatch{op: 'test', path: '/data/a', value: 'no'}, JSONPatch{op: 'replace', path: '/data/a', value: 'changed'}]"} }]
            """);
        var made = await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Equal(("policy", "b"), (made.Text("metadata", "annotations", "made/by"), made.Text("data", "a")));
        Assert.Equal("", (await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("skipped"))).Text("metadata", "annotations", "made/by"));
    }

    [Fact]
    public async Task An_expression_that_fails_refuses_and_one_that_makes_no_patch_is_not_stored()
    {
        await DefineAsync("broken", s_maps, """ "mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":"[JSONPatch{op: 'add', path: '/data/x', value: object.data.missing}]"} }] """);
        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"));
        Assert.Equal((403, "Invalid"), (answer.Code, answer.Text("reason")));
        Assert.StartsWith("policy 'broken' with binding 'broken-b' denied request: expression '[JSONPatch{", answer.Message, StringComparison.Ordinal);

        var wrong = await _rig.Test.PostAsync(Policies, $$$"""{"metadata":{"name":"wrong"},"spec":{"reinvocationPolicy":"Never","matchConstraints":{"resourceRules":[{{{s_maps}}}]},"mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":"'x'"} }] } }""");
        Assert.Equal(422, wrong.Code);
        Assert.Contains("spec.mutations[0].jsonPatch.expression: Invalid value: \"'x'\": must evaluate to list(JSONPatch)", wrong.Message, StringComparison.Ordinal);
    }
}
