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

    async Task DefineAsync(string name, string rule, string spec)
    {
        await _rig.GoodAsync("POST", Policies, $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"reinvocationPolicy":"Never","matchConstraints":{"resourceRules":[{{{rule}}}]},{{{spec}}} } }""");
        await _rig.GoodAsync("POST", Bindings, $$$"""{"metadata":{"name":"{{{name}}}-b"},"spec":{"policyName":"{{{name}}}"} }""");
    }

    const string Deployment = """
        {"metadata":{"name":"d","labels":{"old":"x"}},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"example/app:1"}]}}}}
        """;

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment [Conformance]")]
    [Trait("Conformance", "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with annotations [Conformance]")]
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
