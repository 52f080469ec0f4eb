using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Network;

/// <summary>Where Services lead: what controllers write of it in Endpoints and in EndpointSlices.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class EndpointTests(ControlPlaneRig rig) : IAsyncLifetime
{
    string _root = "", _slices = "";

    public async Task InitializeAsync()
    {
        string ns = await rig.NamespaceAsync();
        (_root, _slices) = ($"/api/v1/namespaces/{ns}", $"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    Task<JsonObject> ServiceAsync(string name, string selector, string ports, string more = "{}") =>
        rig.Admin.CreateAsync(_root + "/services", JsonNode.Parse($$"""{"metadata":{"name":"{{name}}"},"spec":{"selector":{{selector}},"ports":[{{ports}}]} }""").With(more).ToJsonString());

    static string Of(string service) => "labelSelector=" + Uri.EscapeDataString("kubernetes.io/service-name=" + service);

    [Fact]
    [Trait("Conformance", "[sig-network] EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods [Conformance]")]
    [Trait("Conformance", "[sig-network] EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods [Conformance]")]
    public async Task A_Service_of_no_Pods_has_both_as_long_as_it_is_there()
    {
        await ServiceAsync("example-empty-selector", """{"does-not-match-anything":"endpoints-and-endpoint-slices-should-still-be-created"}""", """{"name":"example","port":80,"protocol":"TCP"}""");
        var endpoints = await rig.Admin.UntilAsync(_root + "/endpoints", "example-empty-selector", _ => true);
        Assert.Empty(endpoints.Items("subsets"));
        var slice = Assert.Single(await rig.Admin.UntilAsync(_slices, all => all.Count > 0, Of("example-empty-selector")));
        Assert.Empty(slice.Items("endpoints"));
        Assert.Equal(("endpointslice-controller.k8s.io", "Service", "example-empty-selector"), (slice.Label("endpointslice.kubernetes.io/managed-by"), slice.Text("metadata", "ownerReferences", "0", "kind"), slice.Text("metadata", "ownerReferences", "0", "name")));
        await rig.Admin.DeleteAsync(_root + "/services/example-empty-selector");
        await rig.Admin.GoneAsync(_root + "/endpoints", "example-empty-selector");
        await rig.Admin.UntilAsync(_slices, all => all.Count == 0, Of("example-empty-selector"));
    }

    [Fact]
    [Trait("Conformance", "[sig-network] EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service [Conformance]")]
    [Trait("Conformance", "[sig-network] EndpointsController should create Endpoints for Pods matching a Service [Conformance]")]
    public async Task Pods_that_a_Service_selects_are_in_both()
    {
        foreach (var (pod, labels) in ((string, string)[])[("pod1", """{"foo":"bar","both":"1"}"""), ("pod2", """{"foo":"bar","foo2":"baz"}""")])
        {
            await rig.Admin.CreateAsync(_root + "/pods", $$"""
                {"metadata":{"name":"{{pod}}","labels":{{labels}} },"spec":{"containers":[{"name":"container1","image":"nginx","ports":[{"name":"example-name","containerPort":{{(pod == "pod1" ? 3000 : 3001)}} }]}]} }
                """);
        }
        // One by number, one by a name that is another number in each Pod, both with addresses of those that are not ready.
        await ServiceAsync("example-int-port", """{"foo":"bar","both":"1"}""", """{"name":"example","port":80,"targetPort":3000,"protocol":"TCP"}""", """{"spec":{"publishNotReadyAddresses":true}}""");
        await ServiceAsync("example-named-port", """{"foo":"bar"}""", """{"name":"http","port":80,"targetPort":"example-name","protocol":"TCP"}""", """{"spec":{"publishNotReadyAddresses":true}}""");
        string one = await AddressAsync("pod1"), two = await AddressAsync("pod2");
        await LeadAsync("example-int-port", $"{one}:3000:example:pod1");
        await LeadAsync("example-named-port", $"{one}:3000:http:pod1", $"{two}:3001:http:pod2");
        // A Pod that goes is not led to.
        await rig.Admin.DeleteAsync(_root + "/pods/pod1", """{"gracePeriodSeconds":0}""");
        await LeadAsync("example-int-port");
        await LeadAsync("example-named-port", $"{two}:3001:http:pod2");
    }

    async Task<string> AddressAsync(string pod) => (await rig.Admin.UntilAsync(_root + "/pods", pod, p => p.Text("status", "podIP").Length > 0 && p.Text("status", "phase") == "Running")).Text("status", "podIP");

    async Task LeadAsync(string service, params string[] wanted)
    {
        wanted = [.. wanted.Order(StringComparer.Ordinal)];
        static IEnumerable<string> Places(JsonObject part, string addresses) => from a in part.Items(addresses) from p in part.Items("ports")
            select $"{a.Text("ip") + a.Text("addresses", "0")}:{p.Text("port")}:{p.Text("name")}:{a.Text("targetRef", "name")}";
        await rig.Admin.UntilAsync(_slices, all => all.SelectMany(s => Places(s, "endpoints")).Order(StringComparer.Ordinal).SequenceEqual(wanted), Of(service));
        await rig.Admin.UntilAsync(_root + "/endpoints", service, e => e.Items("subsets").SelectMany(s => Places(s, "addresses")).Order(StringComparer.Ordinal).SequenceEqual(wanted));
    }
}
