using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Testing;

namespace Samples.Tests;

/// <summary>An operator, tested on a whole cluster that is in the test's own process.</summary>
public sealed class WebsiteOperatorTests
{
    static readonly CancellationToken s_none = CancellationToken.None;

    static Website Shop(int replicas = 2, int? openDays = null) => new()
    {
        Metadata = new() { Name = "shop", Namespace = "default" },
        Spec = new() { Image = "shop:1", Replicas = replicas, OpenDays = openDays },
    };

    static async Task<TestCluster> StartAsync(TestClusterOptions options)
    {
        var cluster = await TestCluster.StartAsync(options with { Nodes = 1 });
        await Website.Definition.InstallAsync(cluster.Client, WebsiteOperator.Name, s_none);
        Operate(cluster);
        return cluster;
    }

    static void Operate(TestCluster cluster) => cluster.Run("the operator", new WebsiteOperator(cluster.Access(WebsiteOperator.Name)).Build());

    [Fact]
    public async Task A_website_becomes_Pods_that_run()
    {
        await using var cluster = await StartAsync(new());
        await cluster.Client.CreateAsync(Shop(replicas: 2), s_none);
        var open = await cluster.WhenAsync<Website>(new("default", "shop"), w => w is { Status: { Ready: 2, Phase: "Open" } });
        await cluster.Client.PatchAsync<Website>(Key.Of(open!), Patch.Merge("""{"spec":{"replicas":3}}"""u8.ToArray()), s_none);
        await cluster.WhenAsync<Website>(Key.Of(open!), w => w?.Status.Ready == 3);
    }

    [Fact]
    public async Task A_website_closes_when_its_days_are_over()
    {
        var time = new TestTime();
        await using var cluster = await StartAsync(new() { Time = time });
        await cluster.Client.CreateAsync(Shop(openDays: 30), s_none);
        await cluster.WhenAsync<Website>(new("default", "shop"), w => w?.Status.Ready == 2);

        time.Advance(TimeSpan.FromDays(31));
        await cluster.WhenAsync<Website>(new("default", "shop"), w => w is { Status: { Ready: 0, Phase: "Closed" } });
    }

    [Fact]
    public async Task A_website_that_goes_leaves_the_directory()
    {
        await using var cluster = await StartAsync(new());
        await cluster.Client.CreateAsync(Shop(), s_none);
        await cluster.WhenAsync<ConfigMap>(new("default", WebsiteOperator.Directory), d => d?.Data["shop"] == "shop:1");

        await cluster.Client.DeleteAsync<Website>(new("default", "shop"), new(), s_none);
        await cluster.WhenAsync<Website>(new("default", "shop"), w => w is null);
        Assert.False((await cluster.Client.GetAsync<ConfigMap>(new("default", WebsiteOperator.Directory), s_none)).Data.ContainsKey("shop"));
        // Its Deployment is its own, and goes with it.
        await cluster.WhenAsync<Deployment>(new("default", "shop"), d => d is null);
    }

    [Fact]
    public async Task From_one_moment_two_stories_may_go_on()
    {
        await using var cluster = await StartAsync(new());
        await cluster.Client.CreateAsync(Shop(), s_none);
        await cluster.WhenAsync<Website>(new("default", "shop"), w => w?.Status.Ready == 2);

        // The fork has all that the cluster has, and an operator of its own.
        await using var fork = await cluster.ForkAsync();
        Operate(fork);
        await fork.Client.DeleteAsync<Website>(new("default", "shop"), new(), s_none);
        await fork.WhenAsync<Website>(new("default", "shop"), w => w is null);
        Assert.Equal(2, (await cluster.Client.GetAsync<Website>(new("default", "shop"), s_none)).Status.Ready);
    }
}
