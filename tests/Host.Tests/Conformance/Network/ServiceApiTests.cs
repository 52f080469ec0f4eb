using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Network;

[Collection(ControlPlaneRig.Name)]
public sealed class ServiceApiTests(ControlPlaneRig rig)
{
    [Fact]
    [Trait("Conformance", "[sig-network] Services should complete a service status lifecycle [Conformance]")]
    [Trait("Conformance", "[sig-network] Services should delete a collection of services [Conformance]")]
    [Trait("Conformance", "[sig-network] Services should find a service from listing all namespaces [Conformance]")]
    public async Task A_Service_lives_its_whole_life()
    {
        await new ApiWalk(rig, "v1", "services", """{"kind":"Service","spec":{"type":"ClusterIP","ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":80}]}}""",
            """{"spec":{"sessionAffinity":"ClientIP"}}""")
        {
            Status = """{"status":{"conditions":[{"type":"Tested","status":"True","reason":"Test","message":"Set by a test","lastTransitionTime":"2030-01-01T00:00:00Z"}]}}""",
        }.WalkAsync();
        // Of a load balancer the ingress is written, by patch and by update.
        string services = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/services", path = services + "/balanced";
        await rig.Admin.CreateAsync(services, """{"metadata":{"name":"balanced","labels":{"test-service-static":"true"}},"spec":{"type":"LoadBalancer","loadBalancerClass":"example.com/nobody","ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":80}]}}""");
        Assert.Equal("""{"loadBalancer":{}}""", (await rig.Admin.GetAsync(path + "/status")).At("status")!.ToJsonString());
        var patched = await rig.Admin.PatchAsync(path + "/status", """{"metadata":{"annotations":{"patchedstatus":"true"}},"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.1"}]}}}""");
        Assert.Equal(("203.0.113.1", "true"), (patched.Text("status", "loadBalancer", "ingress", "0", "ip"), patched.Annotation("patchedstatus")));
        var updated = await rig.Admin.ChangeAsync(path + "/status", now => now.With("""{"status":{"conditions":[{"type":"StatusUpdate","status":"True","reason":"Test","message":"Set by a test","lastTransitionTime":"2030-01-01T00:00:00Z"}]}}"""), path);
        Assert.Equal(("StatusUpdate", "203.0.113.1"), (updated.Text("status", "conditions", "0", "type"), updated.Text("status", "loadBalancer", "ingress", "0", "ip")));
        Assert.Contains(await rig.Admin.ListAsync("/api/v1/services?labelSelector=test-service-static%3Dtrue"), s => s.Name() == "balanced");
        await rig.Admin.DeleteAsync(path);
        await rig.Admin.GoneAsync(services, "balanced");
    }

    /// <summary>As upstream's "should handle load balancer cleanup finalizer for service" has it.</summary>
    [Fact]
    public async Task A_Service_stays_until_nothing_balances_it()
    {
        const string Cleanup = "service.kubernetes.io/load-balancer-cleanup";
        string services = $"/api/v1/namespaces/{await rig.NamespaceAsync()}/services", path = services + "/held";
        static bool IsHeld(JsonObject service) => service.At("metadata", "finalizers")?.AsArray().Any(f => f!.ToString() == Cleanup) ?? false;
        await rig.Admin.CreateAsync(services, """{"metadata":{"name":"held"},"spec":{"type":"LoadBalancer","ports":[{"protocol":"TCP","port":8765}]}}""");
        await rig.Admin.UntilAsync(services, "held", IsHeld);
        await rig.Admin.ChangeAsync(path, now => now.With("""{"spec":{"type":"ClusterIP"}}"""));
        await rig.Admin.UntilAsync(services, "held", s => !IsHeld(s) && s.Items("status", "loadBalancer", "ingress").Count == 0);
        await rig.Admin.ChangeAsync(path, now => now.With("""{"spec":{"type":"LoadBalancer"}}"""));
        await rig.Admin.UntilAsync(services, "held", IsHeld);
        await rig.Admin.DeleteAsync(path);
        await rig.Admin.GoneAsync(services, "held");
    }

    [Fact]
    [Trait("Conformance", "[sig-network] API Server should provide secure master service [Conformance]")]
    public async Task The_API_server_is_a_Service_over_HTTPS() =>
        Assert.Contains((await rig.Admin.GetAsync("/api/v1/namespaces/default/services/kubernetes")).Items("spec", "ports"), p => p.Text("port") == "443" && p.Text("name") == "https");

    [Fact]
    [Trait("Conformance", "[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server [Conformance]")]
    public async Task The_API_server_is_where_its_endpoints_say()
    {
        Assert.Equal("kubernetes", (await rig.Admin.GetAsync("/api/v1/namespaces/default/endpoints/kubernetes")).Name());
        var old = (await rig.Admin.GetAsync("/api/v1/namespaces/default/endpoints/kubernetes")).Items("subsets");
        Assert.NotEmpty(old);
        var slices = await rig.Admin.ListAsync("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes");
        Assert.NotEmpty(slices);
        // Both tell the same addresses and ports.
        static IEnumerable<string> Sorted(IEnumerable<string> all) => all.Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(Sorted(old.SelectMany(s => s.Items("addresses")).Select(a => a.Text("ip"))), Sorted(slices.SelectMany(s => s.Items("endpoints")).SelectMany(e => e.At("addresses")!.AsArray().Select(a => a!.ToString()))));
        Assert.Equal(Sorted(old.SelectMany(s => s.Items("ports")).Select(p => p.Text("port") + p.Text("name"))), Sorted(slices.SelectMany(s => s.Items("ports")).Select(p => p.Text("port") + p.Text("name"))));
        Assert.All(slices, s => Assert.Contains(s.Text("addressType"), (string[])["IPv4", "IPv6"]));
    }
}
