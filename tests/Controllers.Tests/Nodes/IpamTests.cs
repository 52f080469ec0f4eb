using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Controllers.Nodes;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.Nodes;

public sealed class IpamTests
{
    [Fact]
    public async Task A_node_that_came_in_the_place_of_another_keeps_its_addresses_when_the_end_of_that_one_is_told()
    {
        var api = new FakeApi();
        var nodes = new SharedCache<Node>();
        var ipam = new Ipam(new OneCache<Node>(new ApiClient(api, TimeProvider.System), nodes), new() { ClusterCidr = "10.42.0.0/23" });
        async Task<string> GivenAsync(Node node)
        {
            await ipam.ReconcileAsync(Key.Of(node), default);
            return api.Find<Node>(node.Metadata.Name, "")!.Spec.PodCIDR;
        }
        Node New(string name)
        {
            var node = api.Put(new Node { Metadata = new() { Name = name } });
            nodes.Apply(new(SyncKind.Applied, node));
            return node;
        }
        string? second = null;
        // Told before the controller is: what it can read by then it was not told.
        using var early = nodes.Subscribe(e => { if (e.New is null) second = GivenAsync(nodes.Find(new("", "n"))!).GetAwaiter().GetResult(); });
        using var triggers = new QueueTriggers(_ => { });
        ipam.Watch(triggers);
        nodes.Apply(new(SyncKind.Init));
        nodes.Apply(new(SyncKind.InitDone));

        Assert.Equal("10.42.0.0/24", await GivenAsync(New("n")));
        api.Remove<Node>("n", "");
        New("n");
        Assert.Equal("10.42.1.0/24", second);

        Assert.Equal("10.42.0.0/24", await GivenAsync(New("m")));
        Assert.Equal("", await GivenAsync(New("none-left")));
    }
}
