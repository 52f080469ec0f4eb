using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Client;
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

    static string Plan(Service service, params Node[] nodes) => string.Join(' ', BalancePlan.For(service, BalancingNodes.Of(nodes), new HashSet<string> { "n2" }, 6443, out _).Select(i => $"{i.Ip}/{i.IpMode}"));

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

    const string Held = "service.kubernetes.io/load-balancer-cleanup";

    static Service Holding(string name, Service service) => service with { Metadata = service.Metadata with { Name = name, Uid = name, Finalizers = ["example.com/mine", Held] } };

    [Fact]
    public async Task A_Service_stays_until_nothing_balances_it()
    {
        await using var cluster = new TestCluster(["service-lb-controller"], api => api.Put(Ready("n1", "10.0.0.1")));
        cluster.Api.Put(Balanced());
        await cluster.UntilAsync(api => api.Find<Service>("web") is { Metadata.Finalizers: [Held], Status.LoadBalancer.Ingress: [_] });
        cluster.Api.Change<Service>("web", s => s with { Spec = s.Spec with { Type = "ClusterIP" } });
        await cluster.UntilAsync(api => api.Find<Service>("web") is { Metadata.Finalizers.IsEmpty: true, Status.LoadBalancer.Ingress.IsEmpty: true });
        cluster.Api.Change<Service>("web", s => s with { Spec = s.Spec with { Type = "LoadBalancer" } });
        await cluster.UntilAsync(api => api.Find<Service>("web") is { Metadata.Finalizers: [Held], Status.LoadBalancer.Ingress: [_] });

        await cluster.Client.TryDeleteAsync<Service>(new("default", "web"), DeleteOptions.Empty, default);
        await cluster.UntilAsync(api => api.Find<Service>("web") is null);
        await cluster.UntilAsync(_ => cluster.Events.Told.Count(t => t == ("DeletedLoadBalancer", "Deleted load balancer")) >= 2);
        Assert.Contains(("DeletingLoadBalancer", "Deleting load balancer"), cluster.Events.Told);
    }

    [Fact]
    public async Task Of_what_holds_a_Service_only_our_own_is_taken_away_and_nothing_of_another_class()
    {
        await using var cluster = new TestCluster(["service-lb-controller"], api => api.Put(Ready("n1", "10.0.0.1")));
        cluster.Api.Put(Holding("other", Balanced() with { Spec = Balanced().Spec with { LoadBalancerClass = "example.com/other" } }));
        cluster.Api.Put(Holding("own", Balanced()));
        cluster.Api.Put(Holding("plain", Balanced("ClusterIP")));
        // Taken from a cluster where it was balanced.
        await cluster.UntilAsync(api => api.Find<Service>("plain") is { Metadata.Finalizers: ["example.com/mine"] });
        await cluster.UntilAsync(api => !api.Find<Service>("own")!.Status.LoadBalancer.Ingress.IsEmpty);
        foreach (string name in (string[])["other", "own"]) await cluster.Client.TryDeleteAsync<Service>(new("default", name), DeleteOptions.Empty, default);
        await cluster.UntilAsync(api => api.Find<Service>("own") is { Metadata: { DeletionTimestamp: not null, Finalizers: ["example.com/mine"] }, Status.LoadBalancer.Ingress.IsEmpty: true });
        Assert.Equal<string>(["example.com/mine", Held], cluster.Api.Find<Service>("other")!.Metadata.Finalizers);
    }

    static Node[] Many(int count) => [.. Enumerable.Range(1, count).Select(i => Ready($"n{i}", $"10.0.{i / 250}.{i % 250}"))];

    [Fact]
    public void Of_many_nodes_some_balance_a_Service_and_others_another()
    {
        string[] Of(string name, params Node[] nodes) => Plan(Balanced() with { Metadata = Balanced().Metadata with { Name = name } }, nodes).Split(' ');
        var nodes = Many(100);
        Assert.Equal(BalancePlan.MostNodes, Of("web", nodes).Length);
        Assert.NotEqual(Of("web", nodes), Of("shop", nodes));
        // One more or less changes little, whichever it is.
        foreach (int gone in new[] { 0, 37, 99 })
            Assert.True(Of("web", [.. nodes.Where((_, i) => i != gone)]).Except(Of("web", nodes)).Count() <= 1);
        // All have their share: of a thousand Services each of a hundred nodes has about 160.
        var shares = Enumerable.Range(0, 1000).SelectMany(i => Of($"s{i}", nodes)).CountBy(n => n).ToList();
        Assert.Equal(100, shares.Count);
        Assert.InRange(shares.Min(s => s.Value), 100, 160);
        Assert.InRange(shares.Max(s => s.Value), 160, 230);
    }

    [Fact]
    public async Task A_node_changes_those_Services_alone_that_it_balances()
    {
        var nodes = Many(60);
        string[] names = [.. Enumerable.Range(0, 40).Select(i => $"s{i}")];
        Service Named(string name) => Balanced() with { Metadata = Balanced().Metadata with { Name = name, Uid = name } };
        await using var cluster = new TestCluster(["service-lb-controller"], api =>
        {
            foreach (var node in nodes[..59]) api.Put(node);
            foreach (string name in names) api.Put(Named(name));
        });
        string[] Wanted(string name, Node[] of) => [.. BalancePlan.For(Named(name), BalancingNodes.Of(of), new HashSet<string>(), 6443, out _).Select(i => i.Ip)];
        Task ShownAsync(Node[] of) => cluster.UntilAsync(api => names.All(n => api.Find<Service>(n)!.Status.LoadBalancer.Ingress.Select(i => i.Ip).SequenceEqual(Wanted(n, of))));
        await ShownAsync(nodes[..59]);
        var versions = names.ToDictionary(n => n, n => cluster.Api.Find<Service>(n)!.Metadata.ResourceVersion);

        cluster.Api.Put(nodes[59]);
        await ShownAsync(nodes);
        cluster.Api.Remove<Node>("n1", "");
        await ShownAsync(nodes[1..]);

        // Who shows neither has been left alone.
        var untouched = names.Where(n => Wanted(n, nodes).SequenceEqual(Wanted(n, nodes[..59])) && Wanted(n, nodes).SequenceEqual(Wanted(n, nodes[1..]))).ToList();
        Assert.NotEmpty(untouched);
        Assert.All(untouched, n => Assert.Equal(versions[n], cluster.Api.Find<Service>(n)!.Metadata.ResourceVersion));
    }

    [Fact]
    public async Task A_port_that_becomes_a_nodes_own_concerns_all_Services()
    {
        await using var cluster = new TestCluster(["service-lb-controller"], api =>
        {
            foreach (var node in Many(40)) api.Put(node);
            foreach (int i in Enumerable.Range(0, 10)) api.Put(Balanced(port: 10250) with { Metadata = Balanced().Metadata with { Name = $"s{i}", Uid = $"u{i}" } });
        });
        Task AllAsync(string mode) => cluster.UntilAsync(api => Enumerable.Range(0, 10).All(i => api.Find<Service>($"s{i}")!.Status.LoadBalancer.Ingress is { Count: BalancePlan.MostNodes } all && all.All(a => a.IpMode == mode)));
        await AllAsync("VIP");
        var agent = Make.Node("agent") with { Status = new() { DaemonEndpoints = new() { KubeletEndpoint = new() { Port = 10250 } } } };
        cluster.Api.Put(agent);
        await AllAsync("Proxy");
        cluster.Api.Remove<Node>("agent", "");
        await AllAsync("VIP");
    }
}
