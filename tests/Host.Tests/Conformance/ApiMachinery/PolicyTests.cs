using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.ApiMachinery;

[Collection(ControlPlaneRig.Name)]
public sealed class PolicyTests(ControlPlaneRig rig)
{
    const string Condition = """{"status":{"conditions":[{"type":"Tested","status":"True","reason":"Test","message":"Set by a test","lastTransitionTime":"2030-01-01T00:00:00Z"}]}}""";

    /// <summary>Those of flow control need not say since when.</summary>
    const string Timeless = """{"status":{"conditions":[{"type":"PatchStatusFailed","status":"False","reason":"e2e"}]}}""";

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations [Conformance]")]
    public Task A_ValidatingAdmissionPolicy_lives_its_whole_life() => new ApiWalk(rig, "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", """
        {"kind":"ValidatingAdmissionPolicy","spec":{"failurePolicy":"Fail","matchConstraints":{"resourceRules":[{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["deployments"]}]},
        "validations":[{"expression":"object.spec.replicas > 1","messageExpression":"'wants replicas > 1, got ' + string(object.spec.replicas)"}]}}
        """, """{"spec":{"failurePolicy":"Ignore"}}""") { Namespaced = false, Alive = true, StatusTakesMetadata = false, Status = Condition }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations [Conformance]")]
    public Task A_ValidatingAdmissionPolicyBinding_lives_its_whole_life() => new ApiWalk(rig, "admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings",
        """{"kind":"ValidatingAdmissionPolicyBinding","spec":{"policyName":"none.example.com","validationActions":["Deny"],"matchResources":{"namespaceSelector":{"matchLabels":{"nobody":"here"}}}}}""",
        """{"spec":{"validationActions":["Warn"]}}""") { Namespaced = false }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] API priority and fairness should support FlowSchema API operations [Conformance]")]
    public Task A_FlowSchema_lives_its_whole_life() => new ApiWalk(rig, "flowcontrol.apiserver.k8s.io/v1", "flowschemas", """
        {"kind":"FlowSchema","spec":{"matchingPrecedence":10000,"priorityLevelConfiguration":{"name":"global-default"},"distinguisherMethod":{"type":"ByUser"},
        "rules":[{"subjects":[{"kind":"User","user":{"name":"example-conformance"}}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]}}
        """, """{"spec":{"matchingPrecedence":9999}}""")
    {
        Namespaced = false, Alive = true, StatusTakesMetadata = false, Status = Timeless,
    }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations [Conformance]")]
    public Task A_PriorityLevelConfiguration_lives_its_whole_life() => new ApiWalk(rig, "flowcontrol.apiserver.k8s.io/v1", "prioritylevelconfigurations",
        """{"kind":"PriorityLevelConfiguration","spec":{"type":"Limited","limited":{"nominalConcurrencyShares":2,"limitResponse":{"type":"Reject"}}}}""", """{"spec":{"limited":{"nominalConcurrencyShares":4}}}""")
    {
        Namespaced = false, Alive = true, StatusTakesMetadata = false, Status = Timeless,
    }.WalkAsync();
}
