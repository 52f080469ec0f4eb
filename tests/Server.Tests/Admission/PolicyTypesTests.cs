using Hanbae.Api.Json;
using Hanbae.Server.Tests.Crd;
using static Hanbae.Server.Tests.Admission.HookRig;

namespace Hanbae.Server.Tests.Admission;

/// <summary>What a policy's status says of the types in its expressions.</summary>
public sealed class PolicyTypesTests : IAsyncLifetime
{
    const string Policies = Registration + "validatingadmissionpolicies";

    HookRig _rig = null!;

    public async Task InitializeAsync() => _rig = await HookRig.StartAsync();
    public async Task DisposeAsync() => await _rig.DisposeAsync();

    /// <summary>The warnings, when the policy has been looked at.</summary>
    async Task<JsonObject[]> WarningsAsync(string name, string rules, string spec)
    {
        var policy = await _rig.GoodAsync("POST", Policies, $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"matchConstraints":{"resourceRules":[{{{rules}}}]},{{{spec}}} } }""");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (policy.Json["status"] is not JsonObject status || status["typeChecking"] is null)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
            policy = await _rig.GoodAsync("GET", Policies + "/" + name);
        }
        Assert.Equal(policy.Text("metadata", "generation"), policy.Text("status", "observedGeneration"));
        return [.. (((JsonObject)((JsonObject)policy.Json["status"]!)["typeChecking"]!)["expressionWarnings"] as JsonArray ?? JsonArray.Empty).Items.Cast<JsonObject>()];
    }

    static readonly string s_deployments = Rule("CREATE,UPDATE", "apps", "v1", "deployments");

    [Fact]
    public async Task Right_types_are_not_warned_of()
    {
        Assert.Empty(await WarningsAsync("right", s_deployments, """
            "variables":[{"name":"n","expression":"object.spec.replicas"}],
            "validations":[{"expression":"variables.n > 1 && object.metadata.labels.all(k, k != 'x') && oldObject != null && object.spec.template.spec.containers[0].image.startsWith('a')","messageExpression":"'got ' + string(variables.n)"},
            {"expression":"authorizer.group('').resource('pods').check('get').allowed() && request.userInfo.username != '' && namespaceObject.metadata.name != ''"}]
            """));
    }

    [Fact]
    public async Task Confused_types_are_warned_of_where_they_stand()
    {
        var warnings = await WarningsAsync("confused", s_deployments, """ "validations":[{"expression":"object.spec.replicas > '1'","messageExpression":"'wants replicas > 1, got ' + object.spec.replicas"}] """);
        Assert.Equal(["spec.validations[0].expression", "spec.validations[0].messageExpression"], warnings.Select(w => HookServer.Text(w, "fieldRef")));
        Assert.StartsWith("apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1'\n | .....................^\n", HookServer.Text(warnings[0], "warning"), StringComparison.Ordinal);
        Assert.Contains("found no matching overload for '_+_' applied to '(string, int)'", HookServer.Text(warnings[1], "warning"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_kind_of_a_rule_is_looked_at_and_parameters_and_variables_too()
    {
        var warnings = await WarningsAsync("many", Rule("CREATE", "apps", "v1", "deployments,replicasets"), """
            "paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"variables":[{"name":"text","expression":"params.data"}],
            "validations":[{"expression":"object.spec.paused == variables.text['x']"},{"expression":"params.nothing == 1"}]
            """);
        Assert.Equal(["spec.validations[0].expression", "spec.validations[1].expression"], warnings.Select(w => HookServer.Text(w, "fieldRef")));
        string first = HookServer.Text(warnings[0], "warning");
        Assert.StartsWith("apps/v1, Kind=Deployment: ERROR: <input>:1:20: found no matching overload for '_==_' applied to '(bool, string)'", first, StringComparison.Ordinal);
        Assert.Contains("\n\napps/v1, Kind=ReplicaSet: ERROR: <input>:1:12: undefined field 'paused'", first, StringComparison.Ordinal);
        Assert.Contains("undefined field 'nothing'", HookServer.Text(warnings[1], "warning"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Custom_resources_have_types_and_wildcards_have_none()
    {
        await _rig.Crd.DefineAsync(CrdRig.Thing("""{"type":"object","properties":{"size":{"type":"integer"} } }"""));
        var warnings = await WarningsAsync("custom", Rule("CREATE", "example.com", "v1", "things"), """ "validations":[{"expression":"object.spec.size == 'x'"},{"expression":"object.metadata.labels['a'] == 'b'"}] """);
        Assert.Contains("example.com/v1, Kind=Thing: ERROR: <input>:1:18: found no matching overload for '_==_' applied to '(int, string)'", HookServer.Text(Assert.Single(warnings), "warning"), StringComparison.Ordinal);
        Assert.Empty(await WarningsAsync("all", Rule("CREATE", "apps", "v1", "*"), """ "validations":[{"expression":"object.whatever == 1"}] """));
    }
}
