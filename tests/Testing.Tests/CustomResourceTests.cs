using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Samples;

namespace Hanbae.Testing.Tests;

/// <summary>Types of users' own and resources without a type, in the process and over the wire.</summary>
public sealed class CustomResourceTests
{
    static readonly CancellationToken s_none = CancellationToken.None;
    static readonly TimeSpan s_soon = TimeSpan.FromMinutes(1);

    /// <summary>A client in the process, or one at the other end of a wire.</summary>
    static async Task<(IClient Client, InformerFactory Informers)> ClientAsync(TestCluster cluster, bool wire)
    {
        if (!wire) return (cluster.Client, cluster.Informers);
        var outside = Cluster.Connect((await cluster.OpenAsync()).Config);
        cluster.Run("outside", async ct => { using (outside) await outside.RunAsync(ct); });
        return (outside.Client, outside.Informers);
    }

    static Website Shop(string name = "shop", int replicas = 2) => new() { Metadata = new() { Name = name, Namespace = "default" }, Spec = new() { Image = "shop:1", Replicas = replicas } };

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task A_record_is_a_resource_like_any_other(bool wire)
    {
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        var (client, informers) = await ClientAsync(cluster, wire);
        await Website.Definition.InstallAsync(client, "test", s_none);
        var made = await client.CreateAsync(Shop(), s_none);
        Assert.Equal(Shop().Spec, made.Spec);
        Assert.Equal(new WebsiteStatus(), made.Status);
        Assert.Equal(made, await client.GetAsync<Website>(Key.Of(made), s_none));

        var cache = informers.Cache<Website>();
        cache.AddIndex("image", w => [w.Spec.Image]);
        await cache.WhenSyncedAsync(s_none).WaitAsync(s_soon);
        Assert.Equal(made, Assert.Single(cache.ByIndex("image", "shop:1")));
        var ready = new TaskCompletionSource<Website>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var changes = cache.AddEventHandler(updated: (old, now) => { if (old.Status.Ready == 0 && now.Status.Ready == 2) ready.TrySetResult(now); });

        var reported = await client.UpdateStatusAsync(made with { Spec = made.Spec with { Replicas = 100 }, Status = new() { Ready = 2, Phase = "Open" } }, s_none);
        Assert.Equal((2, 2), (reported.Status.Ready, reported.Spec.Replicas));
        Assert.Equal(reported, await ready.Task.WaitAsync(s_soon));
        var updated = await client.UpdateAsync(reported with { Spec = reported.Spec with { Replicas = 3 } }, s_none);
        Assert.Equal((3, 2L), (updated.Spec.Replicas, updated.Metadata.Generation));
        Assert.Equal("Conflict", (await Assert.ThrowsAsync<ApiException>(() => client.UpdateAsync(reported, s_none))).Reason);

        for (int i = 0; i < 5; i++) await client.ApplyAsync(Shop($"more-{i}", i), "test", s_none);
        List<string> names = [];
        await foreach (var site in client.EachAsync<Website>(new() { Namespace = "default", Limit = 2 })) names.Add(site.Metadata.Name);
        Assert.Equal(["more-0", "more-1", "more-2", "more-3", "more-4", "shop"], names.Order());

        await client.DeleteAsync<Website>(new("default", "shop"), new(), s_none);
        await foreach (var (type, site) in client.WatchAsync<Website>(ListQuery.All, updated.Metadata.ResourceVersion))
            if (type == WatchEventType.Deleted)
            {
                Assert.Equal(("shop", 3), (site.Metadata.Name, site.Spec.Replicas));
                break;
            }
        Assert.Null(await client.FindAsync<Website>(new("default", "shop"), s_none));
    }

    [Fact]
    public async Task The_schema_comes_from_the_type_and_the_server_holds_to_it()
    {
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        await Website.Definition.InstallAsync(cluster.Client, "test", s_none);
        var stored = await cluster.Client.GetAsync<CustomResourceDefinition>(new("", "websites.shop.example.com"), s_none);
        var spec = stored.Spec.Versions[0].Schema!.OpenAPIV3Schema!.Properties["spec"]!;
        Assert.Equal(("object", "string", "integer"), (spec.Type, spec.Properties["image"]!.Type, spec.Properties["openDays"]!.Type));
        Assert.Equal(["image"], spec.Required);
        Assert.True(spec.Properties["openDays"]!.Nullable);
        Assert.Equal("Closes the site after so many days; it stays open without.", spec.Properties["openDays"]!.Description);

        var websites = cluster.Client.Dynamic((await ServerResources.DiscoverAsync(cluster.Client.Transport, s_none)).Find("ws")!);
        var wrong = new Unstructured(new("shop.example.com", "v1", "Website"), new() { Name = "wrong", Namespace = "default" }, (JsonObject)JsonValue.Parse("""{"spec":{"replicas":"many"}}"""));
        var refused = await Assert.ThrowsAsync<ApiException>(() => websites.CreateAsync(wrong, s_none));
        Assert.Equal("Invalid", refused.Reason);
        Assert.Contains("spec.image: Required value", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task A_resource_without_a_type_is_found_by_its_name_and_used_as_a_tree(bool wire)
    {
        await using var cluster = await TestCluster.StartAsync(new() { Controllers = false, Scheduler = false });
        var (client, _) = await ClientAsync(cluster, wire);
        var served = await ServerResources.DiscoverAsync(client.Transport, s_none);
        Assert.Null(served.Find("nonsense"));
        Assert.Equal("deployments", served.Find("deploy")!.Gvr.Resource);
        var maps = client.Dynamic(served.Find("cm")!);
        var made = await maps.CreateAsync(new Unstructured(new("", "v1", "ConfigMap"), new() { Name = "m", Namespace = "default" }, (JsonObject)JsonValue.Parse("""{"data":{"a":"1"}}""")), s_none);
        Assert.Equal("1", (await client.GetAsync<ConfigMap>(Key.Of(made), s_none)).Data["a"]);
        var changed = await maps.UpdateAsync(made.With("data", JsonValue.Parse("""{"a":"2"}""")), s_none);
        Assert.Equal("\"2\"", changed["data", "a"]!.ToString());
        var applied = await maps.ApplyAsync(new(made.Info, new() { Name = "m", Namespace = "default" }, (JsonObject)JsonValue.Parse("""{"data":{"b":"3"}}""")), "somebody", s_none);
        Assert.Equal(2, ((JsonObject)applied["data"]!).Count);
        Assert.Contains((await maps.ListAsync(new() { Namespace = "default" }, s_none)).Items, m => m.Metadata.Name == "m");
        await foreach (var (type, map) in maps.WatchAsync(new() { Namespace = "default" }, made.Metadata.ResourceVersion))
        {
            Assert.Equal((WatchEventType.Modified, changed), (type, map));
            break;
        }

        var informer = new DynamicInformer(client.Transport, maps.Resource, new() { Namespace = "default" }, TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var run = informer.RunAsync(stop.Token);
        await informer.Cache.WhenSyncedAsync(s_none).WaitAsync(s_soon);
        Assert.Equal("\"3\"", informer.Cache.Find(Key.Of(made))!["data", "b"]!.ToString());
        await stop.CancelAsync();
        await run;
        await maps.DeleteAsync(Key.Of(made), new(), s_none);
        Assert.Null(await maps.FindAsync(Key.Of(made), s_none));
    }
}
