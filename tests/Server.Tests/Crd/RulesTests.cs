namespace Hanbae.Server.Tests.Crd;

/// <summary>Validation rules: refused when they cannot hold, enforced when they can.</summary>
public sealed class RulesTests
{
    static string Spec(string rules, string replicas = "") =>
        $$"""{"type":"object","x-kubernetes-validations":[{{rules}}],"properties":{"replicas":{"type":"integer"{{replicas}}},"max":{"type":"integer"},"names":{"type":"array","maxItems":10,"items":{"type":"string","maxLength":10} } } }""";

    [Fact]
    public async Task A_rule_is_enforced_with_its_message()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Spec("""{"rule":"self.replicas <= self.max","message":"too many"},{"rule":"!has(self.names) || self.names.all(n, n != 'x')","messageExpression":"'no ' + self.names[0] + ' here'","fieldPath":".names"}""")));
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", """{"replicas":1,"max":2}"""))).Code);
        var refused = await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("b", """{"replicas":3,"max":2,"names":["x"]}"""));
        Assert.Equal(422, refused.Code);
        Assert.Equal("Thing.example.com \"b\" is invalid: [spec: Invalid value: \"object\": too many, spec.names: Invalid value: \"object\": no x here]", refused.Message);
    }

    [Fact]
    public async Task A_transition_rule_sees_what_was_and_unchanged_values_may_stay_wrong()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Spec("""{"rule":"self.max >= 0"}""", ",\"x-kubernetes-validations\":[{\"rule\":\"self >= oldSelf\",\"message\":\"may only grow\"}]")));
        Assert.Equal(201, (await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", """{"replicas":3,"max":2}"""))).Code);
        var refused = await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a", """{"spec":{"replicas":1}}""", "application/merge-patch+json");
        Assert.Equal("Thing.example.com \"a\" is invalid: spec.replicas: Invalid value: 1: may only grow", refused.Message);
        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a", """{"spec":{"replicas":4}}""", "application/merge-patch+json")).Code);
        string stricter = CrdRig.Thing(Spec("""{"rule":"self.max > 5"}""", ",\"maximum\":3"));
        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", stricter, "application/merge-patch+json")).Code);
        await CrdRig.UntilAsync(async () => (await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("b", """{"replicas":1,"max":2}"""))).Code == 422, "the new rules hold");
        Assert.Equal(200, (await rig.Test.SendAsync("PATCH", CrdRig.Things + "/a", """{"metadata":{"labels":{"x":"y"}}}""", "application/merge-patch+json")).Code);
    }

    [Theory]
    [InlineData("""{"rule":"self.replicas <="}""", "compilation failed: ERROR:")]
    [InlineData("""{"rule":"self.missing == 1"}""", "undefined field 'missing'")]
    [InlineData("""{"rule":"self.replicas"}""", "must evaluate to a bool")]
    [InlineData("""{"rule":""}""", "x-kubernetes-validations[0].rule: Required value: rule is not specified")]
    [InlineData("""{"rule":"self.names.all(a, self.names.all(b, self.names.all(c, self.names.all(d, self.names.all(e, self.names.all(f, self.names.all(g, a + b + c + d + e + f + g != 'x')))))))"}""", "exceeds budget by factor of more than 100x")]
    public async Task A_rule_that_could_not_be_enforced_is_refused(string rule, string message)
    {
        await using var rig = await CrdRig.StartAsync();
        var answer = await rig.Test.PostAsync(CrdRig.Definitions, CrdRig.Thing(Spec(rule)));
        Assert.Equal(422, answer.Code);
        Assert.Contains(message, answer.Message);
    }
}
