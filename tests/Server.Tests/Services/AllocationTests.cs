using System.Net;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Registry;
using Hanbae.Server.Registry.Services;
using Hanbae.Store.Memory;

namespace Hanbae.Server.Tests.Services;

public sealed class AllocationTests
{
    const string Path = "/api/v1/namespaces/default/services";

    static Task<TestServer> StartAsync(string cidr = "10.96.0.0/16", int lastPort = 32767) => TestServer.StartAsync(o => o with
    {
        Strategy = Catalog.With(new ServiceNetworks { ClusterIPs = [.. cidr.Split(',').Select(IPNetwork.Parse)], LastNodePort = lastPort }),
    });

    static Service Make(string name, string type = "", string ip = "", int nodePort = 0) => new()
    {
        Metadata = new() { Name = name, Namespace = "default" },
        Spec = new() { Type = type, ClusterIP = ip, Ports = [new ServicePort { Name = "http", Port = 80, NodePort = nodePort }] },
    };

    static string Json(string name, string spec) => $$"""{"kind":"Service","apiVersion":"v1","metadata":{"name":"{{name}}"},"spec":{{spec}}}""";

    [Fact]
    public async Task A_service_gets_an_address_of_the_range_and_keeps_it()
    {
        await using var server = await StartAsync();
        var created = await server.CreateAsync(Make("web"));

        Assert.True(IPNetwork.Parse("10.96.0.0/16").Contains(IPAddress.Parse(created.Spec.ClusterIP)));
        Assert.Equal([created.Spec.ClusterIP], created.Spec.ClusterIPs);
        Assert.Equal(["IPv4"], created.Spec.IpFamilies);
        Assert.Equal("SingleStack", created.Spec.IpFamilyPolicy);

        var put = await server.SendAsync("PUT", Path + "/web", Json("web", """{"ports":[{"port":81}]}"""));
        Assert.Equal(200, put.Code);
        Assert.Equal(created.Spec.ClusterIP, put.Text("spec", "clusterIP"));
    }

    [Theory]
    [InlineData("10.96.0.7", "spec.clusterIPs: Invalid value: [\"10.96.0.7\"]: failed to allocate IP 10.96.0.7: provided IP is already allocated")]
    [InlineData("10.0.0.1", "spec.clusterIPs: Invalid value: [\"10.0.0.1\"]: failed to allocate IP 10.0.0.1: the provided IP (10.0.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16")]
    [InlineData("10.96.0.300", "spec.clusterIPs[0]: Invalid value: \"10.96.0.300\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    [InlineData("10.096.000.30", "spec.clusterIPs[0]: Invalid value: \"10.096.000.30\": must not have leading 0s")]
    [InlineData("::ffff:10.96.0.30", "spec.clusterIPs[0]: Invalid value: \"::ffff:10.96.0.30\": must not be an IPv4-mapped IPv6 address")]
    public async Task An_address_that_cannot_be_had_is_refused(string ip, string message)
    {
        await using var server = await StartAsync();
        await server.CreateAsync(Make("first", ip: "10.96.0.7"));
        var refused = await server.PostAsync(Path, Json("second", $$"""{"clusterIP":"{{ip}}","ports":[{"port":80}]}"""));
        Assert.Equal(422, refused.Code);
        Assert.Equal($"Service \"second\" is invalid: {message}", refused.Message);
    }

    [Theory]
    [InlineData(30080, "provided port is already allocated")]
    [InlineData(80, "provided port is not in the valid range. The range of valid ports is 30000-32767")]
    public async Task A_node_port_that_cannot_be_had_is_refused(int port, string why)
    {
        await using var server = await StartAsync();
        await server.CreateAsync(Make("first", "NodePort", nodePort: 30080));
        var refused = await server.PostAsync(Path, Json("second", $$"""{"type":"NodePort","ports":[{"port":80,"nodePort":{{port}}}]}"""));
        Assert.Equal($"Service \"second\" is invalid: spec.ports[0].nodePort: Invalid value: {port}: {why}", refused.Message);
    }

    [Fact]
    public async Task A_refused_create_gives_back_what_it_took()
    {
        await using var server = await StartAsync();
        await server.CreateAsync(Make("web"));
        // The name is taken; then the address must still be free.
        Assert.Equal(409, (await server.PostAsync(Path, Json("web", """{"clusterIP":"10.96.1.1","type":"NodePort","ports":[{"port":80,"nodePort":30001}]}"""))).Code);
        Assert.Equal(201, (await server.PostAsync(Path, Json("other", """{"clusterIP":"10.96.1.1","type":"NodePort","ports":[{"port":80,"nodePort":30001}]}"""))).Code);
    }

    [Fact]
    public async Task A_dry_run_takes_nothing()
    {
        await using var server = await StartAsync();
        var tried = await server.PostAsync(Path + "?dryRun=All", Json("web", """{"clusterIP":"10.96.1.1","ports":[{"port":80}]}"""));
        Assert.Equal("10.96.1.1", tried.Text("spec", "clusterIP"));
        Assert.Equal(201, (await server.PostAsync(Path, Json("other", """{"clusterIP":"10.96.1.1","ports":[{"port":80}]}"""))).Code);
    }

    [Fact]
    public async Task A_deleted_service_gives_back_what_it_had()
    {
        await using var server = await StartAsync("10.96.0.0/30");
        await server.CreateAsync(Make("a"));
        await server.CreateAsync(Make("b"));
        Assert.Equal("Internal error occurred: failed to allocate a serviceIP: range is full", (await server.PostAsync(Path, Json("c", """{"ports":[{"port":80}]}"""))).Message);
        await server.SendAsync("DELETE", Path + "/a");
        Assert.Equal(201, (await server.PostAsync(Path, Json("c", """{"ports":[{"port":80}]}"""))).Code);
    }

    [Fact]
    public async Task A_change_to_ExternalName_gives_back_address_and_ports()
    {
        await using var server = await StartAsync();
        await server.CreateAsync(Make("web", "NodePort", "10.96.2.2", 30002));
        var changed = await server.SendAsync("PATCH", Path + "/web", """{"spec":{"type":"ExternalName","externalName":"example.com"}}""", "application/merge-patch+json");
        Assert.Equal(200, changed.Code);
        Assert.Equal("", changed.Text("spec", "clusterIP"));
        Assert.Equal("", changed.Text("spec", "ports", "0", "nodePort"));
        var other = await server.CreateAsync(Make("other", "NodePort", "10.96.2.2", 30002));
        Assert.Equal("10.96.2.2", other.Spec.ClusterIP);
    }

    [Fact]
    public async Task An_address_cannot_be_changed()
    {
        await using var server = await StartAsync();
        await server.CreateAsync(Make("web", ip: "10.96.2.2"));
        var refused = await server.SendAsync("PATCH", Path + "/web", """{"spec":{"clusterIP":"10.96.2.3"}}""", "application/merge-patch+json");
        Assert.Equal("Service \"web\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.2.3\"]: may not change once set", refused.Message);
    }

    [Fact]
    public async Task A_headless_service_has_no_address()
    {
        await using var server = await StartAsync("10.96.0.0/30");
        for (int i = 0; i < 5; i++) Assert.Equal(["None"], (await server.CreateAsync(Make("h" + i, ip: "None"))).Spec.ClusterIPs);
    }

    [Fact]
    public async Task Both_protocols_of_a_port_share_a_node_port()
    {
        await using var server = await StartAsync();
        var dns = await server.PostAsync(Path, Json("dns", """{"type":"NodePort","ports":[{"name":"u","port":53,"protocol":"UDP"},{"name":"t","port":53,"protocol":"TCP"}]}"""));
        Assert.Equal(201, dns.Code);
        Assert.Equal(dns.Text("spec", "ports", "0", "nodePort"), dns.Text("spec", "ports", "1", "nodePort"));
    }

    [Fact]
    public async Task A_local_balancer_gets_a_health_check_port_until_it_is_local_no_more()
    {
        await using var server = await StartAsync();
        var made = await server.PostAsync(Path, Json("lb", """{"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":80}]}"""));
        Assert.InRange(int.Parse(made.Text("spec", "healthCheckNodePort")), 30000, 32767);
        var changed = await server.SendAsync("PATCH", Path + "/lb", """{"spec":{"externalTrafficPolicy":"Cluster"}}""", "application/merge-patch+json");
        Assert.Equal("", changed.Text("spec", "healthCheckNodePort"));
    }

    [Fact]
    public async Task A_dual_stack_cluster_gives_one_address_of_each_family()
    {
        await using var server = await StartAsync("10.96.0.0/16,fd00::/108");
        var both = await server.PostAsync(Path, Json("web", """{"ipFamilyPolicy":"PreferDualStack","ports":[{"port":80}]}"""));
        Assert.Equal(["IPv4", "IPv6"], [both.Text("spec", "ipFamilies", "0"), both.Text("spec", "ipFamilies", "1")]);
        Assert.True(IPNetwork.Parse("fd00::/108").Contains(IPAddress.Parse(both.Text("spec", "clusterIPs", "1"))));
    }

    [Fact]
    public async Task A_single_stack_cluster_refuses_to_require_two()
    {
        await using var server = await StartAsync();
        var refused = await server.PostAsync(Path, Json("web", """{"ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}"""));
        Assert.Equal("Service \"web\" is invalid: spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services", refused.Message);
    }

    [Fact]
    public async Task Many_at_once_get_all_there_is_and_none_twice()
    {
        await using var server = await StartAsync("10.96.0.0/26", lastPort: 30061);
        var made = await Task.WhenAll(Enumerable.Range(0, 70).Select(async i => await server.CallAsync("POST", Path, Make("s" + i, "NodePort"))));
        var services = made.Select(r => r.Object).OfType<Service>().ToList();
        Assert.Equal(62, services.Count);
        Assert.Equal(62, services.Select(s => s.Spec.ClusterIP).Distinct().Count());
        Assert.Equal(62, services.Select(s => s.Spec.Ports[0].NodePort).Distinct().Count());
    }

    [Fact]
    public async Task A_server_that_starts_knows_what_is_taken()
    {
        await using var store = new MemoryStore(new());
        var options = new ServerOptions { Authorizers = [new Hanbae.Server.Auth.AlwaysAllow()] };
        static async Task<object?> PostAsync(ApiServer server, Service service) =>
            (await server.Transport.SendAsync(new() { Method = "POST", Path = Path, Object = service, Identity = new("tester", []) }, CancellationToken.None)).Object;

        await using (var first = new ApiServer(store, options)) Assert.IsType<Service>(await PostAsync(first, Make("a", ip: "10.96.3.3")));
        await using var second = new ApiServer(store, options);
        var status = Assert.IsType<Api.Meta.V1.Status>(await PostAsync(second, Make("b", ip: "10.96.3.3")));
        Assert.EndsWith("provided IP is already allocated", status.Message);
    }
}
