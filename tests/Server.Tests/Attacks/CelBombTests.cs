using Hanbae.Server.Tests.Admission;
using static Hanbae.Server.Tests.Admission.HookRig;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>Expressions that are short and mean much: what they may cost is bounded, wherever the API takes them.</summary>
public sealed class CelBombTests : IAsyncLifetime
{
    HookRig _rig = null!;

    public async Task InitializeAsync() => _rig = await HookRig.StartAsync();
    public async Task DisposeAsync() => await _rig.DisposeAsync();

    const string Ten = "[1,2,3,4,5,6,7,8,9,10]", Exhausted = "running out of cost budget";

    /// <summary>Ten to the power of that many steps.</summary>
    static string Nested(int depth) => string.Concat(Enumerable.Range(0, depth).Select(i => $"{Ten}.all(v{i}, ")) + "v0 > 0" + new string(')', depth);

    /// <summary>A text of two to the power of that many letters, by variables that name each other.</summary>
    static string Doubling(int times) =>
        "\"variables\":[{\"name\":\"v0\",\"expression\":\"'xxxxxxxxxxxxxxxx'\"}," + string.Join(",", Enumerable.Range(1, times).Select(i => $"{{\"name\":\"v{i}\",\"expression\":\"variables.v{i - 1} + variables.v{i - 1}\"}}")) + "]";

    public static TheoryData<string, string, string> Policies => new()
    {
        { "steps", $$""" "validations":[{"expression":"{{Nested(8)}}"}] """, "resulted in error: operation cancelled: actual cost limit exceeded" },
        { "many-steps", " \"validations\":[" + string.Join(",", Enumerable.Repeat($$"""{"expression":"{{Nested(5)}} || true"}""", 40)) + "] ", Exhausted },
        { "a-text-that-doubles", Doubling(40) + ", \"validations\":[{\"expression\":\"variables.v40.size() > 0\"}]", "operation cancelled: actual cost limit exceeded" },
        { "a-text-of-texts", """ "validations":[{"expression":"object.data.a.replace('x', object.data.a).replace('x', object.data.a).replace('x', object.data.a).size() > 0"}] """, "resulted in error: result is too large" },
        { "a-pattern-of-patterns", """ "validations":[{"expression":"object.data.a.matches('^(((x+)+)+)+$')"}] """, "failed expression" },
    };

    [Theory, MemberData(nameof(Policies))]
    [Trait("Attack", "CEL cost bombs")]
    public async Task A_policy_costs_a_request_so_much_and_no_more(string name, string spec, string why)
    {
        string rule = Rule("CREATE", "", "v1", "configmaps");
        await _rig.GoodAsync("POST", Registration + "validatingadmissionpolicies", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"matchConstraints":{"resourceRules":[{{{rule}}}]},{{{spec}}} } }""");
        await _rig.GoodAsync("POST", Registration + "validatingadmissionpolicybindings", $$"""{"metadata":{"name":"bomb"},"spec":{"policyName":"{{name}}","validationActions":["Deny"]} }""");
        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a", $$"""{"a":"{{new string('x', 20_000)}}!"}"""));
        Assert.Equal(422, answer.Code);
        Assert.Contains(why, answer.Message, StringComparison.Ordinal);
        Assert.Equal(404, (await _rig.Test.GetAsync(ConfigMaps + "/a")).Code);
        // Others are none the wiser.
        await _rig.GoodAsync("POST", "/api/v1/namespaces/default/secrets", """{"metadata":{"name":"a"}}""");
    }

    [Fact]
    [Trait("Attack", "CEL cost bombs")]
    public async Task A_policy_that_changes_what_is_written_costs_no_more_either()
    {
        string rule = Rule("CREATE", "", "v1", "configmaps");
        await _rig.GoodAsync("POST", Registration + "mutatingadmissionpolicies", $$$"""
            {"metadata":{"name":"bomb"},"spec":{"reinvocationPolicy":"IfNeeded","matchConstraints":{"resourceRules":[{{{rule}}}]},
            "mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":"{{{Nested(8)}}} ? [JSONPatch{op: 'add', path: '/data/x', value: '2'}] : []"} }]} }
            """);
        await _rig.GoodAsync("POST", Registration + "mutatingadmissionpolicybindings", """{"metadata":{"name":"bomb"},"spec":{"policyName":"bomb"}}""");
        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"));
        Assert.Equal((403, "Invalid"), (answer.Code, answer.Text("reason")));
        Assert.Contains("cost", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Attack", "CEL cost bombs")]
    public async Task A_definition_whose_rules_could_cost_too_much_is_not_taken()
    {
        const string Rules = """{"type":"object","properties":{"a":{"type":"array","items":{"type":"array","items":{"type":"string"}},"x-kubernetes-validations":[{"rule":"self.all(x, x.all(y, self.all(z, z.all(w, w.contains(y)))))"}]}}}""";
        var answer = await _rig.Test.PostAsync(Crd.CrdRig.Definitions, Crd.CrdRig.Thing(Rules));
        Assert.Equal(422, answer.Code);
        Assert.Contains("estimated rule cost exceeds budget by factor of", answer.Message, StringComparison.Ordinal);
    }
}
