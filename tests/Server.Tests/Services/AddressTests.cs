using System.Net;
using Hanbae.Server.Registry;
using Hanbae.Server.Registry.Services;

namespace Hanbae.Server.Tests.Services;

/// <summary>Who has which cluster IP is shown by IPAddress objects, and where they come from by ServiceCIDRs.</summary>
public sealed class AddressTests
{
    const string Services = "/api/v1/namespaces/default/services", Addresses = "/apis/networking.k8s.io/v1/ipaddresses", Ranges = "/apis/networking.k8s.io/v1/servicecidrs";

    static Task<TestServer> StartAsync(string cidr = "10.96.0.0/16") => TestServer.StartAsync(o => o with { Strategy = Catalog.With(new ServiceNetworks { ClusterIPs = [IPNetwork.Parse(cidr)] }) });

    static string Service(string name, string ip = "") => $$"""{"kind":"Service","apiVersion":"v1","metadata":{"name":"{{name}}"},"spec":{"clusterIP":"{{ip}}","ports":[{"port":80}] } }""";
    static string Range(string name, string cidr) => $$"""{"kind":"ServiceCIDR","apiVersion":"networking.k8s.io/v1","metadata":{"name":"{{name}}"},"spec":{"cidrs":["{{cidr}}"] } }""";

    [Fact]
    [Trait("Conformance", "[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations [Conformance]")]
    public async Task An_address_says_whose_it_is_as_long_as_it_is()
    {
        await using var server = await StartAsync();
        string ip = (await server.PostAsync(Services, Service("web"))).Text("spec", "clusterIP");
        var address = await server.GetAsync(Addresses + "/" + ip);
        Assert.Equal("""{"resource":"services","namespace":"default","name":"web"}""", address.Text("spec", "parentRef"));
        Assert.Equal("""{"ipaddress.kubernetes.io/ip-family":"IPv4","ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"}""", address.Text("metadata", "labels"));
        Assert.StartsWith($"IPAddress.networking.k8s.io \"{ip}\" is invalid: spec.parentRef: Invalid value: ",
            (await server.SendAsync("PATCH", Addresses + "/" + ip, """{"spec":{"parentRef":{"name":"other"}}}""", "application/merge-patch+json")).Message);
        Assert.Equal(200, (await server.SendAsync("PATCH", Addresses + "/" + ip, """{"metadata":{"labels":{"a":"b"}}}""", "application/merge-patch+json")).Code);
        await server.SendAsync("DELETE", Services + "/web");
        Assert.Equal(404, (await server.GetAsync(Addresses + "/" + ip)).Code);
    }

    [Fact]
    public async Task An_address_made_by_hand_no_service_gets()
    {
        await using var server = await StartAsync();
        const string made = """{"kind":"IPAddress","apiVersion":"networking.k8s.io/v1","metadata":{"name":"10.96.7.7"},"spec":{"parentRef":{"group":"example.com","resource":"gateways","name":"g"}}}""";
        Assert.Equal(201, (await server.PostAsync(Addresses, made)).Code);
        Assert.EndsWith("provided IP is already allocated", (await server.PostAsync(Services, Service("web", "10.96.7.7"))).Message);
        await server.SendAsync("DELETE", Addresses + "/10.96.7.7");
        Assert.Equal(201, (await server.PostAsync(Services, Service("web", "10.96.7.7"))).Code);
    }

    [Fact]
    [Trait("Conformance", "[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations [Conformance]")]
    public async Task A_range_that_is_added_is_used_and_stays_as_long_as_it_is()
    {
        await using var server = await StartAsync("10.96.0.0/30");
        foreach (string name in (string[])["a", "b"]) Assert.Equal(201, (await server.PostAsync(Services, Service(name))).Code);
        Assert.Equal("Internal error occurred: failed to allocate a serviceIP: range is full", (await server.PostAsync(Services, Service("c"))).Message);

        var range = await server.PostAsync(Ranges, Range("more", "10.97.0.0/24"));
        Assert.Equal((201, "True"), (range.Code, range.Text("status", "conditions", "0", "status")));
        var third = await server.PostAsync(Services, Service("c"));
        Assert.StartsWith("10.97.0.", third.Text("spec", "clusterIP"));

        var ending = await server.SendAsync("DELETE", Ranges + "/more");
        Assert.Equal(200, ending.Code);
        Assert.Equal("Terminating", (await server.GetAsync(Ranges + "/more")).Text("status", "conditions", "0", "reason"));
        await server.SendAsync("DELETE", Services + "/c");
        Assert.Equal(404, (await server.GetAsync(Ranges + "/more")).Code);
        Assert.Equal(500, (await server.PostAsync(Services, Service("c"))).Code);
    }

    [Theory]
    [InlineData("10.97.0.1/24", "spec.cidrs[0]: Invalid value: \"10.97.0.1/24\": must not have bits set beyond the prefix length")]
    [InlineData("fd00:0::/64", "spec.cidrs[0]: Invalid value: \"fd00:0::/64\": must be in canonical form (\"fd00::/64\")")]
    [InlineData("no", "spec.cidrs[0]: Invalid value: \"no\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    public async Task A_range_is_a_network(string cidr, string wrong)
    {
        await using var server = await StartAsync();
        Assert.Equal($"ServiceCIDR.networking.k8s.io \"x\" is invalid: {wrong}", (await server.PostAsync(Ranges, Range("x", cidr))).Message);
    }
}
