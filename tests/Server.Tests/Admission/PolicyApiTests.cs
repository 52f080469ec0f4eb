using Hanbae.Api.Json;
using static Hanbae.Server.Tests.Admission.HookRig;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Policies and their bindings as any other objects: what clients do with them from creation to deletion.</summary>
public sealed class PolicyApiTests : IAsyncLifetime
{
    HookRig _rig = null!;

    public async Task InitializeAsync() => _rig = await HookRig.StartAsync();
    public async Task DisposeAsync() => await _rig.DisposeAsync();

    static readonly string s_match = $$"""{"resourceRules":[{{Rule("CREATE", "apps", "v1", "deployments")}}]}""";

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations [Conformance]")]
    public async Task A_validating_policy_lives()
    {
        await LiveAsync("validatingadmissionpolicies", $$"""{"matchConstraints":{{s_match}},"validations":[{"expression":"true"}]}""", """{"failurePolicy":"Ignore"}""", "failurePolicy", "Ignore");

        var made = await _rig.GoodAsync("POST", Registration + "validatingadmissionpolicies", $$"""{"metadata":{"name":"status"},"spec":{"matchConstraints":{{s_match}},"validations":[{"expression":"true"}]} }""");
        string status = Registration + "validatingadmissionpolicies/status/status";
        Assert.Equal(made.Text("metadata", "uid"), (await _rig.GoodAsync("GET", status)).Text("metadata", "uid"));
        var patched = await _rig.GoodAsync("PATCH", status, """{"status":{"conditions":[{"type":"PatchStatusFailed","status":"False","reason":"e2e","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}""", "application/merge-patch+json");
        Assert.Equal("PatchStatusFailed", patched.Text("status", "conditions", "0", "type"));
        var updated = await RetryAsync(async () =>
        {
            var now = await _rig.GoodAsync("GET", status);
            var conditions = JsonArray.Of(JsonValue.Parse("""{"type":"StatusUpdate","status":"True","reason":"E2E","message":"Set from e2e test","lastTransitionTime":"2026-01-01T00:00:00Z"}"""));
            return await _rig.Test.SendAsync("PUT", status, now.Json.With("status", ((JsonObject)now.Json["status"]!).With("conditions", conditions)).ToString());
        });
        Assert.Equal("StatusUpdate", updated.Text("status", "conditions", "0", "type"));
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations [Conformance]")]
    public Task A_binding_of_a_validating_policy_lives() =>
        LiveAsync("validatingadmissionpolicybindings", """{"policyName":"x.example.com","validationActions":["Deny"]}""", """{"validationActions":["Warn"]}""", "validationActions", "[\"Warn\"]");

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations [Conformance]")]
    public Task A_mutating_policy_lives() => LiveAsync("mutatingadmissionpolicies", $$$$"""
        {"reinvocationPolicy":"Never","matchConstraints":{{{{s_match}}}},"mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{ metadata: Object.metadata{ annotations: {\"my-foo-annotation\": \"myAnnotationValue\"} } }"}}]}
        """, """{"failurePolicy":"Ignore"}""", "failurePolicy", "Ignore");

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations [Conformance]")]
    public Task A_binding_of_a_mutating_policy_lives() =>
        LiveAsync("mutatingadmissionpolicybindings", """{"policyName":"x.example.com"}""", """{"policyName":"y.example.com"}""", "policyName", "y.example.com");

    async Task LiveAsync(string resource, string spec, string change, string field, string changed)
    {
        var groups = (await _rig.GoodAsync("GET", "/apis")).Json;
        Assert.Contains(((JsonArray)groups["groups"]!).Items, g => HookServer.Text(g, "name") == "admissionregistration.k8s.io" && ((JsonArray)((JsonObject)g)["versions"]!).Items.Any(v => HookServer.Text(v, "version") == "v1"));
        var group = (await _rig.GoodAsync("GET", "/apis/admissionregistration.k8s.io")).Json;
        Assert.Contains(((JsonArray)group["versions"]!).Items, v => HookServer.Text(v, "version") == "v1");
        var served = (await _rig.GoodAsync("GET", Registration.TrimEnd('/'))).Json;
        var mine = ((JsonArray)served["resources"]!).Items.OfType<JsonObject>().Single(r => HookServer.Text(r, "name") == resource);
        Assert.Equal(["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"], ((JsonArray)mine["verbs"]!).Items.Select(v => ((JsonString)v).Value).Order());

        string path = Registration + resource, label = "?labelSelector=life%3D" + resource;
        string template = $$"""{"metadata":{"generateName":"e2e-example-","labels":{"life":"{{resource}}"} },"spec":{{spec}}}""";
        await _rig.GoodAsync("POST", path, template);
        await _rig.GoodAsync("POST", path, template);
        var made = await _rig.GoodAsync("POST", path, template);
        string one = path + "/" + made.Text("metadata", "name");
        Assert.Equal(made.Text("metadata", "uid"), (await _rig.GoodAsync("GET", one)).Text("metadata", "uid"));
        var list = await _rig.GoodAsync("GET", path + label);
        Assert.Equal(3, ((JsonArray)list.Json["items"]!).Count);

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var events = _rig.Test.WatchAsync(path, limit.Token, ("resourceVersion", list.Text("metadata", "resourceVersion")), ("labelSelector", "life=" + resource)).GetAsyncEnumerator(limit.Token);
        var patched = await _rig.GoodAsync("PATCH", one, $$$"""{"metadata":{"annotations":{"patched":"true"} },"spec":{{{change}}} }""", "application/merge-patch+json");
        Assert.Equal(("true", changed), (patched.Text("metadata", "annotations", "patched"), patched.Text("spec", field)));
        var updated = await RetryAsync(async () =>
        {
            var now = (await _rig.GoodAsync("GET", one)).Json;
            var meta = (JsonObject)now["metadata"]!;
            return await _rig.Test.SendAsync("PUT", one, now.With("metadata", meta.With("annotations", ((JsonObject)meta["annotations"]!).With("updated", "true"))).ToString());
        });
        Assert.Equal("true", updated.Text("metadata", "annotations", "updated"));
        string seen = "";
        while (seen != "true")
        {
            Assert.True(await events.MoveNextAsync());
            // Nothing but changes of the three, whoever makes them.
            Assert.Equal("MODIFIED", events.Current.Type);
            seen = events.Current.Object.Metadata.Annotations["updated"] ?? "";
        }
        await events.DisposeAsync();

        await _rig.GoodAsync("DELETE", one);
        Assert.Equal(404, (await _rig.Test.GetAsync(one)).Code);
        Assert.Equal(2, ((JsonArray)(await _rig.GoodAsync("GET", path + label)).Json["items"]!).Count);
        await _rig.GoodAsync("DELETE", path + label);
        Assert.Empty((JsonArray)(await _rig.GoodAsync("GET", path + label)).Json["items"]!);
    }

    /// <summary>As client-go's RetryOnConflict: what is wrong with types is noted beside us.</summary>
    static async Task<TestServer.Answer> RetryAsync(Func<Task<TestServer.Answer>> attempt)
    {
        for (int i = 0; ; i++)
        {
            var answer = await attempt();
            if (answer.Code == 409 && i < 20) continue;
            Assert.True(answer.Code < 300, answer.Body);
            return answer;
        }
    }
}
