using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Node;

[Collection(ControlPlaneRig.Name)]
public sealed class DeviceTests(ControlPlaneRig rig)
{
    const string Group = "resource.k8s.io/v1", Labelled = """{"metadata":{"labels":{"more":"yes"}}}""";

    [Fact]
    [Trait("Conformance", "[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass [Conformance]")]
    public Task A_DeviceClass_lives_its_whole_life() => new ApiWalk(rig, Group, "deviceclasses", """{"kind":"DeviceClass","spec":{}}""",
        """{"spec":{"selectors":[{"cel":{"expression":"device.driver == 'example.com'"}}]}}""") { Namespaced = false }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim [Conformance]")]
    public Task A_ResourceClaim_lives_its_whole_life() => new ApiWalk(rig, Group, "resourceclaims",
        """{"kind":"ResourceClaim","spec":{"devices":{"requests":[{"name":"req-0","exactly":{"deviceClassName":"none.example.com"}}]}}}""", Labelled)
    {
        StatusTakesMetadata = false,
        Status = """{"status":{"allocation":{"devices":{"results":[{"request":"req-0","driver":"driver.example.com","pool":"pool-0","device":"dev-0"}]}}}}""",
    }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate [Conformance]")]
    public Task A_ResourceClaimTemplate_lives_its_whole_life() => new ApiWalk(rig, Group, "resourceclaimtemplates",
        """{"kind":"ResourceClaimTemplate","spec":{"spec":{"devices":{"requests":[{"name":"req-0","exactly":{"deviceClassName":"none.example.com"}}]}}}}""", Labelled).WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice [Conformance]")]
    public Task A_ResourceSlice_lives_its_whole_life() => new ApiWalk(rig, Group, "resourceslices",
        """{"kind":"ResourceSlice","spec":{"nodeName":"simulated-0","driver":"driver.example.com","pool":{"name":"pool-0","generation":1,"resourceSliceCount":1},"devices":[{"name":"dev-0"}]}}""",
        """{"spec":{"devices":[{"name":"dev-0"},{"name":"dev-1"}]}}""") { Namespaced = false }.WalkAsync();
}
