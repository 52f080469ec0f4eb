using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Services;

namespace Hanbae.Controllers.Tests.Services;

public sealed class BalanceTests
{
    static Node Ready(string name, string address, params (string, string)[] labels) => Make.Node(name, labels) with
    {
        Status = new() { Addresses = [new() { Type = "InternalIP", Address = address }], Conditions = [new() { Type = "Ready", Status = "True" }] },
    };

    static Service Balanced(string type = "LoadBalancer", int port = 80) => new()
    {
        Metadata = new() { Name = "web", Namespace = "default", Uid = "u" },
        Spec = new() { Type = type, IpFamilies = ["IPv4"], Ports = [new() { Port = port, Protocol = "TCP" }] },
    };

    static string Plan(Service service, params Node[] nodes) => string.Join(' ', BalancePlan.For(service, BalancingNodes.Of(nodes), new HashSet<string> { "n2" }, 6443).Select(i => $"{i.Ip}/{i.IpMode}"));

    [Fact]
    public void Every_ready_node_that_is_not_excluded_balances()
    {
        Node[] nodes = [Ready("n2", "10.0.0.2"), Ready("n1", "10.0.0.1"), Make.Node("silent"), Ready("n3", "10.0.0.3", ("node.kubernetes.io/exclude-from-external-load-balancers", ""))];
        Assert.Equal("10.0.0.1/VIP 10.0.0.2/VIP", Plan(Balanced(), nodes));
        Assert.Equal("10.0.0.2/VIP", Plan(Balanced() with { Spec = Balanced().Spec with { ExternalTrafficPolicy = "Local" } }, nodes));
        Assert.Equal("", Plan(Balanced() with { Spec = Balanced().Spec with { LoadBalancerClass = "example.com/other" } }, nodes));
    }

    [Theory, InlineData(22), InlineData(6443)]
    public void A_port_of_the_machine_stays_the_machines(int port) => Assert.Equal("10.0.0.1/Proxy", Plan(Balanced(port: port), Ready("n1", "10.0.0.1")));

    [Fact]
    public async Task The_status_follows_the_type_and_the_nodes()
    {
        await using var cluster = new TestCluster(["service-lb-controller"], api => api.Put(Ready("n1", "10.0.0.1")));
        cluster.Api.Put(Balanced());
        await cluster.UntilAsync(api => api.Find<Service>("web")!.Status.LoadBalancer.Ingress is [{ Ip: "10.0.0.1" }]);
        cluster.Api.Put(Ready("n2", "10.0.0.2"));
        await cluster.UntilAsync(api => api.Find<Service>("web")!.Status.LoadBalancer.Ingress.Count == 2);
        cluster.Api.Change<Service>("web", s => s with { Spec = s.Spec with { Type = "ClusterIP" } });
        await cluster.UntilAsync(api => api.Find<Service>("web")!.Status.LoadBalancer.Ingress.IsEmpty);
        Assert.Contains(("EnsuredLoadBalancer", "Ensured load balancer"), cluster.Events.Told);
    }

    [Fact]
    public async Task Where_traffic_stays_on_its_node_a_node_concerns_what_has_Pods_there()
    {
        await using var cluster = new TestCluster(["service-lb-controller"], api =>
        {
            api.Put(Ready("n1", "10.0.0.1"));
            api.Put(Balanced() with { Spec = Balanced().Spec with { ExternalTrafficPolicy = "Local" } });
            api.Put(new Api.Discovery.V1.EndpointSlice
            {
                Metadata = new() { Name = "web-1", Namespace = "default", Labels = Map.Of(("kubernetes.io/service-name", "web")) }, AddressType = "IPv4",
                Endpoints = [new() { Addresses = ["10.1.0.1"], NodeName = "n2" }],
            });
        });
        cluster.Api.Put(Ready("n2", "10.0.0.2"));
        await cluster.UntilAsync(api => api.Find<Service>("web")!.Status.LoadBalancer.Ingress is [{ Ip: "10.0.0.2" }]);
        cluster.Api.Change<Node>("n2", n => n with { Status = Ready("n2", "10.0.0.9").Status }, "");
        await cluster.UntilAsync(api => api.Find<Service>("web")!.Status.LoadBalancer.Ingress is [{ Ip: "10.0.0.9" }]);
    }
}
