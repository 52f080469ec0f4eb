using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;

namespace Hanbae.Server.Tests;

/// <summary>Where the server's own proxy goes, and where nobody may send it. What is asked for without a slash is answered before anything is reached.</summary>
public sealed class ProxyTests
{
    const string Base = "/api/v1/namespaces/default/";

    static async Task<TestServer> StartAsync(string podIp)
    {
        var server = await TestServer.StartAsync();
        await server.CreateAsync(new Pod { Metadata = new() { Name = "p", Namespace = "default" }, Spec = new() { Containers = [new Container { Name = "c", Image = "i" }] } });
        if (podIp.Length > 0)
            Assert.Equal(200, (await server.SendAsync("PATCH", Base + "pods/p/status", $$$"""{"status":{"podIP":"{{{podIp}}}","podIPs":[{"ip":"{{{podIp}}}"}]} }""", "application/merge-patch+json")).Code);
        return server;
    }

    [Theory]
    [InlineData("10.0.0.1", 301)]
    [InlineData("2001:db8::1", 301)]
    [InlineData("", 400)]
    [InlineData("127.0.0.1", 400)]
    [InlineData("::1", 400)]
    [InlineData("169.254.169.254", 400)]
    [InlineData("fe80::1", 400)]
    [InlineData("224.0.0.1", 400)]
    [InlineData("0.0.0.0", 400)]
    [InlineData("255.255.255.255", 400)]
    public async Task A_Pod_is_reached_at_an_address_that_is_its_own(string address, int code)
    {
        await using var server = await StartAsync(address);
        var answer = await server.GetAsync(Base + "pods/http:p:80/proxy");
        Assert.Equal(code, answer.Code);
        if (code == 400) Assert.Equal("address not allowed", answer.Message);
    }

    [Theory]
    [InlineData("s:web", 301, "")]
    [InlineData("s:80", 301, "")]
    [InlineData("https:s:80", 301, "")]
    [InlineData("s:81", 503, "no service port 81 found for service \"s\"")]
    [InlineData("s:other", 503, "no endpoints available for service \"s\"")]
    [InlineData("stray:web", 503, "no endpoints available for service \"stray\"")]
    [InlineData("outside:80", 404, "endpoints \"outside\" not found")]
    [InlineData("a:b:c:d", 400, "invalid service request \"a:b:c:d\"")]
    [InlineData("ftp:s:80", 400, "invalid service request \"ftp:s:80\"")]
    public async Task A_Service_leads_to_Pods_of_its_namespace_and_nowhere_else(string name, int code, string message)
    {
        await using var server = await StartAsync("10.0.0.1");
        foreach (string service in (string[])["s", "stray"])
        {
            await server.CreateAsync(new Service { Metadata = new() { Name = service, Namespace = "default" }, Spec = new() { Ports = [new() { Name = "web", Port = 80 }] } });
            Assert.Equal(201, (await server.PostAsync("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", $$$"""
                {"metadata":{"name":"{{{service}}}","labels":{"kubernetes.io/service-name":"{{{service}}}"}},"addressType":"IPv4","ports":[{"name":"web","port":8080}],"endpoints":[
                {"addresses":["10.0.0.9"]},{"addresses":["10.0.0.9"],"targetRef":{"kind":"Pod","namespace":"default","name":"p"}},{"addresses":["10.0.0.1"],"targetRef":{"kind":"Pod","namespace":"other","name":"p"}}]}
                """)).Code);
        }
        Assert.Equal(200, (await server.SendAsync("PATCH", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/s", """
            [{"op":"add","path":"/endpoints/-","value":{"addresses":["10.0.0.1"],"targetRef":{"kind":"Pod","namespace":"default","name":"p"}}}]
            """, "application/json-patch+json")).Code);
        await server.CreateAsync(new Service { Metadata = new() { Name = "outside", Namespace = "default" }, Spec = new() { Type = "ExternalName", ExternalName = "example.com", Ports = [new() { Port = 80 }] } });
        var answer = await server.GetAsync(Base + $"services/{name}/proxy");
        Assert.Equal((code, message), (answer.Code, code == 301 ? "" : answer.Message));
    }

    [Theory]
    [InlineData("10.0.0.1", "n:9100", 301, "")]
    [InlineData("127.0.0.1", "n:9100", 400, "address not allowed")]
    [InlineData("127.0.0.1", "https:n:10250", 301, "")]
    [InlineData("127.0.0.1", "n", 301, "")]
    [InlineData("10.0.0.1", "n:kubelet", 400, "invalid port \"kubelet\"")]
    [InlineData("10.0.0.1", "a:b:c:d", 400, "invalid node request \"a:b:c:d\"")]
    public async Task Besides_its_kubelet_a_node_is_asked_where_others_could_ask_it(string address, string name, int code, string message)
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateAsync(new Node { Metadata = new() { Name = "n" } });
        await server.SendAsync("PATCH", "/api/v1/nodes/n/status", $$$"""{"status":{"addresses":[{"type":"InternalIP","address":"{{{address}}}"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}} } }""", "application/merge-patch+json");
        var answer = await server.GetAsync($"/api/v1/nodes/{name}/proxy");
        Assert.Equal((code, message), (answer.Code, code == 301 ? "" : answer.Message));
    }
}
