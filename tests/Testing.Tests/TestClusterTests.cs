using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Testing.Tests;

public sealed class TestClusterTests
{
    static readonly CancellationToken s_none = CancellationToken.None;

    static Deployment Web(int replicas) => new()
    {
        Metadata = new() { Name = "web", Namespace = "default" },
        Spec = new()
        {
            Replicas = replicas, Selector = new() { MatchLabels = Map.Of(("app", "web")) },
            Template = new() { Metadata = new() { Labels = Map.Of(("app", "web")) }, Spec = new() { Containers = [new() { Name = "web", Image = "web:1" }] } },
        },
    };

    [Fact]
    public async Task A_Deployment_becomes_available_on_simulated_nodes()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Nodes = 2 });
        await cluster.Client.CreateAsync(Web(3), s_none);
        var done = await cluster.WhenAsync<Deployment>(new("default", "web"), d => d?.Status.AvailableReplicas == 3);
        Assert.Equal(3, done!.Status.ReadyReplicas);
        Assert.All((await cluster.Client.ListAsync<Pod>(new() { Namespace = "default" }, s_none)).Items, p => Assert.StartsWith("simulated-", p.Spec.NodeName, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Namespaces_that_are_deleted_go_with_all_that_is_in_them()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.Client.CreateAsync(new Namespace { Metadata = new() { Name = "shop" } }, s_none);
        await cluster.Client.CreateAsync(new ConfigMap { Metadata = new() { Name = "settings", Namespace = "shop" } }, s_none);
        await cluster.Client.DeleteAsync<Namespace>(new("", "shop"), new(), s_none);
        await cluster.WhenAsync<Namespace>(new("", "shop"), n => n is null);
        Assert.Null(await cluster.Client.FindAsync<ConfigMap>(new("shop", "settings"), s_none));
    }

    [Fact]
    public async Task A_fork_goes_its_own_way()
    {
        await using var cluster = await TestCluster.StartAsync();
        var before = await cluster.Client.CreateAsync(new ConfigMap { Metadata = new() { Name = "settings", Namespace = "default" }, Data = Map.Of(("a", "1")) }, s_none);
        var snapshot = cluster.Snapshot();
        await using var fork = await cluster.ForkAsync();
        var there = await fork.Client.GetAsync<ConfigMap>(new("default", "settings"), s_none);
        Assert.Equal(before.Metadata.ResourceVersion, there.Metadata.ResourceVersion);

        await fork.Client.UpdateAsync(there with { Data = Map.Of(("a", "2")) }, s_none);
        await cluster.Client.DeleteAsync<ConfigMap>(new("default", "settings"), new(), s_none);
        Assert.Equal("2", (await fork.Client.GetAsync<ConfigMap>(new("default", "settings"), s_none)).Data["a"]);

        await using var again = await TestCluster.StartAsync(new() { From = snapshot });
        Assert.Equal("1", (await again.Client.GetAsync<ConfigMap>(new("default", "settings"), s_none)).Data["a"]);
    }

    [Fact]
    public async Task Time_can_be_put_forward()
    {
        var time = new TestTime();
        await using var cluster = await TestCluster.StartAsync(new() { Nodes = 1, Time = time });
        await cluster.Client.CreateAsync(new CronJob
        {
            Metadata = new() { Name = "yearly", Namespace = "default", CreationTimestamp = time.GetUtcNow() },
            Spec = new()
            {
                Schedule = "@yearly",
                JobTemplate = new() { Spec = new() { Template = new() { Spec = new() { RestartPolicy = "Never", Containers = [new() { Name = "c", Image = "c:1" }] } } } },
            },
        }, s_none);
        // Nothing but a whole year brings it about.
        await cluster.WhenAsync<CronJob>(new("default", "yearly"), c => c is not null);
        time.Advance(TimeSpan.FromDays(366));
        await cluster.WhenAsync<CronJob>(new("default", "yearly"), c => c?.Status.LastSuccessfulTime is not null);
    }

    [Fact]
    public async Task Whoever_is_no_administrator_may_do_what_roles_say()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        var refused = await Assert.ThrowsAsync<ApiException>(() => cluster.As("jane").ListAsync<Pod>(new() { Namespace = "default" }, s_none));
        Assert.Equal("pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"", refused.Message);
    }

    [Fact]
    public async Task Clients_from_outside_come_in_by_the_kubeconfig()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        var door = await cluster.OpenAsync();
        Assert.Same(door, await cluster.OpenAsync());
        using var transport = new HttpTransport(Kubeconfig.Load(door.Kubeconfig).Resolve(), TimeProvider.System);
        var client = new ApiClient(transport);
        Assert.Contains(await client.ListAsync<Namespace>(ListQuery.All, s_none) is var list ? list.Items : [], n => n.Metadata.Name == "kube-system");
        await cluster.DisposeAsync();
        Assert.False(File.Exists(door.Kubeconfig));
    }

    [Fact]
    public async Task What_fails_in_the_background_is_told_at_the_end()
    {
        var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        cluster.Run("the operator", _ => throw new InvalidOperationException("no idea what to do"));
        var told = await Assert.ThrowsAsync<AggregateException>(() => cluster.DisposeAsync().AsTask());
        Assert.Contains("the operator failed: no idea what to do", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_come_says_how_it_was()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false, Patience = TimeSpan.FromMilliseconds(1) });
        await Assert.ThrowsAsync<TimeoutException>(() => cluster.WhenAsync<ConfigMap>(new("default", "settings"), c => c is not null));
    }

    [Fact]
    public async Task A_hundred_clusters_share_a_process()
    {
        var clusters = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => TestCluster.StartAsync()));
        try
        {
            await Task.WhenAll(clusters.Select(c => c.Client.CreateAsync(new Namespace { Metadata = new() { Name = "mine" } }, s_none)));
            await Task.WhenAll(clusters.Select(c => c.WhenAsync<ServiceAccount>(new("mine", "default"), a => a is not null)));
        }
        finally { await Task.WhenAll(clusters.Select(c => c.DisposeAsync().AsTask())); }
    }
}
