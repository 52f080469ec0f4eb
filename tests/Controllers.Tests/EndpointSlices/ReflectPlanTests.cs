using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Controllers.EndpointSlices;

namespace Hanbae.Controllers.Tests.EndpointSlices;

public sealed class ReflectPlanTests
{
    internal static Service Service(string clusterIP = "10.0.0.1") => new()
    {
        Metadata = new() { Name = "web", Namespace = "default", Uid = "uid-of-svc", Labels = Map.Of(("team", "a")) },
        Spec = new()
        {
            Selector = Map.Of(("app", "web")), ClusterIP = clusterIP, IpFamilies = ["IPv4"],
            Ports = [new ServicePort { Name = "http", Port = 80, TargetPort = "web", Protocol = "TCP" }],
        },
    };

    internal static Pod Pod(int number, bool ready = true, int port = 8080)
    {
        var pod = Make.Pod($"p{number}", node: "n1");
        if (ready) pod = pod.Ready();
        return pod with
        {
            Spec = pod.Spec with { Containers = [new Container { Name = "main", Ports = [new ContainerPort { Name = "web", ContainerPortValue = port, Protocol = "TCP" }] }] },
            Status = pod.Status with { Phase = "Running", PodIP = $"10.1.{number / 250}.{number % 250}", PodIPs = [new PodIP { Ip = $"10.1.{number / 250}.{number % 250}" }] },
        };
    }

    static ReflectPlan Plan(Service service, IEnumerable<Pod> pods, params EndpointSlice[] existing) => ReflectPlan.For(service, pods, existing, _ => "z1");

    static EndpointSlice Named(EndpointSlice slice, string name) => slice with { Metadata = slice.Metadata with { Name = name } };

    [Fact]
    public void An_endpoint_tells_all_of_its_Pod()
    {
        var slice = Assert.Single(Plan(Service(), [Pod(1)]).Create);
        var endpoint = Assert.Single(slice.Endpoints);
        var port = Assert.Single(slice.Ports);

        Assert.Equal(("web-", "IPv4", "web", "endpointslice-controller.k8s.io", "a"),
            (slice.Metadata.GenerateName, slice.AddressType, slice.Metadata.Labels["kubernetes.io/service-name"], slice.Metadata.Labels["endpointslice.kubernetes.io/managed-by"], slice.Metadata.Labels["team"]));
        Assert.Equal(("10.1.0.1", "n1", "z1", "p1", true, true, false),
            (endpoint.Addresses[0], endpoint.NodeName, endpoint.Zone, endpoint.TargetRef!.Name, endpoint.Conditions.Ready, endpoint.Conditions.Serving, endpoint.Conditions.Terminating));
        Assert.Equal(("http", 8080, "TCP"), (port.Name, port.Port, port.Protocol));
        Assert.Equal("Service", slice.Metadata.OwnerReferences[0].Kind);
    }

    [Fact]
    public void Ready_means_send_traffic_and_serving_tells_the_truth()
    {
        var going = Pod(1) with { Metadata = Pod(1).Metadata with { DeletionTimestamp = Make.Start } };
        var unready = Service() with { Spec = Service().Spec with { PublishNotReadyAddresses = true } };

        Assert.Equal((false, true, true), Conditions(Plan(Service(), [going])));
        Assert.Equal((false, false, false), Conditions(Plan(Service(), [Pod(1, ready: false)])));
        Assert.Equal((true, false, false), Conditions(Plan(unready, [Pod(1, ready: false)])));

        static (bool?, bool?, bool?) Conditions(ReflectPlan plan) => plan.Create[0].Endpoints[0].Conditions is var c ? (c.Ready, c.Serving, c.Terminating) : default;
    }

    [Fact]
    public void A_slice_holds_a_hundred_endpoints_at_most() =>
        Assert.Equal([100, 100, 50], Plan(Service(), Enumerable.Range(0, 250).Select(i => Pod(i))).Create.Select(s => s.Endpoints.Count));

    [Fact]
    public void Pods_with_other_ports_are_in_other_slices() =>
        Assert.Equal([8080, 9090], Plan(Service(), [Pod(1), Pod(2, port: 9090)]).Create.Select(s => s.Ports[0].Port!.Value).Order());

    [Fact]
    public void One_more_Pod_touches_one_slice()
    {
        var pods = Enumerable.Range(0, 150).Select(i => Pod(i)).ToList();
        var slices = Plan(Service(), pods).Create.Select((s, i) => Named(s, $"web-{i}")).ToArray();
        var plan = Plan(Service(), [.. pods, Pod(200)], slices);

        Assert.Equal((0, 0), (plan.Create.Count, plan.Delete.Count));
        Assert.Equal("web-1", Assert.Single(plan.Update).Metadata.Name);
        Assert.Equal(51, plan.Update[0].Endpoints.Count);
    }

    [Fact]
    public void Nothing_changes_when_nothing_changed()
    {
        var slice = Named(Plan(Service(), [Pod(1), Pod(2)]).Create[0], "web-1");
        var plan = Plan(Service(), [Pod(2), Pod(1)], slice);

        Assert.Equal((0, 0, 0), (plan.Create.Count, plan.Update.Count, plan.Delete.Count));
    }

    [Fact]
    public void A_Service_without_Pods_keeps_one_empty_slice()
    {
        var empty = Assert.Single(Plan(Service(), []).Create);
        Assert.Empty(empty.Endpoints);

        var plan = Plan(Service(), [], Named(Plan(Service(), [Pod(1)]).Create[0], "old"), Named(empty, "empty"));
        Assert.Equal((0, 0), (plan.Create.Count, plan.Update.Count));
        Assert.Equal(["old"], plan.Delete.Select(s => s.Metadata.Name));
    }

    [Fact]
    public void A_slice_that_would_go_takes_the_place_of_one_that_would_come()
    {
        var old = Named(Plan(Service(), [Pod(1)]).Create[0], "web-1");
        var plan = Plan(Service(), [Pod(2, port: 9090)], old);

        Assert.Equal((0, 0), (plan.Create.Count, plan.Delete.Count));
        Assert.Equal(("web-1", 9090, "p2"), (plan.Update[0].Metadata.Name, plan.Update[0].Ports[0].Port, plan.Update[0].Endpoints[0].TargetRef!.Name));
    }

    [Fact]
    public void Slices_of_an_older_Service_of_the_name_are_not_taken_over()
    {
        var old = Named(Plan(Service(), [Pod(1)]).Create[0], "web-1") is var s ? s with { Metadata = s.Metadata with { OwnerReferences = [s.Metadata.OwnerReferences[0] with { Uid = "older" }] } } : null!;
        var plan = Plan(Service(), [Pod(1)], old);

        Assert.Equal((1, 0, 1), (plan.Create.Count, plan.Update.Count, plan.Delete.Count));
    }

    [Fact]
    public void A_headless_Service_says_so_and_its_Pods_have_names()
    {
        var pod = Pod(1) with { Spec = Pod(1).Spec with { Hostname = "first", Subdomain = "web" } };
        var slice = Assert.Single(Plan(Service("None"), [pod]).Create);

        Assert.Equal("first", slice.Endpoints[0].Hostname);
        Assert.True(slice.Metadata.Labels.ContainsKey("service.kubernetes.io/headless"));
    }

    [Fact]
    public void Endpoints_show_ready_and_other_addresses_apart()
    {
        var made = Hanbae.Controllers.Endpoints.ReflectPlan.For(Service(), [Pod(1), Pod(2, ready: false), Pod(3) with { Metadata = Pod(3).Metadata with { DeletionTimestamp = Make.Start } }], null);
        var subset = Assert.Single(made.Subsets);

        Assert.Equal((["10.1.0.1"], ["10.1.0.2"]), (subset.Addresses.Select(a => a.Ip).ToArray(), subset.NotReadyAddresses.Select(a => a.Ip).ToArray()), new Pairs());
        Assert.Equal(("http", 8080), (subset.Ports[0].Name, subset.Ports[0].Port));
    }

    sealed class Pairs : IEqualityComparer<(string[], string[])>
    {
        public bool Equals((string[], string[]) x, (string[], string[]) y) => x.Item1.SequenceEqual(y.Item1) && x.Item2.SequenceEqual(y.Item2);
        public int GetHashCode((string[], string[]) obj) => obj.Item1.Length;
    }

    [Theory]
    // What is left fits into none of those that stay as they are: it gets one of its own, and one that changes is filled up.
    [InlineData(62, 61, 2, 250, 1, 1, "61 89 100")]
    [InlineData(74, 74, 0, 300, 2, 0, "52 74 74 100")]
    [InlineData(74, 60, 0, 150, 0, 1, "60 90")]
    public void As_few_slices_change_as_may_be(int first, int second, int gone, int pods, int made, int changed, string sizes)
    {
        var all = Enumerable.Range(0, pods + gone).Select(i => Pod(i)).ToList();
        EndpointSlice Slice(string name, IEnumerable<Pod> of) => Named(Plan(Service(), of).Create.Single(), name);
        EndpointSlice[] slices = [Slice("web-a", all.Take(first)), Slice("web-b", all.Skip(first).Take(second))];
        var plan = Plan(Service(), all.Skip(gone), slices);
        Assert.Equal((made, changed, 0), (plan.Create.Count, plan.Update.Count, plan.Delete.Count));
        Assert.Equal(sizes, string.Join(' ', plan.Create.Concat(plan.Update).Concat(slices.Where(s => !plan.Update.Any(u => u.Metadata.Name == s.Metadata.Name))).Select(s => s.Endpoints.Count).Order()));
    }
}
