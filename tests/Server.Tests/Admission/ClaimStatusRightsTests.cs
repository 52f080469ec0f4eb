using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Server.Tests.Admission;

/// <summary>Who may write which part of a claim's status: who gives devices, and who tells of those of one driver.</summary>
public sealed class ClaimStatusRightsTests : IAsyncLifetime
{
    const string Path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/c/status", Resource = "resource.k8s.io", Account = "system:serviceaccount:default:driver";
    SecureServer _server = null!;
    ResourceClaim _claim = null!;

    static NodeSelector On(params string[] nodes) => new() { NodeSelectorTerms = [new() { MatchFields = [new() { Key = "metadata.name", Operator = "In", Values = nodes }] }] };

    static AllocationResult Given(params string[] nodes) => new()
    {
        Devices = new() { Results = [new() { Request = "r", Driver = "a.example", Pool = "p", Device = "d" }, new() { Request = "r", Driver = "b.example", Pool = "p", Device = "d" }] },
        NodeSelector = On(nodes),
    };

    static AllocatedDeviceStatus Told(string driver, string address = "") =>
        new() { Driver = driver, Pool = "p", Device = "d", NetworkData = address.Length > 0 ? new() { InterfaceName = "eth0", Ips = [address] } : null };

    static Identity User(string node) => new(Account, ["system:authenticated"]) { Extra = node.Length > 0 ? Map.Of<Seq<string>>(("authentication.kubernetes.io/node-name", [node])) : default };

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await _server.BindAsync("writes", SecureServer.User(Account), Rule("update,patch", Resource, "resourceclaims/status"));
        _claim = await _server.MakeAsync(new ResourceClaim
        {
            Metadata = new() { Name = "c", Namespace = "default" },
            Spec = new() { Devices = new() { Requests = [new() { Name = "r", Exactly = new() { DeviceClassName = "d", Count = 2 } }] } },
        });
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    /// <summary>As the administrator, who may all.</summary>
    async Task GiveAsync(AllocationResult? allocation, params AllocatedDeviceStatus[] told) =>
        _claim = (ResourceClaim)Good(await WriteAsync(Admin, _claim.Status with { Allocation = allocation, Devices = told })).Object!;

    Task<ApiResult> WriteAsync(Identity user, ResourceClaimStatus status) => _server.CallAsync(user, "PUT", Path, _claim with { Status = status });

    [Fact]
    public async Task To_give_devices_takes_a_right_of_its_own()
    {
        var refused = await WriteAsync(User(""), new() { Allocation = Given("n"), ReservedFor = [new() { Resource = "pods", Name = "p", Uid = "u" }] });
        Assert.Equal((422, "ResourceClaim.resource.k8s.io \"c\" is invalid: status: Forbidden: changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", "
            + $"verb=\"update\" permission: resourceclaims.resource.k8s.io is forbidden: User \"{Account}\" cannot update resource \"resourceclaims/binding\" in API group \"resource.k8s.io\" at the cluster scope"),
            (refused.Code, Message(refused)));

        await _server.BindAsync("binds", SecureServer.User(Account), Rule("update", Resource, "resourceclaims/binding"));
        Assert.Equal(200, (await WriteAsync(User(""), new() { Allocation = Given("n") })).Code);
    }

    /// <summary>As a row: where the claim's devices are, where the writer is, what he may, and by which verb he writes.</summary>
    [Theory]
    [InlineData("n", "n", "associated-node:update", "PUT", "")]
    [InlineData("n", "n", "arbitrary-node:update", "PUT", "")]
    [InlineData("n", "n", "associated-node:patch", "PATCH", "")]
    [InlineData("n", "m", "arbitrary-node:update", "PUT", "")]
    [InlineData("n", "", "arbitrary-node:update", "PUT", "")]
    [InlineData("n,m", "n", "arbitrary-node:update", "PUT", "")]
    [InlineData("n", "n", "associated-node:patch", "PUT", "[associated-node:update arbitrary-node:update]")]
    [InlineData("n", "n", "arbitrary-node:update", "PATCH", "[associated-node:patch arbitrary-node:patch]")]
    [InlineData("n", "m", "associated-node:update", "PUT", "[arbitrary-node:update]")]
    [InlineData("n", "", "associated-node:update", "PUT", "[arbitrary-node:update]")]
    [InlineData("n,m", "n", "associated-node:update", "PUT", "[arbitrary-node:update]")]
    public async Task To_tell_of_a_drivers_devices_takes_less_on_their_node(string given, string on, string may, string method, string missing)
    {
        await GiveAsync(Given(given.Split(',')), Told("b.example"));
        await _server.BindAsync("tells", SecureServer.User(Account), Rule(may, Resource, "resourceclaims/driver", "a.example"));

        var answer = method == "PUT" ? await WriteAsync(User(on), _claim.Status with { Devices = [Told("a.example"), Told("b.example")] })
            : await _server.Api.Transport.SendAsync(new()
            {
                Method = "PATCH", Path = Path, Identity = User(on), ContentType = "application/merge-patch+json",
                Body = Encoding.UTF8.GetBytes("""{"status":{"devices":[{"driver":"a.example","pool":"p","device":"d"},{"driver":"b.example","pool":"p","device":"d"}]}}"""),
            }, CancellationToken.None);

        Assert.Equal((missing.Length == 0 ? 200 : 422, true), (answer.Code, missing.Length == 0 || Message(answer).StartsWith(
            "ResourceClaim.resource.k8s.io \"c\" is invalid: status.devices: Forbidden: changing status.devices requires resource=\"resourceclaims/driver\", "
            + $"verb=\"{missing}\" permission: resourceclaims.resource.k8s.io \"a.example\" is forbidden: User \"{Account}\" cannot ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Of_other_drivers_devices_nothing_is_told()
    {
        await GiveAsync(Given("n"), Told("b.example"));
        await _server.BindAsync("tells", SecureServer.User(Account), Rule("associated-node:update", Resource, "resourceclaims/driver", "a.example"));

        foreach (AllocatedDeviceStatus[] devices in (AllocatedDeviceStatus[][])[[], [Told("b.example", "10.0.0.1/8")], [Told("a.example")]])
            Assert.Contains("\"b.example\" is forbidden", Message(await WriteAsync(User("n"), _claim.Status with { Devices = devices })), StringComparison.Ordinal);
        Assert.Equal(200, (await WriteAsync(User("n"), _claim.Status with { Devices = [Told("b.example"), Told("a.example", "10.0.0.1/8")] })).Code);
    }

    [Fact]
    public async Task What_was_told_of_a_device_goes_with_it_whoever_takes_it()
    {
        await GiveAsync(Given("n"), Told("a.example"), Told("b.example"));
        await _server.BindAsync("binds", SecureServer.User(Account), Rule("update", Resource, "resourceclaims/binding"));

        var freed = await WriteAsync(User(""), _claim.Status with { Allocation = null });

        Assert.Equal((200, true), (freed.Code, ((ResourceClaim)freed.Object!).Status.Devices.IsEmpty));
    }
}
