using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Network;

[Collection(ControlPlaneRig.Name)]
public sealed class NetworkApiTests(ControlPlaneRig rig)
{
    [Fact]
    [Trait("Conformance", "[sig-network] Ingress API should support creating Ingress API operations [Conformance]")]
    public Task An_Ingress_lives_its_whole_life() => new ApiWalk(rig, "networking.k8s.io/v1", "ingresses", """
        {"kind":"Ingress","spec":{"defaultBackend":{"service":{"name":"everything","port":{"number":80}}},"rules":[{"host":"foo.bar.example.com","http":{"paths":[{"path":"/","pathType":"ImplementationSpecific","backend":{"service":{"name":"some","port":{"number":8080}}}}]}}]},"status":{"loadBalancer":{}}}
        """, """{"spec":{"defaultBackend":{"service":{"port":{"number":81}}}}}""")
    {
        Status = """{"status":{"loadBalancer":{"ingress":[{"ip":"169.1.1.1"}]}}}""",
    }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-network] IngressClass API should support creating IngressClass API operations [Conformance]")]
    public Task An_IngressClass_lives_its_whole_life() => new ApiWalk(rig, "networking.k8s.io/v1", "ingressclasses",
        """{"kind":"IngressClass","spec":{"controller":"example.com/controller"}}""", """{"spec":{"parameters":{"kind":"Config","name":"a","scope":"Cluster"}}}""") { Namespaced = false }.WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-network] EndpointSlice should support creating EndpointSlice API operations [Conformance]")]
    public Task An_EndpointSlice_lives_its_whole_life() => new ApiWalk(rig, "discovery.k8s.io/v1", "endpointslices",
        """{"kind":"EndpointSlice","addressType":"IPv4","endpoints":[{"addresses":["1.2.3.4","5.6.7.8"]}]}""", """{"endpoints":[{"addresses":["1.2.3.5"]}]}""").WalkAsync();

    [Fact]
    [Trait("Conformance", "[sig-network] Endpoints should test the lifecycle of an Endpoint [Conformance]")]
    public async Task Endpoints_live_their_whole_life()
    {
        const string Sample = """{"kind":"Endpoints","subsets":[{"addresses":[{"ip":"10.0.0.24"}],"ports":[{"name":"http","port":80,"protocol":"TCP"}]}]}""";
        await new ApiWalk(rig, "v1", "endpoints", Sample, """{"subsets":[{"addresses":[{"ip":"10.0.0.25"}],"ports":[{"name":"http-test","port":8080,"protocol":"TCP"}]}]}""").WalkAsync();
        var told = await rig.Admin.SendAsync("POST", $"/api/v1/namespaces/{await rig.NamespaceAsync()}/endpoints?dryRun=All", Sample.Replace("{\"kind\"", """{"metadata":{"name":"warned"},"kind" """.TrimEnd()));
        Assert.Contains(told.Warnings, w => w.Contains("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"));
    }
}
