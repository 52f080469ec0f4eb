using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Node;

[Collection(ControlPlaneRig.Name)]
public sealed class ObjectTests(ControlPlaneRig rig)
{
    [Fact]
    [Trait("Conformance", "[sig-node] ConfigMap should run through a ConfigMap lifecycle [Conformance]")]
    [Trait("Conformance", "[sig-node] ConfigMap should update ConfigMap successfully [NodeConformance] [Conformance]")]
    public Task A_ConfigMap_lives_its_whole_life() => new ApiWalk(rig, "v1", "configmaps", """{"kind":"ConfigMap","data":{"data-1":"value-1"}}""", """{"data":{"data-1":"value-2","data-2":"more"}}""").WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-node] Secrets should patch a secret [Conformance]")]
    public Task A_Secret_lives_its_whole_life() => new ApiWalk(rig, "v1", "secrets", """{"kind":"Secret","type":"Opaque","data":{"key":"dmFsdWU="}}""", """{"data":{"key":"dmFsdWUx"}}""").WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-node] PodTemplates should run the lifecycle of PodTemplates [Conformance]")]
    [Trait("Conformance", "[sig-node] PodTemplates should delete a collection of pod templates [Conformance]")]
    [Trait("Conformance", "[sig-node] PodTemplates should replace a pod template [Conformance]")]
    public Task A_PodTemplate_lives_its_whole_life() => new ApiWalk(rig, "v1", "podtemplates",
        """{"kind":"PodTemplate","template":{"spec":{"containers":[{"name":"nginx","image":"nginx"}]}}}""", """{"template":{"metadata":{"labels":{"podtemplate":"patched"}}}}""").WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-node] Lease lease API should be available [Conformance]")]
    public Task A_Lease_lives_its_whole_life() => new ApiWalk(rig, "coordination.k8s.io/v1", "leases",
        """{"kind":"Lease","spec":{"holderIdentity":"holder","leaseDurationSeconds":30,"acquireTime":"2030-01-01T10:00:00.000001Z","renewTime":"2030-01-01T10:00:05.999999Z","leaseTransitions":0}}""",
        """{"spec":{"holderIdentity":"holder2","leaseDurationSeconds":60,"renewTime":"2030-01-01T11:00:00.000000Z","leaseTransitions":1}}""").WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-node] RuntimeClass should support RuntimeClasses API operations [Conformance]")]
    public Task A_RuntimeClass_lives_its_whole_life() => new ApiWalk(rig, "node.k8s.io/v1", "runtimeclasses",
        """{"kind":"RuntimeClass","handler":"conformance"}""", """{"metadata":{"labels":{"more":"yes"}}}""") { Namespaced = false }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-node] Node Lifecycle should run through the lifecycle of a node [Conformance]")]
    public Task A_Node_lives_its_whole_life() => new ApiWalk(rig, "v1", "nodes",
        """{"kind":"Node","spec":{"unschedulable":true},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","reason":"Test","message":"Set by a test"}]}}""",
        """{"spec":{"unschedulable":null,"providerID":"fake://here"}}""")
    {
        Namespaced = false, Alive = true, Reversible = false, Status = """{"status":{"capacity":{"example.com/dongle":"3"}}}""",
    }.WalkAsync();

    [Theory]
    [InlineData("configmaps", """{"metadata":{"name":"none"},"data":{"":"value-1"}}""")]
    [InlineData("secrets", """{"metadata":{"name":"none"},"data":{"":"dmFsdWUtMQ0K"}}""")]
    [Trait("Conformance", "[sig-node] ConfigMap should fail to create ConfigMap with empty key [Conformance]")]
    [Trait("Conformance", "[sig-node] Secrets should fail to create secret due to empty secret key [Conformance]")]
    public async Task A_key_is_not_empty(string resource, string body)
    {
        string collection = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/{resource}";
        var refused = await rig.Admin.RefusedAsync(422, "Invalid", "POST", collection, body);
        Assert.Contains("data[]: Invalid value", refused.Text("message"));
        await rig.Admin.RefusedAsync(404, "NotFound", "GET", collection + "/none");
    }
}
