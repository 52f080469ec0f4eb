using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers;
using Hanbae.Kubelet.Simulation;

namespace Hanbae.Testing.Tests.Interplay;

/// <summary>Our controllers, scheduler and nodes know a server by its wire alone: here they have nothing else of it, as against upstream's.</summary>
public sealed class OverTheWireTests
{
    static readonly CancellationToken s_none = CancellationToken.None;
    static readonly Key s_lease = new("kube-system", "kube-controller-manager");

    /// <summary>One of several that stand by for each other: a connection, a Lease, all controllers.</summary>
    sealed class Instance : IAsyncDisposable
    {
        readonly Cluster _cluster;
        readonly CancellationTokenSource _stop = new();
        readonly Task _running;
        readonly LeaderElector _elector;

        public Instance(string identity, ClusterConfig config)
        {
            _cluster = Cluster.Connect(config, new() { Qps = 0 });
            _elector = new(_cluster.Client, s_lease, identity, TimeProvider.System, new() { RetryPeriod = TimeSpan.FromMilliseconds(200) });
            _running = Task.WhenAll(_cluster.RunAsync(_stop.Token), LeadAsync(_stop.Token));
        }

        async Task LeadAsync(CancellationToken ct)
        {
            try { await _elector.RunAsync(RunAsync, ct); }
            catch (OperationCanceledException) when (ct.IsCancellationRequested) { }
        }

        Task RunAsync(CancellationToken ct)
        {
            var accounts = Catalog.All.Select(e => e.Component).Distinct().ToDictionary(c => c, _cluster.Access);
            return Task.WhenAll([Catalog.RunAsync(e => accounts[e.Component], ControllerOptions.Default, ct), .. accounts.Values.Select(a => a.RunAsync(ct))]);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _cluster.Dispose();
            _stop.Dispose();
        }
    }

    static Deployment Web => new()
    {
        Metadata = new() { Name = "web", Namespace = "shop" },
        Spec = new()
        {
            Replicas = 3, Selector = new() { MatchLabels = Map.Of(("app", "web")) },
            Template = new() { Metadata = new() { Labels = Map.Of(("app", "web")) }, Spec = new() { Containers = [new() { Name = "web", Image = "web:1" }] } },
        },
    };

    static Job Once => new()
    {
        Metadata = new() { Name = "once", Namespace = "shop" },
        Spec = new() { Template = new() { Spec = new() { RestartPolicy = "Never", Containers = [new() { Name = "c", Image = "c:1" }] } } },
    };

    static Service Front => new()
    {
        Metadata = new() { Name = "web", Namespace = "shop" },
        Spec = new() { Selector = Map.Of(("app", "web")), Ports = [new() { Port = 80 }] },
    };

    [Fact]
    public async Task All_our_controllers_work_over_HTTPS_and_another_instance_takes_over()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false, Patience = TimeSpan.FromMinutes(2) });
        var config = (await cluster.OpenAsync()).Config;
        using var outside = Cluster.Connect(config, new() { Qps = 0 });
        var ours = outside.Access("outside");
        cluster.Run("informers outside", outside.RunAsync);
        cluster.Run("scheduler", ct => new Hanbae.Scheduler.Scheduler(ours, new()).RunAsync(ct));
        cluster.Run("nodes", new SimulatedNodes(ours, 2).RunAsync);
        var client = outside.Client;

        await using var second = await FirstAndSecondAsync(cluster, config, client);

        // The first has gone: what is begun now is the second's.
        await client.CreateAsync(Once, s_none);
        await cluster.WhenAsync<Job>(new("shop", "once"), j => j?.Status.Succeeded == 1);
        await client.PatchAsync<Deployment>(new("shop", "web"), Patch.Merge("""{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"web:2"}]}}}}"""u8.ToArray()), s_none);
        await cluster.WhenAsync<Deployment>(new("shop", "web"), d => d is { Status: { UpdatedReplicas: 3, AvailableReplicas: 3, Replicas: 3 } } && d.Status.ObservedGeneration == d.Metadata.Generation);
        await client.DeleteAsync<Namespace>(new("", "shop"), new(), s_none);
        await cluster.WhenAsync<Namespace>(new("", "shop"), n => n is null);
        Assert.Empty((await client.ListAsync<Pod>(new() { Namespace = "shop" }, s_none)).Items);
        var lease = await client.GetAsync<Lease>(s_lease, s_none);
        Assert.Equal(("second", 1), (lease.Spec.HolderIdentity, lease.Spec.LeaseTransitions));
    }

    /// <returns>The second, which has the Lease of the first.</returns>
    static async Task<Instance> FirstAndSecondAsync(TestCluster cluster, ClusterConfig config, IClient client)
    {
        var first = new Instance("first", config);
        Instance? second = null;
        try
        {
            await client.CreateAsync(new Namespace { Metadata = new() { Name = "shop" } }, s_none);
            await cluster.WhenAsync<ServiceAccount>(new("shop", "default"), a => a is not null);
            await cluster.WhenAsync<Lease>(s_lease, l => l?.Spec.HolderIdentity == "first");
            second = new Instance("second", config);
            await client.CreateAsync(Web, s_none);
            await client.CreateAsync(Front, s_none);
            await cluster.WhenAsync<Deployment>(new("shop", "web"), d => d?.Status.AvailableReplicas == 3);
            await cluster.WhenAsync<Endpoints>(new("shop", "web"), e => e?.Subsets.Sum(s => s.Addresses.Count) == 3);
            await first.DisposeAsync();
            await cluster.WhenAsync<Lease>(s_lease, l => l?.Spec.HolderIdentity == "second");
            return second;
        }
        catch
        {
            await first.DisposeAsync();
            if (second is not null) await second.DisposeAsync();
            throw;
        }
    }

    /// <summary>A Lease as client-go's elector keeps it: protobuf both ways, whole updates under the version that was read, and the losers' conflicts.</summary>
    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task Electors_of_others_find_what_they_need(bool protobuf)
    {
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        var config = (await cluster.OpenAsync()).Config;
        using var http = new HttpTransport(config, TimeProvider.System, new() { Protobuf = protobuf });
        var foreign = new ApiClient(http);
        var micro = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(6_789_010);
        var made = await foreign.CreateAsync(new Lease
        {
            Metadata = new() { Name = "theirs", Namespace = "kube-system" },
            Spec = new() { HolderIdentity = "one", LeaseDurationSeconds = 15, AcquireTime = micro, RenewTime = micro, LeaseTransitions = 0 },
        }, s_none);
        // Microseconds, as metav1.MicroTime has them.
        Assert.Equal(micro, made.Spec.RenewTime);
        var renewed = await foreign.UpdateAsync(made with { Spec = made.Spec with { RenewTime = micro.AddSeconds(2) } }, s_none);
        Assert.NotEqual(made.Metadata.ResourceVersion, renewed.Metadata.ResourceVersion);
        var lost = await Assert.ThrowsAsync<ApiException>(() => foreign.UpdateAsync(made with { Spec = made.Spec with { HolderIdentity = "two" } }, s_none));
        Assert.Equal((409, "Conflict"), (lost.Code, lost.Reason));
        Assert.Equal("AlreadyExists", (await Assert.ThrowsAsync<ApiException>(() => foreign.CreateAsync(made with { Metadata = new() { Name = "theirs", Namespace = "kube-system" } }, s_none))).Reason);
        // Ours beside it: it waits for what the other holds, and takes what the other gives away.
        await foreign.UpdateAsync(renewed with { Spec = renewed.Spec with { HolderIdentity = "", LeaseDurationSeconds = 1 } }, s_none);
        using var stop = new CancellationTokenSource();
        var elector = new LeaderElector(cluster.Client, new("kube-system", "theirs"), "ours", TimeProvider.System);
        var leads = new TaskCompletionSource();
        var running = elector.RunAsync(async ct => { leads.SetResult(); try { await Task.Delay(Timeout.Infinite, ct); } catch (OperationCanceledException) { } }, stop.Token);
        await leads.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(("ours", 1), await foreign.GetAsync<Lease>(new("kube-system", "theirs"), s_none) is var now ? (now.Spec.HolderIdentity, now.Spec.LeaseTransitions) : default);
        await stop.CancelAsync();
        await running;
        Assert.Equal("", (await foreign.GetAsync<Lease>(new("kube-system", "theirs"), s_none)).Spec.HolderIdentity);
    }
}
